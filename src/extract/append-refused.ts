import type { DeadLetter } from '../domain/dead-letter.ts'
import { SluiceError } from '../domain/errors.ts'
import type { SourceSettings } from '../domain/settings.ts'
import type { SourceBatch } from '../ports/source-connector.ts'
import { appendOnce } from './append-once.ts'
import { unpackRefusedRow } from './refused-row.ts'
import type { ExtractWorld } from './run-source.ts'
import { StagedAppend } from './staged-append.ts'
import { loadWireContract } from './wire-contract.ts'

export interface AppendRefusedRequest {
  readonly world: Pick<ExtractWorld, 'settings' | 'clock' | 'log' | 'registry' | 'runId' | 'traceId'>
  readonly source: SourceSettings
  /** Opened letters of stage connect of this source, each row id once. */
  readonly letters: readonly DeadLetter[]
  /** Encode only: nothing is appended. */
  readonly dryRun: boolean
}

export interface AppendRefusedOutcome {
  /** Row ids whose record is in the topic now, by this call or an earlier one; on a dry run, that would be. */
  readonly passed: readonly string[]
  /** The wire schema cannot hold them now either, or they are lines that no row could be made of. */
  readonly failed: readonly string[]
}

const ATTEMPTS = 5
const REDRIVEN = 'redriven:'

/**
 * Encodes refused rows again and appends those that pass for the first time (I15). Idempotent by row id: the append
 * leaves an entry `redriven:<row_id>` in the source's own state, under the same compare-and-set as its position (I9).
 * The caller writes the healings afterwards; a death in between is made good by the next call, which finds the entries.
 */
export async function appendRefused(request: AppendRefusedRequest): Promise<AppendRefusedOutcome> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const outcome = await appendNow(request)
    if (outcome !== null) return outcome
  }
  throw new SluiceError(
    'COMMIT_CONTENDED',
    `source ${request.source.name} moved ${ATTEMPTS} times while its letters were appended`,
    {
      where: { source: request.source.name },
    },
  )
}

/** Null where another writer moved the source. */
async function appendNow({
  world,
  source,
  letters,
  dryRun,
}: AppendRefusedRequest): Promise<AppendRefusedOutcome | null> {
  const { log, clock, runId, traceId } = world
  const wire = await loadWireContract(world, source)
  const description = await log.describe(source.topic)
  if (description === null) {
    throw new SluiceError('TOPIC_UNKNOWN', `topic ${source.topic} of source ${source.name} does not exist`, {
      where: { source: source.name, topic: source.topic },
    })
  }
  const state = await log.sourceState(source.name)
  const staged = new StagedAppend({
    source,
    wire,
    partitions: description.partitions.length,
    runId,
    traceId,
    batchId: clock.newId(),
    nowMs: clock.nowMs(),
  })
  const passed: string[] = []
  const failed: string[] = []
  for (const letter of letters) {
    const entry = REDRIVEN + letter.rowId
    if (state.entries.has(entry)) {
      passed.push(letter.rowId)
      continue
    }
    const batch = asBatch(letter, entry)
    if (batch === null || wire.encoder.encode(batch.columns, batch.rows[0]!.values, batch.textual).kind === 'refused') {
      failed.push(letter.rowId)
      continue
    }
    staged.add(batch)
    passed.push(letter.rowId)
  }
  if (dryRun || staged.records === 0) return { passed, failed }
  const change = { source: source.name, expectedSequence: state.sequence, set: staged.progress }
  const appended = await appendOnce({ log, clock, request: { batches: staged.appends(), state: change } })
  return appended === null ? null : { passed, failed }
}

function asBatch({ raw, source }: DeadLetter, entry: string): SourceBatch | null {
  const refused = raw === null ? null : unpackRefusedRow(raw)
  if (refused === null || source === null) return null
  const { columns, textual, row } = refused
  return { object: source.object, columns, textual, rows: [row], refused: [], progress: new Map([[entry, '1']]) }
}
