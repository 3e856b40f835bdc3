import type { ColumnField } from '../domain/column-batch.ts'
import type { TableName } from '../domain/identifier.ts'

/** A table as a suite is held to it: a view of its rows, and what is known besides. */
export interface JudgedTable {
  readonly name: TableName
  /** What stands after FROM for its rows: a view's checked name, or a query in brackets. */
  readonly view: string
  readonly fields: readonly ColumnField[]
  /** What makes a row the same thing over time; empty where nothing does. */
  readonly key: readonly string[]
  /** When a row came to be, where an expectation names no column; null where nothing says. */
  readonly bornAt: BornAt | null
  readonly nowMs: number
  /** Null where there is no such table yet. */
  readonly parent: (table: string) => ParentTable | null
  /** SELECT of key columns and `_sequence` of each deletion of a key, where that is known. */
  readonly deletions: string | null
  /** Throws where the pattern is not of the safe dialect. */
  readonly pattern: (text: string) => PatternSource
}

/** A column of the row; or one of the row of another view that has its values in the columns `same`, the latest of several. */
export type BornAt =
  | { readonly column: string }
  | { readonly view: string; readonly same: readonly string[]; readonly column: string }

export interface ParentTable {
  readonly view: string
  readonly fields: readonly ColumnField[]
}

/** A pattern as the engines' regular expressions have it. */
export interface PatternSource {
  readonly source: string
  /** It is found in the empty text. */
  readonly findsEmpty: boolean
}
