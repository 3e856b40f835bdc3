import type { ColumnField } from '../../domain/column-batch.ts'
import type { CommitOutcome } from '../../domain/outcome.ts'
import type { FlushDecoding, SettledFlush } from '../../ports/decode-pool.ts'
import type { PositionActions } from '../lane/lane-position.ts'
import { commitRows, type BronzeOperation } from './commit-rows.ts'
import { bronzeFields, planTable, type TableRequest } from './plan-table.ts'
import { takeStaged } from '../decode/take-staged.ts'

export interface LandRequest extends TableRequest {
  /** Judged rows; may be none, where only positions move. */
  readonly rows: SettledFlush
  /** Holds them. */
  readonly decoding: Pick<FlushDecoding, 'stage'>
  readonly positions: PositionActions
  readonly operation: BronzeOperation
  /** What else must be durable before the commit, and is written beside the data files; the commit never overtakes it. */
  readonly durableFirst?: Promise<void>
  /** Told that the rows begin to be written, and which columns the table will have. */
  readonly onWriting?: (fields: readonly ColumnField[]) => void
}

/**
 * Data files and one commit: the rows and the `txn` actions that belong to them, together or not at all (I1).
 * `conflicted`: what the commit depends on moved; the rows must be dropped and read again (I3).
 */
export async function landRows(request: LandRequest): Promise<CommitOutcome> {
  const { world, contract, rows, snapshot, positions, operation, durableFirst, onWriting } = request
  const nowMs = world.clock.nowMs()
  const wanted = rows.landed === 0 && snapshot !== null ? [] : bronzeFields(contract, rows.landed === 0 ? [] : [rows])
  const plan = await planTable(request, wanted)
  if (plan.kind === 'conflicted') return plan.outcome
  if (rows.landed > 0) onWriting?.(plan.fields)
  const adds = rows.landed === 0 ? [] : await takeStaged(request, { fields: plan.fields, nowMs })
  await durableFirst
  return commitRows(request, { plan, adds, positions, operation })
}
