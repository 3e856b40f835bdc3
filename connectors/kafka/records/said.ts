import type { SourceValue } from '../../../src/ports/source-connector.ts'

export interface SourceObject {
  readonly [key: string]: SourceValue
}

/** What a record says: a row to stand, or a key whose row is gone. */
export type Said =
  | { readonly kind: 'row'; readonly op: 'c' | 'u' | 'r'; readonly value: SourceObject }
  | { readonly kind: 'gone'; readonly value: SourceObject | null }
  | { readonly kind: 'refused'; readonly why: string }

export function isObject(value: SourceValue): value is SourceObject {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array) &&
    !(value instanceof Date)
  )
}
