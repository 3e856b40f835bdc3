import type { TableQuery } from '../domain/table-query.ts'
import type { RowsOptions, TableRow, TableSource } from './table-source.ts'

/**
 * Changes that a database keeps of a table until they are taken. They are taken in takings, numbered from 1: each once,
 * all that had come, in one transaction of the database; a taking then stands, to be read as often as need be, until it
 * is dropped. So whoever dies between any two calls finds again what was under way.
 *
 * Errors are those of `TableSource`; SOURCE_UNAVAILABLE too where another process took in the meantime.
 */
export interface ChangeFeed {
  /** First of a pass. Ends what a process that died left open in the database. Returns the last taking; number 0: none yet. */
  open(): Promise<Taking>
  /** As `TableSource.rows`, of the table as it stood when the last taking was made, or the feed began. */
  startRows(query: TableQuery, options: RowsOptions): AsyncIterable<readonly TableRow[]>
  /** Takes all that has come, as this number, the next one; null where nothing has come. It may hold no rows. */
  take(number: number): Promise<Taking | null>
  /** Of one taking, in the order of their `seq`, behind `after`; of one key one after another, deletes before inserts. */
  changes(taking: Taking, request: ChangesRequest, options: RowsOptions): AsyncIterable<readonly StagedChange[]>
  /** Drops the takings up to this number, but not `except`. What is gone already is no error. */
  drop(upTo: number, except: Taking | null): Promise<void>
}

/** A table of a database that keeps what changed. */
export interface ChangingTable extends TableSource {
  /** Null where the settings name none. */
  feed(): Promise<ChangeFeed | null>
}

export interface Taking {
  readonly number: number
  /** Where the database keeps it. */
  readonly place: string
  /** By the source's clock. */
  readonly takenAtMs: number
}

export interface ChangesRequest {
  /** By their names, in the order in which a change's values come. */
  readonly columns: readonly string[]
  /** Of the key: what changes are ordered by. */
  readonly key: readonly string[]
  readonly after: number
}

/** A row that came or went. An update is both: of one key, or of two where it changed the key. */
export interface StagedChange {
  /** From 1, each once within a taking. */
  readonly seq: number
  readonly action: 'insert' | 'delete'
  readonly row: TableRow
}
