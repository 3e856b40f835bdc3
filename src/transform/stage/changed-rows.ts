import type { ColumnField } from '../../domain/column-batch.ts'
import type { EngineFile, EngineInput } from '../../ports/model-engine.ts'

/**
 * The rows that an increment took out of a model's table and brought, as files of this process that end with it.
 * Models downstream in the same build read them in place of the table's whole files that came and went, which differ
 * by the same rows. Where they are not at hand, as after a crash or another writer's commit, the files still tell.
 */
export interface ChangedRows {
  /** As the rows are now, of every key that differs. */
  readonly added: readonly EngineFile[]
  /** As they were. */
  readonly removed: readonly EngineFile[]
}

/** From so many rows on, a table's gate counts by the rows that changed: below, counting all of it costs less. */
export const LONG_TABLE_ROWS = 200_000

/** Null where some file does not say how many it has. */
export function rowsOf(files: Iterable<{ readonly rows: number | null }>): number | null {
  let rows = 0
  for (const file of files) {
    if (file.rows === null) return null
    rows += file.rows
  }
  return rows
}

/** What one commit changed: exactly from version `after` to `version`. */
export interface CommittedChange extends ChangedRows {
  readonly tableId: string
  readonly after: number
  readonly version: number
}

/** Of the models that one build committed so far, by `layer.table`. */
export type CommittedChanges = ReadonlyMap<string, CommittedChange>

export function changedInput(view: string, fields: readonly ColumnField[], files: readonly EngineFile[]): EngineInput {
  return { name: view, fields, partitionColumns: [], files }
}
