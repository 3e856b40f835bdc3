import type { ColumnField } from '../../domain/column-batch.ts'
import type { CommitOutcome } from '../../domain/outcome.ts'
import { commitTransaction } from '../../lake/commit.ts'
import type { NewFile } from '../../lake/data-file.ts'
import { nameFact } from '../../lake/name-fact.ts'
import type { AddFile } from '../../lake/snapshot.ts'
import type { PositionActions } from '../lane/lane-position.ts'
import type { TablePlan, TableRequest } from './plan-table.ts'
import { RUN_DATE } from './system-columns.ts'

export interface BronzeOperation {
  readonly name: string
  readonly parameters: Readonly<Record<string, string>>
  readonly metrics: Readonly<Record<string, string>>
}

export interface RowsToCommit {
  readonly plan: Exclude<TablePlan, { kind: 'conflicted' }>
  readonly adds: readonly NewFile[]
  /** What an operator's commit takes back; an append takes nothing. */
  readonly removes?: readonly AddFile[]
  readonly positions: PositionActions
  readonly operation: BronzeOperation
}

/** Files and the `txn` actions that belong to them as one version of a bronze table, together or not at all (I1). */
export async function commitRows(
  { world, table, emit }: Pick<TableRequest, 'world' | 'table' | 'emit'>,
  { plan, adds, removes = [], positions, operation }: RowsToCommit,
): Promise<CommitOutcome> {
  const { fields, snapshot } = plan
  const rows = adds.reduce((sum, file) => sum + (file.rows ?? 0), 0)
  const outcome = await commitTransaction({
    store: world.lake.at(`bronze/${table.table}`),
    snapshot,
    ...(snapshot === null ? { create: creation(fields) } : {}),
    ...(plan.kind === 'add' ? { metadata: { fields } } : {}),
    adds,
    removes,
    txns: positions.txns,
    expectTxns: positions.expectTxns,
    reads: removes.length > 0 ? 'removed-files' : 'nothing',
    dataChange: true,
    operation: {
      ...operation,
      metrics: { numOutputRows: String(rows), numFiles: String(adds.length), ...operation.metrics },
    },
    clock: world.clock,
    onEvent: (fact) => emit(nameFact(fact, `bronze.${table.table}`)),
  })
  if (outcome.kind === 'committed') {
    const bytes = adds.reduce((sum, file) => sum + file.bytes, 0)
    const name = `bronze.${table.table}`
    const { version } = outcome
    emit({ type: 'dataset.written', kind: 'table', name, rows, bytes, files: adds.length, version, fields })
  }
  return outcome
}

function creation(fields: readonly ColumnField[]) {
  return { fields, partitionColumns: [RUN_DATE.name], configuration: {} }
}
