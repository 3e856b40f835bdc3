import { hasWatermark } from '../../domain/database-source.ts'
import { SluiceError } from '../../domain/errors.ts'
import type { SourceSettings } from '../../domain/settings.ts'
import { formatWatermark, noRange, WATERMARK_ENTRY } from '../../domain/watermark.ts'
import { lookAtRange, type RangeSight } from '../../extract/look-at-range.ts'
import { runSource, type ExtractWorld, type SourceOutcome } from '../../extract/run-source.ts'
import { loadWireContract } from '../../extract/wire-contract.ts'
import type { SourceState } from '../../ports/topic-log.ts'
import { pauseKey, readPauseNotes } from '../status/pause-note.ts'
import { ChangePreview, type TableChanges } from './preview-changes.ts'
import type { PreviewWorld } from './table-preview.ts'

export interface BackfillRequest {
  readonly source: SourceSettings
  /** Of the watermark column, inclusive. */
  readonly startMs: number
  /** Exclusive. */
  readonly endMs: number
  readonly maxRowsPerSecond: number
}

export interface PreparedBackfill {
  readonly request: BackfillRequest
  /** Under which its own progress is kept: the same range has the same name, so one that was cut short goes on. */
  readonly state: string
  readonly standing: SourceState
  readonly start: string
  readonly end: string
  /** An earlier call began it and did not come to its end. */
  readonly isResumed: boolean
}

export interface BackfillOutcome extends SourceOutcome {
  /** `_batch_id` of its rows. */
  readonly batchId: string
}

const BATCH = 'batch_id'
/** A page is a query of its own: small ones let the database go on with other work between them. */
const PAGE_ROWS = 100_000
const GIVE_WAY_MS = 1_000
const LONGEST_GIVE_WAY = 30
/** Notes are asked for no more often: each time is a listing of the lake. */
const ASK_PAUSE_MS = 1_000

/**
 * Throws USAGE for a range that holds nothing, SOURCE_NO_RANGE where the source has no watermark, SOURCE_PAUSED where an
 * operator wants nothing read of it.
 */
export async function prepareBackfill(
  world: Pick<ExtractWorld, 'log' | 'lake'>,
  request: BackfillRequest,
): Promise<PreparedBackfill> {
  const { source, startMs, endMs } = request
  if (startMs >= endMs) throw new SluiceError('USAGE', 'the range of `sluice backfill` ends before it begins')
  if (!hasWatermark(source)) throw noRange(source.name)
  await refusePaused(world, source.name)
  const [start, end] = [rangeText(startMs), rangeText(endMs)]
  const state = `${source.name}.backfill.${[start, end].map((text) => text.replaceAll(/[^0-9]/g, '')).join('-')}`
  const standing = await world.log.sourceState(state)
  return { request, state, standing, start, end, isResumed: standing.entries.size > 0 }
}

export interface BackfillSight extends RangeSight {
  /** A row a bronze table of the topic. */
  readonly changes: readonly TableChanges[]
}

/** What it would read and change: nothing is appended, and no state, table or letter is written. */
export async function lookAtBackfill(
  world: ExtractWorld & PreviewWorld,
  prepared: PreparedBackfill,
): Promise<BackfillSight> {
  const { end, standing } = prepared
  const source = slowed(prepared.request)
  const from = standing.entries.size > 0 ? standing.entries : beginning(prepared.start)
  const wire = await loadWireContract(world, source)
  const preview = await ChangePreview.open(world, { source, wire, from: from.get(WATERMARK_ENTRY) ?? '', end })
  const sight = await lookAtRange({
    world,
    source,
    wire,
    from,
    bounds: { to: end, signal: world.signal },
    look: (staged, batch) => preview.take(staged, batch),
  })
  // Cut short, it would tell of a part as of the whole.
  world.signal.throwIfAborted()
  return { ...sight, changes: await preview.end() }
}

/**
 * Reads the range through the source's own topic. Guarantees: the source's watermark does not move; killed anywhere, the
 * next call of the same range goes on behind what is in the topic, under the same batch id; where the source itself is
 * at work, it goes first, and once it is paused this stops with SOURCE_PAUSED behind what was appended. A row that was
 * in the topic before comes again and changes nothing: models take the latest by its own time.
 */
export async function backfillSource(world: ExtractWorld, prepared: PreparedBackfill): Promise<BackfillOutcome> {
  const { request, state, standing, start, end } = prepared
  const batchId = standing.entries.get(BATCH) ?? world.clock.newId()
  if (!prepared.isResumed) await move(world, prepared, new Map([...beginning(start), [BATCH, batchId]]))
  const source = slowed(request)
  const giveWay = givingWay(world, source.name)
  const outcome = await runSource({ source, world, range: { state, to: end, batchId, giveWay } })
  if (outcome.outcome === 'caught_up') {
    const { sequence, entries } = await world.log.sourceState(state)
    // So that the same range can be read again.
    await move(
      world,
      { ...prepared, standing: { sequence, entries } },
      new Map([...entries.keys()].map((entry) => [entry, null])),
    )
  }
  return { ...outcome, batchId }
}

function beginning(start: string): Map<string, string> {
  return new Map([[WATERMARK_ENTRY, formatWatermark({ value: start, key: [] })]])
}

async function move(
  { log }: Pick<ExtractWorld, 'log'>,
  { state, standing }: PreparedBackfill,
  set: ReadonlyMap<string, string | null>,
): Promise<void> {
  const change = { source: state, expectedSequence: standing.sequence, set }
  const outcome = await log.append({ batches: [], state: change })
  if (outcome.kind === 'conflicted')
    throw new SluiceError('COMMIT_CONTENDED', 'another process reads the same range', { where: { source: state } })
}

function slowed({ source, maxRowsPerSecond }: BackfillRequest): SourceSettings {
  const { options } = source
  const own = (key: string): number => (typeof options[key] === 'number' ? options[key] : Number.POSITIVE_INFINITY)
  return {
    ...source,
    options: {
      ...options,
      page_rows: Math.min(own('page_rows'), PAGE_ROWS),
      max_rows_per_second: Math.min(own('max_rows_per_second'), maxRowsPerSecond),
    },
  }
}

/** Waits while the source itself moves on, half a minute at the most. Throws SOURCE_PAUSED. */
function givingWay({ log, lake, clock, signal }: ExtractWorld, source: string): () => Promise<void> {
  let seen: bigint | null = null
  let askPauseMs = clock.nowMs() + ASK_PAUSE_MS
  return async () => {
    if (clock.nowMs() >= askPauseMs) {
      await refusePaused({ lake }, source)
      askPauseMs = clock.nowMs() + ASK_PAUSE_MS
    }
    for (let waits = 0; waits < LONGEST_GIVE_WAY && !signal.aborted; waits += 1) {
      const { sequence } = await log.sourceState(source)
      const isAtWork = seen !== null && seen !== sequence
      seen = sequence
      if (!isAtWork) return
      await clock.sleep(GIVE_WAY_MS, signal)
    }
  }
}

async function refusePaused({ lake }: Pick<ExtractWorld, 'lake'>, source: string): Promise<void> {
  const note = (await readPauseNotes(lake)).get(pauseKey({ kind: 'source', name: source }))
  if (note === undefined) return
  const why = note.reason === '' ? '' : `: ${note.reason}`
  throw new SluiceError('SOURCE_PAUSED', `source ${source} is paused${why}`, {
    where: { source },
    hint: `\`sluice resume source.${source}\`, then call again: a range that was begun goes on where it stands.`,
  })
}

/** As databases read it in a session whose zone is UTC. */
function rangeText(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace('Z', '')
}
