import type { JsonValue } from './dead-letter.ts'

/**
 * Delta's statistics of one column, or of a field inside a struct column; min and max absent where the type has none.
 * Timestamps in ms precision. An integer or decimal that a JSON number of JavaScript's would round is its digits as text.
 */
export interface ColumnStats {
  /** The top-level column. */
  readonly column: string
  /** The way from it into structs, down to the field that is meant; absent for the column itself. */
  readonly inside?: readonly string[]
  readonly nulls: number
  readonly min?: JsonValue
  readonly max?: JsonValue
}
