import { unstatedColumns } from '../../contract/privacy/private-bounds.ts'
import type { ColumnField } from '../../domain/column-batch.ts'
import { addStagedFile, type NewFile } from '../../lake/data-file.ts'
import type { FlushDecoding, StagedRows } from '../../ports/decode-pool.ts'
import type { TableRequest } from '../rows/plan-table.ts'
import { RUN_DATE, runDate } from '../rows/system-columns.ts'

export interface StagedRequest extends Omit<TableRequest, 'snapshot'> {
  /** Holds judged rows. */
  readonly decoding: Pick<FlushDecoding, 'stage'>
}

/**
 * What a decoding holds, as data files of its bronze table: durable when this returns, and in no version of the table.
 * `nowMs` is what `_ingest_ts` and `_run_date` say.
 */
export async function takeStaged(
  { world, table, contract, decoding, emit }: StagedRequest,
  { fields, nowMs }: { readonly fields: readonly ColumnField[]; readonly nowMs: number },
): Promise<NewFile[]> {
  const partitionColumns = [RUN_DATE.name]
  const partitionValues = { [RUN_DATE.name]: runDate(nowMs) }
  const add = async (staged: StagedRows): Promise<NewFile> => {
    const file = await addStagedFile({
      store: world.lake.at(`bronze/${table.table}`),
      staged: { ...staged, partitionValues },
      fields,
      partitionColumns,
      unstated: unstatedColumns(contract, fields),
      newId: () => world.clock.newId(),
    })
    emit({ type: 'data_file.written', table: table.table, path: file.path, rows: staged.rows, bytes: file.bytes })
    return file
  }
  const staged = await decoding.stage({ fields, partitionColumns, nowMs })
  // One that fails must not leave others under way: who called lets go of what is staged.
  const ended = await Promise.allSettled(staged.map(add))
  return ended.map((each) => {
    if (each.status === 'rejected') throw each.reason
    return each.value
  })
}
