import type { SourceValue } from '../../ports/source-connector.ts'

/** The text of a scalar source value, or null for what has none (null, bytes, nested, an invalid date). */
export function sourceText(value: SourceValue): string | null {
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'object':
      return value instanceof Date && !Number.isNaN(value.getTime()) ? value.toISOString() : null
    default:
      return null
  }
}

/** Lists of source values. */
export function isSourceList(value: SourceValue): value is readonly SourceValue[] {
  return Array.isArray(value)
}

/** Objects of source values; not bytes, not dates. */
export function isSourceObject(value: SourceValue): value is { readonly [key: string]: SourceValue } {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array) &&
    !(value instanceof Date)
  )
}

/** `t`, `yes` and the like are how databases print booleans in CSV exports. */
export function parseSourceBoolean(text: string): boolean | null {
  switch (text.toLowerCase()) {
    case 'true':
    case 't':
    case '1':
      return true
    case 'false':
    case 'f':
    case '0':
      return false
    default:
      return null
  }
}
