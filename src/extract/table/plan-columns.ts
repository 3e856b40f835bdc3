import type { DatabaseOptions } from '../../domain/database-source.ts'
import { SluiceError } from '../../domain/errors.ts'
import { findNamed, nearestNamed } from '../../domain/source-name.ts'
import type { SourceBatch, SourceRow, SourceValue } from '../../ports/source-connector.ts'
import type { TableColumn, TableDescription, TableRow } from '../../ports/table-source.ts'

/** What is read of a table, settled between the settings and the catalogue. */
export interface ColumnPlan {
  readonly source: string
  readonly table: string
  readonly columns: readonly TableColumn[]
  /** What they travel under, by position; one list for every batch. */
  readonly travels: readonly string[]
  readonly key: readonly TableColumn[]
  readonly watermark: TableColumn | null
  /** Where each stands in a row. */
  readonly keyAt: readonly number[]
  readonly watermarkAt: number | null
  readonly softDeleteAt: number | null
}

/** Throws SOURCE_UNREADABLE for a column that the table does not have, or that cannot be of an order. */
export function planColumns(source: string, options: DatabaseOptions, described: TableDescription): ColumnPlan {
  const find = (name: string, key: string): TableColumn => {
    const found = findNamed(described.columns, name)
    if (found !== null) return found
    throw unreadable(
      source,
      key,
      `table ${described.table} has no column ${name}${nearestNamed(described.columns, name)}`,
    )
  }
  const orderly = (column: TableColumn, key: string): TableColumn => {
    if (column.holds?.kind !== 'binary') return column
    throw unreadable(
      source,
      key,
      `column ${column.travels} of ${described.table} holds bytes, which have no text to read on from`,
    )
  }
  const key = options.primaryKey.map((name) => orderly(find(name, 'primary_key'), 'primary_key'))
  const { load, softDeleteColumn } = options
  const watermark =
    load.kind === 'incremental' ? orderly(find(load.watermarkColumn, 'watermark_column'), 'watermark_column') : null
  const softDelete = softDeleteColumn === null ? null : find(softDeleteColumn, 'soft_delete_column')
  const wanted = options.columns?.map((name) => find(name, 'columns')) ?? described.columns
  // What rows are told apart and ordered by travels too, whether it was named or not.
  const needed = [...key, watermark, softDelete].filter((column) => column !== null)
  const columns = [...new Set([...wanted, ...needed])]
  const positionOf = (column: TableColumn): number => columns.indexOf(column)
  return {
    source,
    table: described.table,
    columns,
    travels: columns.map(({ travels }) => travels),
    key,
    watermark,
    keyAt: key.map(positionOf),
    watermarkAt: watermark === null ? null : positionOf(watermark),
    softDeleteAt: softDelete === null ? null : positionOf(softDelete),
  }
}

/** A batch of the table without rows. */
export function emptyBatch({ table, travels }: ColumnPlan): SourceBatch {
  return { object: table, columns: travels, textual: false, rows: [], refused: [], progress: new Map() }
}

/** The key's values as text. Pages leave out rows where one is null. */
export function keyOf({ keyAt }: ColumnPlan, row: TableRow): readonly string[] {
  return keyAt.map((at) => String(row[at]))
}

export function toSourceRow(plan: ColumnPlan, row: TableRow, op: 'r' | 'c' | 'u'): SourceRow {
  return { values: row, at: placeOf(keyOf(plan, row)), op: isDeleted(plan, row) ? 'd' : op }
}

/** A row that is gone: all but the key is null. */
export function toDeletedRow({ columns, keyAt }: ColumnPlan, key: readonly string[], nowMs: number): SourceRow {
  const values: SourceValue[] = columns.map(() => null)
  keyAt.forEach((at, i) => (values[at] = key[i]!))
  return { values, at: placeOf(key), op: 'd', payload: { kind: 'tombstone' }, timestampMs: nowMs }
}

/** A single column stands as its text, several as a JSON array. */
function placeOf(key: readonly string[]): string {
  return key.length === 1 ? key[0]! : JSON.stringify(key)
}

const NOT_DELETED: ReadonlySet<string> = new Set(['', '0', 'f', 'false', 'n', 'no'])

function isDeleted({ softDeleteAt }: ColumnPlan, row: TableRow): boolean {
  if (softDeleteAt === null) return false
  const value = row[softDeleteAt] ?? null
  return value !== null && !NOT_DELETED.has(String(value).toLowerCase())
}

function unreadable(source: string, setting: string, what: string): SluiceError {
  return new SluiceError('SOURCE_UNREADABLE', `source ${source}: ${what}`, {
    where: { source, key: `sources.${source}.${setting}` },
    hint: `Mend sources.${source}.${setting}, or the table.`,
  })
}
