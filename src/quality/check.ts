import type { RowsStep } from '../ports/model-engine.ts'

/** An expectation worked out for one table: what to ask an engine, and how to read the answer. Pure. */
export type Check = RowsCheck | QueryCheck | FigureCheck | KnownCheck | ImpossibleCheck

/** Each row alone keeps or breaks it: many such checks are counted in one pass over the table. */
export interface RowsCheck {
  readonly kind: 'rows'
  /** Rows that count; null: all. Over alias `r`. */
  readonly considered: string | null
  /** Of those, the rows that offend. */
  readonly offends: string
  readonly mostly: number
}

/** Rows offend by what other rows are. */
export interface QueryCheck {
  readonly kind: 'query'
  /** One row: `offending`, `considered` unless `considers` tells it, and `young` where rows may be too young to offend. */
  readonly counts: string
  /** Kept by its name while `counts` is asked, which reads it. */
  readonly step?: RowsStep
  /** The rows that count, over alias `r`, where each row alone tells; absent: `counts` says how many they are. */
  readonly considers?: string
  /** No two rows that count may share the values of these columns. */
  readonly unique?: UniqueColumns
  /** The offending rows with the table's own columns. */
  readonly rows: string
  readonly mostly: number
}

export interface UniqueColumns {
  readonly columns: readonly string[]
  /** The rows that count, over alias `r`; null: all. */
  readonly considered: string | null
}

/** One figure of the whole table: a row with `observed` (text or null) and `ok`. */
export interface FigureCheck {
  readonly kind: 'figure'
  readonly sql: string
  readonly expected: string
}

/** Its columns alone tell. */
export interface KnownCheck {
  readonly kind: 'known'
  readonly success: boolean
  readonly expected: string
  readonly actual: string
}

/** It cannot be asked of this table, and so fails: a column that is not there must never pass in silence. */
export interface ImpossibleCheck {
  readonly kind: 'impossible'
  readonly reason: string
}

/** Why a check is impossible; caught by `compileCheck`. */
export class Impossible extends Error {}
