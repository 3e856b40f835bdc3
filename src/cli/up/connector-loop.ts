import type PQueue from 'p-queue'
import { retryDelayMs } from '../../domain/backoff.ts'
import { classifyError, type SluiceError } from '../../domain/errors.ts'
import type { SourceSettings } from '../../domain/settings.ts'
import { runSource } from '../../extract/run-source.ts'
import { withHeartbeat } from '../../ingest/lane/heartbeat.ts'
import { CONNECT_GROUP } from '../../operate/status/source-status.ts'
import { mendStops } from '../../operate/status/stop-note.ts'
import type { World } from '../../ports/world.ts'
import type { Duties } from './duties.ts'
import { LONGEST_NAP_MS, nap } from './nap.ts'
import type { ControlledPart } from './part-controls.ts'
import { nextDueMs } from './jobs/schedule.ts'

export interface ConnectorLoop {
  readonly world: World
  readonly source: SourceSettings
  readonly duties: Duties
  readonly control: ControlledPart
  /** Bounds how many sources are read at once, and with it what they hold. */
  readonly queue: PQueue
  readonly turned: () => void
}

/**
 * Reads one source again and again, by its interval. One that stopped until a person acts is left alone until the note
 * of its stop is gone (`resume`, or a `connect` that came to its end); what is worth a retry is tried again, ever less
 * often. Never throws.
 */
export async function followSource(loop: ConnectorLoop): Promise<void> {
  const { world, source, duties, control, queue, turned } = loop
  const { clock, signal } = world
  let due = clock.nowMs()
  let attempt = 0
  /** Whether a stop may be noted: by an earlier process, or by this one. */
  let mayBeNoted = true
  let waitsForPerson = false
  while (!signal.aborted) {
    turned()
    const nudged = control.takeNudge()
    if (nudged) {
      attempt = 0
      waitsForPerson = false
      due = clock.nowMs()
    }
    const ready = !control.paused() && duties.holds(source.name) && !waitsForPerson
    if (!ready || due > clock.nowMs()) {
      await nap(world, ready ? due - clock.nowMs() : LONGEST_NAP_MS)
      continue
    }
    const startedMs = clock.nowMs()
    const read = await queue.add(() => readOnce(loop, control.signal()))
    if (read === 'busy') {
      due = clock.nowMs() + LONGEST_NAP_MS
      continue
    }
    if (read === 'done') {
      if (mayBeNoted) mayBeNoted = !(await clear(loop))
      attempt = 0
      due = nextDueMs({ startedMs, nowMs: clock.nowMs(), everyMs: source.pollIntervalMs, random: clock.random() })
      continue
    }
    if (read === 'interrupted') continue
    mayBeNoted = true
    const noted = await mendStops(world, { kind: 'source', name: source.name, errors: [read], over: () => true })
    waitsForPerson = read.row.retry !== 'transient' && noted
    control.expectNote(noted)
    due = clock.nowMs() + retryDelayMs(read.row.retry, attempt, clock.random())
    attempt += 1
  }
}

type Read = 'done' | 'busy' | 'interrupted' | SluiceError

/** `busy`: another process reads it now. */
async function readOnce({ world, source }: ConnectorLoop, signal: AbortSignal): Promise<Read> {
  if (signal.aborted) return 'interrupted'
  try {
    const membership = await world.assignment.join(CONNECT_GROUP, [source.name])
    try {
      if (!(await membership.poll()).has(source.name)) return 'busy'
      const run = { runId: world.clock.newId(), traceId: world.clock.newId().replaceAll('-', '') }
      const outcome = await withHeartbeat(membership, () => runSource({ source, world: { ...world, ...run, signal } }))
      if (outcome.outcome === 'interrupted') return 'interrupted'
      return outcome.error ?? 'done'
    } finally {
      await membership.leave().catch(() => undefined)
    }
  } catch (error) {
    return classifyError(error)
  }
}

function clear({ world, source, control }: ConnectorLoop): Promise<boolean> {
  control.expectNote(false)
  return mendStops(world, { kind: 'source', name: source.name, errors: [], over: () => true })
}
