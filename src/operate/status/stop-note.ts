import { classifyError, ERRORS, type ErrorCode, type ErrorWhere, type SluiceError } from '../../domain/errors.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import type { World } from '../../ports/world.ts'
import { PAUSE_FOLDER } from './pause-note.ts'

/**
 * What stopped, remembered between processes under `_status`: one file a lane, source or model, there only while it is
 * stopped. A courtesy for `status`; what a pass does never depends on it.
 */
export interface StopNote {
  readonly kind: PartKind
  readonly name: string
  readonly stops: readonly Stop[]
}

export type PartKind = 'lane' | 'source' | 'model'

export interface Stop {
  readonly code: ErrorCode
  readonly message: string
  readonly where: ErrorWhere
  readonly hint: string
  /** ISO 8601: when a pass first met it. */
  readonly since: string
  /** The run that met it last. */
  readonly run_id: string
}

/** What a pass made of one lane (by its table), source or model. */
export interface PartOutcome {
  readonly kind: PartKind
  readonly name: string
  readonly errors: readonly SluiceError[]
  /** The pass came to the part's end: without errors it is not stopped any more. */
  readonly finished: boolean
}

type NoteWorld = Pick<World, 'lake' | 'clock' | 'runId' | 'traceId' | 'events'>

/** Writes, mends and removes notes. Never throws: a note that cannot be written must not hide what a pass did. */
export async function noteStops(world: NoteWorld, outcomes: readonly PartOutcome[]): Promise<void> {
  try {
    const known = await readStopNotes(world.lake)
    const now = { at: new Date(world.clock.nowMs()).toISOString(), runId: world.runId }
    for (const outcome of outcomes) {
      const before = known.get(noteName(outcome))?.stops ?? []
      if (outcome.errors.length > 0) {
        const note: StopNote = { kind: outcome.kind, name: outcome.name, stops: nextStops(before, outcome.errors, now) }
        await world.lake.put(notePath(outcome), Buffer.from(`${JSON.stringify(note)}\n`))
      } else if (outcome.finished && before.length > 0) {
        await world.lake.delete([notePath(outcome)])
      }
    }
  } catch (error) {
    warn(world, error)
  }
}

function warn({ events, runId, traceId }: NoteWorld, error: unknown): void {
  const { message, where } = classifyError(error)
  const text = `no note of what stopped: ${message}`
  events.emit({ type: 'warning', runId, traceId, jobName: 'status', message: text, where })
}

export interface StopChange {
  readonly kind: PartKind
  readonly name: string
  /** Met now. */
  readonly errors: readonly SluiceError[]
  /** Whether a known stop no longer stands; those that other processes noted are theirs to clear. */
  readonly over: (stop: Stop) => boolean
}

/**
 * For one who sees only a share of a part, such as some partitions of a lane: mends what concerns it and leaves the
 * rest. False where the note could not be written; never throws.
 */
export async function mendStops(world: NoteWorld, change: StopChange): Promise<boolean> {
  try {
    const before = (await readStopNotes(world.lake)).get(noteName(change))?.stops ?? []
    const now = { at: new Date(world.clock.nowMs()).toISOString(), runId: world.runId }
    const met = nextStops(before, change.errors, now)
    const kept = before.filter((stop) => !change.over(stop) && !met.some((one) => samePlace(one, stop)))
    const stops = [...kept, ...met]
    if (stops.length > 0) {
      const note: StopNote = { kind: change.kind, name: change.name, stops }
      await world.lake.put(notePath(change), Buffer.from(`${JSON.stringify(note)}\n`))
    } else if (before.length > 0) await world.lake.delete([notePath(change)])
    return true
  } catch (error) {
    warn(world, error)
    return false
  }
}

/** Forgets what stopped a part, so that a running `up` tries it again at once. */
export async function clearStops(
  world: Pick<World, 'lake'>,
  part: { readonly kind: PartKind; readonly name: string },
): Promise<void> {
  if ((await readStopNotes(world.lake)).has(noteName(part))) await world.lake.delete([notePath(part)])
}

function samePlace(a: Stop, b: Stop): boolean {
  return a.where.partition === b.where.partition
}

/** Pure: a stop that a pass met again keeps its first time. */
export function nextStops(
  before: readonly Stop[],
  errors: readonly SluiceError[],
  now: { readonly at: string; readonly runId: string },
): Stop[] {
  return errors.map(({ code, message, where, hint }) => {
    const known = before.find((stop) => stop.code === code && stop.where.partition === where.partition)
    return { code, message, where, hint, since: known?.since ?? now.at, run_id: now.runId }
  })
}

/** By `kind.name`. A file that cannot be read as a note counts as none. */
export async function readStopNotes(lake: ObjectStore): Promise<ReadonlyMap<string, StopNote>> {
  const notes = new Map<string, StopNote>()
  for await (const { path } of lake.list('_status/')) {
    const isNote = path.endsWith('.json') && !path.startsWith(PAUSE_FOLDER)
    const bytes = isNote ? await lake.read(path) : null
    const note = bytes === null ? null : parseNote(Buffer.from(bytes).toString('utf8'))
    if (note !== null) notes.set(noteName(note), note)
  }
  return notes
}

export function noteName({ kind, name }: { readonly kind: PartKind; readonly name: string }): string {
  return `${kind}.${name}`
}

function notePath(part: { readonly kind: PartKind; readonly name: string }): string {
  return `_status/${noteName(part)}.json`
}

function parseNote(text: string): StopNote | null {
  try {
    const note = JSON.parse(text) as Partial<StopNote>
    const { kind, name, stops } = note
    if ((kind !== 'lane' && kind !== 'source' && kind !== 'model') || typeof name !== 'string') return null
    if (!Array.isArray(stops)) return null
    return { kind, name, stops: stops.filter((stop: Stop) => Object.hasOwn(ERRORS, stop.code)) }
  } catch {
    return null
  }
}
