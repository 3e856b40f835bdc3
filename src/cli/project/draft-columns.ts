import type { InferredColumn } from '../../contract/infer/draft-schema.ts'
import type { InferredContract } from '../../contract/infer/infer-contract.ts'
import type { JsonValue } from '../../domain/dead-letter.ts'

/** What a project's files need to know of a drafted contract. Pure. */

export type DraftKind = 'text' | 'integer' | 'decimal' | 'double' | 'boolean' | 'date' | 'timestamp' | 'nested'

export function kindOf({ type }: Pick<InferredColumn, 'type'>): DraftKind {
  if (type === 'string') return 'text'
  if (type === 'long') return 'integer'
  if (type === 'double') return 'double'
  if (type === 'boolean') return 'boolean'
  const logical = (type as { readonly logicalType?: JsonValue }).logicalType
  if (logical === 'decimal') return 'decimal'
  if (logical === 'date') return 'date'
  return typeof logical === 'string' ? 'timestamp' : 'nested'
}

/** The column whose value says which of two rows of a key is the later; null where none is called so. */
export function sequenceColumn({ columns, key }: InferredContract): string | null {
  const found = columns.find(
    (column) =>
      /(updated|modified|changed|last_?(update|change|modified))/i.test(column.name) &&
      !column.nullable &&
      key?.includes(column.name) !== true &&
      ['date', 'timestamp'].includes(kindOf(column)),
  )
  return found?.name ?? null
}

/** What a first aggregate goes by: a column of few values, else a month, else nothing. */
export function groupColumn(
  draft: InferredContract,
): { readonly name: string; readonly kind: 'value' | 'month' } | null {
  const open = draft.columns.filter((column) => column.pii === null && draft.key?.includes(column.name) !== true)
  const few = open.find((column) => kindOf(column) === 'text' && column.notes.some((note) => note.startsWith('seen: ')))
  if (few !== undefined) return { name: few.name, kind: 'value' }
  const time = open.find((column) => ['date', 'timestamp'].includes(kindOf(column)))
  return time === undefined ? null : { name: time.name, kind: 'month' }
}

/** What a first aggregate adds up. */
export function measureColumn(draft: InferredContract): { readonly name: string; readonly kind: DraftKind } | null {
  const numbers = draft.columns.filter(
    (column) => ['decimal', 'double'].includes(kindOf(column)) && draft.key?.includes(column.name) !== true,
  )
  const named = numbers.find(({ name }) => /(amount|total|price|revenue|value|sum|cost)/i.test(name)) ?? numbers[0]
  return named === undefined ? null : { name: named.name, kind: kindOf(named) }
}

/** A value of the column's type as YAML has it; `n` tells values apart. */
export function sampleValue(column: InferredColumn, n: number): string {
  switch (kindOf(column)) {
    case 'text':
      return `'${'ab'[n - 1] ?? 'c'}'`
    case 'boolean':
      return n === 1 ? 'false' : 'true'
    case 'date':
      return `2026-01-0${n}`
    case 'timestamp':
      return `2026-01-0${n}T00:00:00Z`
    default:
      return String(n)
  }
}
