import type { ColumnField } from '../domain/column-batch.ts'
import type { ColumnStats } from '../domain/column-stats.ts'
import type { RowSet } from '../domain/row-set.ts'
import type { StoredColumns } from '../domain/stored-column.ts'

/**
 * Runs SQL over the files of tables. Coarse, so that an engine in this process and one elsewhere serve alike: views
 * over files, steps in order, one output written as Parquet. SQL texts are those of `transform`, in the dialect that
 * both engines share; every engine runs in UTC.
 */
export interface ModelEngine {
  /** Runs the steps, writes the output's files below `output.folder` (local, fresh), answers the probes. */
  stage(plan: StagePlan): Promise<StageResult>
  /** Answers questions over the same kind of views; for looking, verifying and judging. */
  ask(plan: AskPlan): Promise<readonly (readonly EngineRow[])[]>
  /** Writes the rows of a table's files anew, value for value and type for type: in other files, in another order. */
  rewrite(plan: RewritePlan): Promise<readonly RewrittenPart[]>
  close(): Promise<void>
}

/** A view `name` over data files of one table, with the table's columns and `_file` (the path as in `files`). */
export interface EngineInput {
  /** A checked, unquoted identifier. */
  readonly name: string
  /** For SQL that people write: the view stands in this schema (`main` needs no naming) and is without `_file`. */
  readonly schema?: string
  /** Schema of the table, partition columns included; a column that a file lacks reads as null. */
  readonly fields: readonly ColumnField[]
  readonly partitionColumns: readonly string[]
  readonly files: readonly EngineFile[]
  /** What the files call the columns, where that is not as the table does. */
  readonly stored?: StoredColumns
}

export interface EngineFile {
  /** The path as the table's log states it: what `_file` says. */
  readonly path: string
  /** Where the bytes are on this machine. */
  readonly localFile: string
  /** Delta's text form; null for a null value. */
  readonly partitionValues: Readonly<Record<string, string | null>>
  /** Rows of the file that are no rows of the table. */
  readonly deletedRows?: RowSet
}

export type EngineStep = RowsStep | NarrowStep

export interface RowsStep {
  /** The table that the step's rows are kept in, as long as SQL that is still to come names it. */
  readonly name: string
  readonly sql: string
}

/** From here on the view is over those of its files only that the SQL names, in a column `file`. */
export interface NarrowStep {
  readonly narrow: string
  readonly sql: string
}

export interface StagePlan {
  readonly inputs: readonly EngineInput[]
  readonly steps: readonly EngineStep[]
  /** Small answers wanted beside the output, run after the steps. */
  readonly probes: readonly string[]
  /** Further results wanted as files, which stay beside the output and in no table. */
  readonly asides?: readonly Aside[]
  readonly output: StageOutput | null
}

export interface Aside {
  readonly sql: string
  readonly fields: readonly ColumnField[]
  readonly folder: string
}

export interface StageOutput {
  readonly sql: string
  /** Null takes the types as the engine finds them; else every column is cast to its field's type, in this order. */
  readonly fields: readonly ColumnField[] | null
  readonly partitionBy: readonly string[]
  readonly folder: string
  readonly targetFileBytes: number
  /**
   * A partitioned result may be worked out some partitions at a time, so that memory does not grow with their number.
   * The same rows as by `sql`.
   */
  readonly slices?: OutputSlices
}

export interface OutputSlices {
  /** A view whose rows go to partitions as its files are parted: a slice reads those of its own partitions only. */
  readonly view: string
  /** Which of the view's rows, under alias `k`, the output holds as they are. */
  readonly keeps: string
  /** SELECT of all other rows, in the output's columns; it does not read the view. */
  readonly others: string
}

export interface StageResult {
  readonly fields: readonly ColumnField[]
  readonly files: readonly StagedFile[]
  readonly rows: number
  readonly probes: readonly (readonly EngineRow[])[]
  /** The files of each aside, in order; none where it has no rows. */
  readonly asides: readonly (readonly EngineFile[])[]
}

export interface StagedFile {
  readonly localFile: string
  readonly partitionValues: Readonly<Record<string, string | null>>
  readonly bytes: number
  readonly rows: number
  readonly stats: readonly ColumnStats[]
}

export type { ColumnStats }

export interface RewritePlan {
  /** Each is read and written on its own. */
  readonly parts: readonly RewritePart[]
  /** The columns that the files hold, as they are stored; one that a file lacks is null in the new one. */
  readonly fields: readonly ColumnField[]
  /**
   * Columns of `fields` without nested ones: rows that are near each other in all of them come to stand near each other,
   * whatever their types and however skewed their values. Empty: the order of the rows is the engine's.
   */
  readonly clusterBy: readonly string[]
  /** Local, fresh. */
  readonly folder: string
}

export interface RewritePart {
  /** At least one; where they stand among the table's partitions is the caller's. */
  readonly files: readonly EngineFile[]
  /** Files of even size, and borders along the columns of `clusterBy`; null for one file. */
  readonly even: EvenFiles | null
}

/** About. */
export interface EvenFiles {
  readonly files: number
  /** Of a file. */
  readonly rows: number
}

export interface RewrittenPart {
  /** Without partition values. */
  readonly files: readonly StagedFile[]
  /** The values that some rows, drawn at random, have in the columns of `clusterBy`. */
  readonly sample: readonly EngineRow[]
}

export interface AskPlan {
  readonly inputs: readonly EngineInput[]
  readonly steps?: readonly EngineStep[]
  readonly questions: readonly string[]
  readonly maxRows?: number
  /** One a question, in order: takes its rows piece by piece, so that they are never held whole, and leaves it no answer. */
  readonly into?: readonly RowSink[]
}

export interface RowSink {
  /** Once, before any rows. */
  columns(names: readonly string[]): void
  /** The next piece waits for it; false: no more are wanted. */
  rows(rows: readonly (readonly EngineValue[])[]): Promise<boolean>
}

/** bigint for 64-bit integers, text for decimals, dates and timestamps (ISO 8601, UTC), null, nested JSON otherwise. */
export type EngineValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly EngineValue[]
  | { readonly [key: string]: EngineValue }
export type EngineRow = Readonly<Record<string, EngineValue>>
