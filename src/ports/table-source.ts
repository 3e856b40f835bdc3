import type { ColumnType } from '../domain/column-batch.ts'
import type { TableQuery } from '../domain/table-query.ts'

/**
 * A table of a database, as connectors to databases offer it: what it is, where it stands, and pages of it. All that is
 * decided (where to read on, what was sent before, what is a delete) is `extract/table`'s, the same for each.
 *
 * Every call throws SOURCE_UNAVAILABLE where a later one may serve, SOURCE_REFUSED for a login or a right that is
 * missing, SOURCE_UNREADABLE where the table or a column is not there.
 */
export interface TableSource {
  /** The table that the settings name, from the catalogue. */
  describe(): Promise<TableDescription>
  /** One look at the clock and at the watermark column; cheap where that column has an index. */
  look(request: TableLook): Promise<TableSight>
  /**
   * Rows in the order that the query names, in lists of at most `batchRows`, values by position as in `columns`: null,
   * text as the source writes it with every digit, or bytes. One query sees one state of the table.
   */
  rows(query: TableQuery, options: RowsOptions): AsyncIterable<readonly TableRow[]>
  close(): Promise<void>
}

export type TableRow = readonly (string | null | Uint8Array)[]

export interface RowsOptions {
  readonly batchRows: number
  readonly signal: AbortSignal | undefined
}

export interface TableDescription {
  /** As people write it. */
  readonly table: string
  readonly columns: readonly TableColumn[]
  /** The primary key that the catalogue declares, by the columns' names; empty where it declares none. */
  readonly key: readonly string[]
  /** As the catalogue guesses it; null where it does not. */
  readonly rows: number | null
  readonly bytes: number | null
}

export interface TableColumn {
  /** As the catalogue has it: what SQL is written with. */
  readonly name: string
  /** What its values travel under, and settings may call it by. */
  readonly travels: string
  /** In the database's own words, such as `numeric(10,2)`. */
  readonly type: string
  readonly nullable: boolean
  /** What holds every value of it; null where only text does. */
  readonly holds: ColumnType | null
  /** What a watermark of it measures: an instant, a day, or anything else that has an order. */
  readonly order: 'instant' | 'day' | 'other'
}

export interface TableLook {
  /** By its name; null: only the clock and the nulls are looked at. */
  readonly watermark: string | null
  /** Columns of the order of which rows with a null are counted. */
  readonly notNull: readonly string[]
  /** How long before its commit a row may have been stamped. 0: no floor is asked for. */
  readonly overlapMs: number
  /** The watermark that was reached, if any. */
  readonly reached: string | null
  /** The floor of the last pass, if any. */
  readonly floor: string | null
}

export interface TableSight {
  /** The source's clock. */
  readonly nowMs: number
  /**
   * A text of the watermark column: `overlapMs` before the newest row, or before now where that is earlier. What commits
   * later is stamped behind it. Null without overlap or without rows.
   */
  readonly floor: string | null
  /** The floor of the last pass, or `overlapMs` before now where that is earlier (the clock went back); null without it. */
  readonly lateFloor: string | null
  /** Rows that no page can hold, because a column of their order is null. */
  readonly nulls: bigint
  /** The watermark that was reached is later than the source's clock. */
  readonly isAhead: boolean
}
