import { isDeepStrictEqual } from 'node:util'
import type { ColumnField } from '../../domain/column-batch.ts'
import type { RegisteredSchema } from '../../ports/schema-registry.ts'
import type { PartitionStart } from '../lane/start-partition.ts'

export type OpenStart = Extract<PartitionStart, { kind: 'open' }>

/** All that what a flush reads and judges depends on. */
export interface FlushGround {
  /** The contract that it is judged by. */
  readonly schema: RegisteredSchema
  /** The columns that the table has; null where there is no table yet. */
  readonly tableFields: readonly ColumnField[] | null
  /** Partition → where its reading begins, of those that may be read. */
  readonly starts: ReadonlyMap<number, OpenStart>
}

/**
 * Whether a flush that begins now would read and judge what was read ahead, record for record: the same contract, the
 * same table, and every partition that was read ahead is to be read from the very position. Pure.
 */
export function mayAdopt(ahead: FlushGround, now: FlushGround): boolean {
  if (!isDeepStrictEqual(ahead.schema, now.schema)) return false
  if (!isDeepStrictEqual(ahead.tableFields, now.tableFields)) return false
  return [...ahead.starts].every(([partition, start]) => isDeepStrictEqual(start, now.starts.get(partition)))
}
