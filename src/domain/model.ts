/** A model: a SQL text with its YAML twin, as `settings/model-file.ts` reads them. */

import type { TableName } from './identifier.ts'

export type ModelKind = 'full' | 'merge' | 'scd2' | 'calendar'

export const MODEL_KINDS: readonly ModelKind[] = ['full', 'merge', 'scd2', 'calendar']

export interface ModelDefinition extends TableName {
  readonly kind: ModelKind
  readonly description: string | null
  /** The SELECT as written; empty for a calendar. */
  readonly sql: string
  readonly sqlFile: string
  readonly yamlFile: string
  /** merge and scd2: what makes a row the same thing over time. */
  readonly key: readonly string[]
  /** Column of the SQL's result that orders changes; null for a merge whose input has an order of its own. */
  readonly sequenceBy: string | null
  readonly tieBreak: readonly string[]
  /** scd2: columns whose change opens a version. */
  readonly track: readonly string[]
  /** scd2, and a merge that facts look up: the name of the surrogate key. */
  readonly surrogateKey: string | null
  readonly lookups: readonly ModelLookup[]
  readonly rowLookups: readonly RowLookup[]
  /** Columns worked out from the row once all lookups stand: an expression each. */
  readonly derive: readonly { readonly name: string; readonly sql: string }[]
  readonly partitionBy: readonly string[]
  /** calendar: the days to cover. */
  readonly over: { readonly table: TableName; readonly column: string } | null
}

/** Columns of another table's row taken into each row: of the row with its key, or of the latest one of a time. */
export interface RowLookup {
  readonly table: TableName
  readonly on: readonly { readonly own: string; readonly other: string }[]
  /** The latest row at or before the own time is meant; null where `on` is the other table's whole key. */
  readonly at: { readonly own: string; readonly other: string } | null
  /** Of several rows of one time, the greatest by these columns. */
  readonly tieBreak: readonly string[]
  readonly take: readonly { readonly column: string; readonly as: string }[]
  /** A row that finds none is worth a warning. */
  readonly warnsIfNone: boolean
  /** Whether the table is held, whatever its size; decides no rows. */
  readonly broadcast?: boolean
}

/** A dimension's surrogate key taken into a fact, as of a time in the fact's row. */
export interface ModelLookup {
  readonly dimension: TableName
  /** Fact column → dimension column. */
  readonly on: readonly { readonly fact: string; readonly dimension: string }[]
  /** Fact column with the time; null for a dimension of kind merge, which has no validity. */
  readonly at: string | null
  /** Name of the surrogate key in the fact. */
  readonly as: string
  /** See `RowLookup.broadcast`. */
  readonly broadcast?: boolean
}
