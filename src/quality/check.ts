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
  /** One row: `considered`, `offending`, and `young` where rows may be too young to offend. */
  readonly counts: string
  /** The offending rows with the table's own columns. */
  readonly rows: string
  readonly mostly: number
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
