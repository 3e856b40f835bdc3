import type { ColumnBatch, ColumnField } from '../../domain/column-batch.ts'
import { privateBounds } from '../../contract/privacy/private-bounds.ts'
import { landingFields, type Contract } from '../../domain/contract.ts'
import { SluiceError } from '../../domain/errors.ts'
import type { Happening } from '../../domain/events.ts'
import type { CommitOutcome } from '../../domain/outcome.ts'
import type { BronzeTableSettings } from '../../domain/settings.ts'
import { commitTransaction } from '../../lake/commit.ts'
import { writeDataFile } from '../../lake/data-file.ts'
import { nameFact } from '../../lake/name-fact.ts'
import type { Snapshot } from '../../lake/snapshot.ts'
import type { World } from '../../ports/world.ts'
import { castBatch } from './cast-column.ts'
import type { PositionActions } from '../lane/lane-position.ts'
import { RUN_DATE, runDate, stampIngestTime, SYSTEM_FIELDS } from './system-columns.ts'
import { planFields } from './table-fields.ts'
import { widenTable } from './widen-table.ts'

export interface LandRequest {
  readonly world: Pick<World, 'settings' | 'clock' | 'lake' | 'engine' | 'stagingFolder'>
  readonly table: BronzeTableSettings
  readonly contract: Contract
  /** Judged rows; may be none, where only positions move. */
  readonly rows: readonly ColumnBatch[]
  /** The table as it stood when the rows were read; null where there is none yet. */
  readonly snapshot: Snapshot | null
  readonly positions: PositionActions
  readonly operation: {
    readonly name: string
    readonly parameters: Readonly<Record<string, string>>
    readonly metrics: Readonly<Record<string, string>>
  }
  readonly emit: (happening: Happening) => void
}

/**
 * One data file and one commit: the rows and the `txn` actions that belong to them, together or not at all (I1).
 * `conflicted`: what the commit depends on moved; the rows must be dropped and read again (I3).
 */
export async function landRows(request: LandRequest): Promise<CommitOutcome> {
  const { world, table, emit } = request
  const nowMs = world.clock.nowMs()
  const store = world.lake.at(`bronze/${table.table}`)
  const batches = request.rows.map((rows) => stampIngestTime(rows, nowMs))
  const plan = await planTable(request, bronzeFields(request.contract, batches))
  if (plan.kind === 'conflicted') return plan.outcome
  const { snapshot, fields } = plan
  const adds =
    batches.length === 0
      ? []
      : [
          await writeDataFile({
            store,
            batches: batches.map((batch) => castBatch(batch, fields)),
            fields,
            partitionColumns: [RUN_DATE.name],
            partitionValues: { [RUN_DATE.name]: runDate(nowMs) },
            unstated: unstatedColumns(request.contract, fields),
            newId: () => world.clock.newId(),
          }),
        ]
  const count = batches.reduce((sum, batch) => sum + batch.length, 0)
  for (const file of adds)
    emit({ type: 'data_file.written', table: table.table, path: file.path, rows: count, bytes: file.bytes })
  const outcome = await commitTransaction({
    store,
    snapshot,
    ...(snapshot === null ? { create: { fields, partitionColumns: [RUN_DATE.name], configuration: {} } } : {}),
    ...(plan.kind === 'add' ? { metadata: { fields } } : {}),
    adds,
    removes: [],
    txns: request.positions.txns,
    expectTxns: request.positions.expectTxns,
    reads: 'nothing',
    dataChange: true,
    operation: {
      ...request.operation,
      metrics: { numOutputRows: String(count), numFiles: String(adds.length), ...request.operation.metrics },
    },
    clock: world.clock,
    onEvent: (fact) => emit(nameFact(fact, `bronze.${table.table}`)),
  })
  if (outcome.kind === 'committed') {
    emit({
      type: 'dataset.written',
      kind: 'table',
      name: `bronze.${table.table}`,
      rows: count,
      bytes: adds.reduce((sum, file) => sum + file.bytes, 0),
      files: adds.length,
      version: outcome.version,
      fields,
    })
  }
  return outcome
}

type TablePlan =
  | { readonly kind: 'same' | 'add'; readonly fields: readonly ColumnField[]; readonly snapshot: Snapshot | null }
  | { readonly kind: 'conflicted'; readonly outcome: CommitOutcome }

async function planTable(request: LandRequest, wanted: readonly ColumnField[]): Promise<TablePlan> {
  const { snapshot, table, world, contract, emit } = request
  if (snapshot === null) return { kind: 'same', fields: wanted, snapshot }
  const plan = planFields(snapshot.metadata.fields, request.rows.length === 0 ? [] : wanted)
  switch (plan.kind) {
    case 'same':
    case 'add':
      return { kind: plan.kind, fields: plan.fields, snapshot }
    case 'widen': {
      const widened = await widenTable({
        world,
        table,
        snapshot,
        fields: plan.fields,
        widened: plan.widened,
        unstated: unstatedColumns(contract, plan.fields),
        emit,
      })
      if (widened.kind === 'conflicted') return { kind: 'conflicted', outcome: widened.outcome }
      return { kind: 'same', fields: widened.snapshot.metadata.fields, snapshot: widened.snapshot }
    }
    case 'conflict': {
      const asked = `contract ${contract.subject}@${contract.version} asks for ${plan.wanted.kind}`
      throw new SluiceError(
        'TABLE_TYPE_CONFLICT',
        `column ${plan.column} of bronze.${table.table} is ${plan.table.kind} and ${asked}`,
        {
          where: { table: `bronze.${table.table}`, key: plan.column },
        },
      )
    }
  }
}

function unstatedColumns(contract: Contract, fields: readonly ColumnField[]): ReadonlySet<string> {
  const bounds = privateBounds({ contracts: [contract], unknown: 'all' })
  return new Set(fields.filter((field) => bounds.hides(field)).map((field) => field.name))
}

/** The columns of bronze rows: the contract's, those that mode evolve brought (each batch may have others), ours. */
function bronzeFields(contract: Contract, batches: readonly ColumnBatch[]): ColumnField[] {
  const system = [...Object.values(SYSTEM_FIELDS), RUN_DATE]
  const ours = new Set(system.map((field) => field.name))
  const fields = new Map<string, ColumnField>()
  const take = (field: ColumnField): void => {
    if (!ours.has(field.name) && !fields.has(field.name)) fields.set(field.name, { ...field, nullable: true })
  }
  for (const batch of batches) batch.fields.forEach(take)
  if (batches.length === 0) landingFields(contract).forEach(take)
  return [...fields.values(), ...system]
}
