import { unstatedColumns } from '../../contract/privacy/private-bounds.ts'
import type { ColumnBatch, ColumnField } from '../../domain/column-batch.ts'
import { writeDataFile, type NewFile } from '../../lake/data-file.ts'
import { castBatch } from './cast-column.ts'
import type { TableRequest } from './plan-table.ts'
import { RUN_DATE, runDate, stampIngestTime } from './system-columns.ts'

export interface RowsToWrite {
  /** The table's, `_run_date` among them. */
  readonly fields: readonly ColumnField[]
  /** Judged rows: at least one batch. */
  readonly rows: readonly ColumnBatch[]
  /** What `_ingest_ts` and `_run_date` say. */
  readonly nowMs: number
}

/** Judged rows as one data file of their bronze table: durable when this returns, and in no version of the table. */
export async function writeRows(
  { world, table, contract, emit }: Omit<TableRequest, 'snapshot'>,
  { fields, rows, nowMs }: RowsToWrite,
): Promise<NewFile> {
  const file = await writeDataFile({
    store: world.lake.at(`bronze/${table.table}`),
    batches: rows.map((batch) => castBatch(stampIngestTime(batch, nowMs), fields)),
    fields,
    partitionColumns: [RUN_DATE.name],
    partitionValues: { [RUN_DATE.name]: runDate(nowMs) },
    unstated: unstatedColumns(contract, fields),
    newId: () => world.clock.newId(),
  })
  const count = rows.reduce((sum, batch) => sum + batch.length, 0)
  emit({ type: 'data_file.written', table: table.table, path: file.path, rows: count, bytes: file.bytes })
  return file
}
