import type { ColumnBatch, ColumnField } from '../domain/column-batch.ts'
import { hasPii, type Contract } from '../domain/contract.ts'
import { SluiceError } from '../domain/errors.ts'
import type { Happening } from '../domain/events.ts'
import type { CommitOutcome } from '../domain/outcome.ts'
import type { BronzeTableSettings } from '../domain/settings.ts'
import { copyLetters } from '../error-lane/copy-letters.ts'
import { writeLetters } from '../error-lane/write-letters.ts'
import { writeSkips } from '../error-lane/write-skips.ts'
import { commitTransaction } from '../lake/commit.ts'
import { writeDataFile } from '../lake/data-file.ts'
import type { Snapshot } from '../lake/snapshot.ts'
import type { World } from '../ports/world.ts'
import type { Accumulator } from './accumulator.ts'
import { castBatch } from './cast-column.ts'
import { movePositions } from './lane-position.ts'
import { RUN_DATE, runDate, stampIngestTime, SYSTEM_FIELDS } from './system-columns.ts'
import { planFields } from './table-fields.ts'
import { widenTable } from './widen-table.ts'

export interface FlushRequest {
  readonly world: Pick<World, 'settings' | 'clock' | 'lake' | 'log' | 'runId' | 'engine' | 'stagingFolder'>
  readonly table: BronzeTableSettings
  readonly contract: Contract
  readonly batchId: string
  readonly held: Accumulator
  /** The table as it stood when the held batches began; null where there is none yet. */
  readonly snapshot: Snapshot | null
  readonly emit: (happening: Happening) => void
}

/**
 * Makes what is held durable and moves the positions past it in one commit. Order (I4, I5): dead letters and skips,
 * then the data file, then the commit. A death in between leaves phantoms (an orphan file, repeated letters), never a
 * hole. `conflicted`: another writer moved a partition; all that is held must be dropped and read again (I3).
 */
export async function flush(request: FlushRequest): Promise<CommitOutcome> {
  const { world, table, held, emit, batchId } = request
  const startedMs = world.clock.nowMs()
  await writeLane(request)

  const store = world.lake.at(`bronze/${table.table}`)
  const batches = held.rows.map((rows) => stampIngestTime(rows, startedMs))
  const plan = await planTable(request, bronzeFields(request.contract, batches))
  const { snapshot } = plan
  if (plan.kind === 'conflicted') return plan.outcome
  const adds =
    batches.length === 0
      ? []
      : [
          await writeDataFile({
            store,
            batches: batches.map((batch) => castBatch(batch, plan.fields)),
            fields: plan.fields,
            partitionColumns: [RUN_DATE.name],
            partitionValues: { [RUN_DATE.name]: runDate(startedMs) },
            newId: () => world.clock.newId(),
          }),
        ]
  for (const file of adds)
    emit({ type: 'data_file.written', table: table.table, path: file.path, rows: held.landed, bytes: file.bytes })

  const positions = movePositions(held.moves())
  const outcome = await commitTransaction({
    store,
    snapshot,
    ...(snapshot === null
      ? { create: { fields: plan.fields, partitionColumns: [RUN_DATE.name], configuration: {} } }
      : {}),
    ...(plan.kind === 'add' ? { metadata: { fields: plan.fields } } : {}),
    adds,
    removes: [],
    txns: positions.txns,
    expectTxns: positions.expectTxns,
    reads: 'nothing',
    dataChange: true,
    operation: {
      name: 'WRITE',
      parameters: { mode: 'Append', batchId, runId: world.runId },
      metrics: {
        numOutputRows: String(held.landed),
        numFiles: String(adds.length),
        quarantined: String(held.letters.length),
      },
    },
    clock: world.clock,
    onEvent: (fact) => emit({ ...fact, table: `bronze.${table.table}` }),
  })
  if (outcome.kind === 'committed') {
    emit({
      type: 'flush.done',
      table: table.table,
      version: outcome.version,
      landed: held.landed,
      quarantined: held.letters.length,
      skipped: Number(held.skipped),
      ms: world.clock.nowMs() - startedMs,
    })
  }
  return outcome
}

async function writeLane({ world, table, contract, held, batchId, emit }: FlushRequest): Promise<void> {
  const store = world.lake.at('_errors')
  const { sealKey, copyToTopic, retentionMs } = world.settings.errors
  if (held.letters.length > 0 && hasPii(contract) && sealKey === null) {
    throw new SluiceError(
      'SEAL_KEY_MISSING',
      `contract ${contract.subject} tags fields as PII, so letters of bronze.${table.table} must be sealed`,
      {
        where: { table: `bronze.${table.table}`, key: 'errors.seal_key' },
      },
    )
  }
  const newId = (): string => world.clock.newId()
  const written = await writeLetters({ store, letters: held.letters, sealKey, newId })
  if (written !== null)
    emit({ type: 'letters.written', table: table.table, letters: held.letters.length, path: written.path })
  const skips = await writeSkips({
    store,
    layer: 'bronze',
    table: table.table,
    runId: world.runId,
    skips: held.skips,
    newId,
  })
  if (skips !== null) emit({ type: 'skips.written', table: table.table, skips: held.skips.length, path: skips.path })
  if (copyToTopic && held.letters.length > 0) {
    const copied = await copyLetters({
      log: world.log,
      topic: table.topic,
      letters: held.letters,
      sealKey,
      retentionMs,
      batchId,
    })
    if (copied.kind === 'failed')
      emit({ type: 'letters.copy_failed', topic: `${table.topic}.errors`, message: copied.message })
  }
}

type TablePlan =
  | { readonly kind: 'same' | 'add'; readonly fields: readonly ColumnField[]; readonly snapshot: Snapshot | null }
  | { readonly kind: 'conflicted'; readonly snapshot: Snapshot | null; readonly outcome: CommitOutcome }

async function planTable(request: FlushRequest, wanted: readonly ColumnField[]): Promise<TablePlan> {
  const { snapshot, table, world, emit } = request
  if (snapshot === null) return { kind: 'same', fields: wanted, snapshot }
  const plan = planFields(snapshot.metadata.fields, request.held.landed === 0 ? [] : wanted)
  switch (plan.kind) {
    case 'same':
    case 'add':
      return { kind: plan.kind, fields: plan.fields, snapshot }
    case 'widen': {
      const widened = await widenTable({ world, table, snapshot, fields: plan.fields, widened: plan.widened, emit })
      if (widened.kind === 'conflicted') return { kind: 'conflicted', snapshot, outcome: widened.outcome }
      return { kind: 'same', fields: widened.snapshot.metadata.fields, snapshot: widened.snapshot }
    }
    case 'conflict':
      throw new SluiceError(
        'TABLE_TYPE_CONFLICT',
        `column ${plan.column} of bronze.${table.table} is ${plan.table.kind} and contract ${request.contract.subject}@${request.contract.version} asks for ${plan.wanted.kind}`,
        { where: { table: `bronze.${table.table}`, key: plan.column } },
      )
  }
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
  if (batches.length === 0) for (const field of contract.fields) if (field.onIngest !== 'drop') take(field.column)
  return [...fields.values(), ...system]
}
