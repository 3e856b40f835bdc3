import type { JsonValue } from './dead-letter.ts'

/** Delta's statistics of one top-level column; min and max absent where the type has none. Timestamps in ms precision. */
export interface ColumnStats {
  readonly column: string
  readonly nulls: number
  readonly min?: JsonValue
  readonly max?: JsonValue
}
