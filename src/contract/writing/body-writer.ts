import type { RuleBreach } from '../../domain/dead-letter.ts'
import type { SourceValue } from '../../ports/source-connector.ts'
import { quoteValue } from '../rules/breaches.ts'

/** Bodies of one wire schema, made from source values. */
export interface BodyWriter {
  /** Names of the record's fields, in order. */
  readonly fields: readonly string[]
  readonly hasPii: boolean
  /** `indexes`: for each field its position in `values`, or -1. */
  write(indexes: readonly number[], values: readonly SourceValue[], textual: boolean): Written
  keyText(field: string, value: SourceValue): string | null
}

export type Written =
  /** The body stands until the next one is written. */
  | { readonly kind: 'written'; readonly body: Uint8Array }
  | { readonly kind: 'refused'; readonly errors: readonly RuleBreach[] }

export interface ValueFault {
  readonly field: string
  readonly wanted: string
  readonly pii: boolean
  /** Undefined where the source has no such column. */
  readonly value: SourceValue | undefined
}

export function sourceValueBreach({ field, wanted, pii, value }: ValueFault): RuleBreach {
  const what =
    value === undefined
      ? 'is not in the source and has no default'
      : `is ${value === null ? 'null' : quoteValue(showSource(value), pii)}`
  return {
    code: 'SOURCE_VALUE',
    field,
    rule: `wire ${wanted}`,
    message: `${field} ${what}; the wire schema wants ${wanted}.`,
  }
}

function showSource(value: SourceValue): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return value
  if (typeof value === 'object')
    return value instanceof Date
      ? dateText(value)
      : value instanceof Uint8Array
        ? `${value.length} bytes`
        : 'a nested value'
  return String(value)
}

function dateText(value: Date): string {
  return Number.isNaN(value.getTime()) ? 'an invalid date' : value.toISOString()
}
