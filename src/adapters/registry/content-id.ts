import { createHash } from 'node:crypto'
import { canonicalJson } from '../../domain/exact-json.ts'
import type { SchemaText } from '../../ports/schema-registry.ts'

export const MAX_ID = 0x7fffffff

/** One text for equal content: white space and the order of keys do not matter, attributes do. */
export function canonicalContent({ format, text }: SchemaText): string {
  try {
    return `${format}\n${canonicalJson(text)}`
  } catch {
    // A bare Avro type name (`string`) is a schema without being JSON.
    return `${format}\n${text.trim()}`
  }
}

/** 1 to 2^31 - 1, from the first bits of a SHA-256. */
export function contentId(content: string): number {
  const id = createHash('sha256').update(content, 'utf8').digest().readUInt32BE(0) & MAX_ID
  return id === 0 ? 1 : id
}
