import type { ColumnField } from '../domain/column-batch.ts'
import { hasPii, type Contract } from '../domain/contract.ts'
import { SluiceError } from '../domain/errors.ts'
import type { Happening } from '../domain/events.ts'
import type { CommitOutcome } from '../domain/outcome.ts'
import { START } from '../domain/position.ts'
import type { BronzeTableSettings } from '../domain/settings.ts'
import { copyPieces } from '../error-lane/copies/copy-letters.ts'
import { writeLetterLines } from '../error-lane/write-letters.ts'
import { writeSkips } from '../error-lane/write-skips.ts'
import type { Snapshot } from '../lake/snapshot.ts'
import type { SettledFlush } from '../ports/decode-pool.ts'
import type { World } from '../ports/world.ts'
import type { Accumulator } from './accumulator.ts'
import { landRows } from './rows/land-rows.ts'
import { movePositions } from './lane/lane-position.ts'

export interface FlushRequest {
  readonly world: Pick<World, 'settings' | 'clock' | 'lake' | 'log' | 'runId' | 'engine' | 'stagingFolder'>
  readonly table: BronzeTableSettings
  readonly contract: Contract
  readonly batchId: string
  readonly held: Accumulator
  /** The table as it stood when the held batches began; null where there is none yet. */
  readonly snapshot: Snapshot | null
  readonly emit: (happening: Happening) => void
  /** As `LandRequest.onWriting`. */
  readonly onWriting?: (fields: readonly ColumnField[]) => void
}

export type FlushOutcome = CommitOutcome & { readonly landed: number; readonly quarantined: number }

/**
 * Makes what is held durable and moves the positions past it in one commit. Order (I4, I5): dead letters, skips and data
 * files, side by side, then the commit. A death in between leaves phantoms (an orphan file, repeated letters), never a
 * hole. `conflicted`: another writer moved a partition; all that is held must be dropped and read again (I3).
 */
export async function flush(request: FlushRequest): Promise<FlushOutcome> {
  const { world, table, contract, held, snapshot, emit, batchId } = request
  const startedMs = world.clock.nowMs()
  const settled = await held.decoding.settle()
  const { landed } = settled
  const quarantined = settled.letters.count
  refuseUnsealed(request, settled)
  const laneWritten = writeLane(request, settled)
  const landing = landRows({
    world,
    table,
    contract,
    rows: settled,
    decoding: held.decoding,
    snapshot,
    positions: movePositions(held.moves()),
    operation: {
      name: 'WRITE',
      parameters: { mode: 'Append', batchId, runId: world.runId },
      metrics: { quarantined: String(quarantined), skipped: String(held.skipped) },
    },
    durableFirst: laneWritten,
    ...(request.onWriting === undefined ? {} : { onWriting: request.onWriting }),
    emit,
  })
  // Whichever of them fails, nothing runs on beyond the flush.
  await Promise.allSettled([laneWritten, landing])
  await laneWritten
  const outcome = await landing
  if (outcome.kind === 'committed') {
    const ms = world.clock.nowMs() - startedMs
    const offsets = held.moves().map(({ partition, from, to }) => ({
      partition,
      first: from?.next ?? START.next,
      next: to.next,
    }))
    emit({ type: 'dataset.read', kind: 'topic', name: table.topic, rows: landed + quarantined, offsets })
    emit({
      type: 'flush.done',
      table: table.table,
      version: outcome.version,
      landed,
      quarantined,
      skipped: Number(held.skipped),
      ms,
    })
  }
  return { ...outcome, landed, quarantined }
}

function refuseUnsealed({ world, table, contract }: FlushRequest, { letters }: SettledFlush): void {
  if (letters.count === 0 || !hasPii(contract) || world.settings.errors.sealKey !== null) return
  throw new SluiceError(
    'SEAL_KEY_MISSING',
    `contract ${contract.subject} tags fields as PII, so letters of bronze.${table.table} must be sealed`,
    {
      where: { table: `bronze.${table.table}`, key: 'errors.seal_key' },
    },
  )
}

async function writeLane({ world, table, held, emit }: FlushRequest, { letters }: SettledFlush): Promise<void> {
  const store = world.lake.at('_errors')
  const { copyToTopic, retentionMs } = world.settings.errors
  const newId = (): string => world.clock.newId()
  const lane = { store, layer: 'bronze', table: table.table, runId: world.runId, newId } as const
  const atMs = held.openedMs ?? world.clock.nowMs()
  const written = await writeLetterLines({ ...lane, atMs, lines: letters.lines, letters: letters.count })
  if (written !== null)
    emit({ type: 'letters.written', table: table.table, letters: letters.count, path: written.path })
  const skips = await writeSkips({ ...lane, skips: held.skips })
  if (skips !== null) emit({ type: 'skips.written', table: table.table, skips: held.skips.length, path: skips.path })
  if (!copyToTopic || letters.count === 0) return
  const copied = await copyPieces({ log: world.log, topic: table.topic, retentionMs, pieces: letters.copies })
  if (copied.kind === 'failed')
    emit({ type: 'letters.copy_failed', topic: `${table.topic}.errors`, message: copied.message })
}
