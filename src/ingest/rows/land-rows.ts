import type { ColumnBatch } from '../../domain/column-batch.ts'
import type { CommitOutcome } from '../../domain/outcome.ts'
import type { PositionActions } from '../lane/lane-position.ts'
import { commitRows, type BronzeOperation } from './commit-rows.ts'
import { bronzeFields, planTable, type TableRequest } from './plan-table.ts'
import { writeRows } from './write-rows.ts'

export interface LandRequest extends TableRequest {
  /** Judged rows; may be none, where only positions move. */
  readonly rows: readonly ColumnBatch[]
  readonly positions: PositionActions
  readonly operation: BronzeOperation
}

/**
 * One data file and one commit: the rows and the `txn` actions that belong to them, together or not at all (I1).
 * `conflicted`: what the commit depends on moved; the rows must be dropped and read again (I3).
 */
export async function landRows(request: LandRequest): Promise<CommitOutcome> {
  const { world, contract, rows, snapshot, positions, operation } = request
  const nowMs = world.clock.nowMs()
  const wanted = rows.length === 0 && snapshot !== null ? [] : bronzeFields(contract, rows)
  const plan = await planTable(request, wanted)
  if (plan.kind === 'conflicted') return plan.outcome
  const adds = rows.length === 0 ? [] : [await writeRows(request, { fields: plan.fields, rows, nowMs })]
  return commitRows(request, { plan, adds, positions, operation })
}
