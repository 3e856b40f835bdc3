import type { ContractFormat } from './contract.ts'
import { canonicalJson } from './exact-json.ts'

/** One text for schemas of equal content: white space and the order of keys do not matter, attributes do. */
export function canonicalContent({ format, text }: { readonly format: ContractFormat; readonly text: string }): string {
  try {
    return `${format}\n${canonicalJson(text)}`
  } catch (error) {
    // A bare Avro type name (`string`) is a schema without being JSON; nesting past all reason is nobody's schema.
    if (error instanceof SyntaxError || error instanceof RangeError) return `${format}\n${text.trim()}`
    throw error
  }
}
