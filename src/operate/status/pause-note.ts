import { SluiceError } from '../../domain/errors.ts'
import { suggestion } from '../../domain/nearest-word.ts'
import { KEEP_JOBS, type Settings } from '../../domain/settings.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import type { World } from '../../ports/world.ts'

/**
 * What an operator has paused, kept under `_status/paused`: one file a lane, source or job, there only while it is paused.
 * Passes leave a paused part alone, and a running `up` lets go of it within seconds. Non-guarantee: a pass that is
 * under way goes on to its end.
 */
export interface PauseNote extends PausablePart {
  readonly reason: string
  /** ISO 8601; null where the note does not say. */
  readonly since: string | null
}

/** A lane goes by its table, `bronze.orders`; a source by its name; a job of `up` that keeps tables by its own. */
export interface PausablePart {
  readonly kind: 'lane' | 'source' | 'job'
  readonly name: string
}

export const PAUSE_FOLDER = '_status/paused/'

type NoteWorld = Pick<World, 'lake' | 'clock'>

/** Paused again, it keeps its first time and takes the new reason. */
export async function pausePart(world: NoteWorld, part: PausablePart, reason: string): Promise<PauseNote> {
  const before = (await readPauseNotes(world.lake)).get(pauseKey(part))
  const since = before?.since ?? new Date(world.clock.nowMs()).toISOString()
  const note: PauseNote = { kind: part.kind, name: part.name, reason, since }
  await world.lake.put(notePath(part), Buffer.from(`${JSON.stringify(note)}\n`))
  return note
}

/** False: it was not paused. */
export async function resumePart(world: NoteWorld, part: PausablePart): Promise<boolean> {
  if (!(await readPauseNotes(world.lake)).has(pauseKey(part))) return false
  await world.lake.delete([notePath(part)])
  return true
}

/** By `kind.name`. A file that is there pauses its part, even one that cannot be read as a note. */
export async function readPauseNotes(lake: ObjectStore): Promise<ReadonlyMap<string, PauseNote>> {
  const notes = new Map<string, PauseNote>()
  for await (const { path } of lake.list(PAUSE_FOLDER)) {
    const part = partOf(path)
    const bytes = part === null ? null : await lake.read(path)
    if (part !== null && bytes !== null)
      notes.set(pauseKey(part), { ...part, ...readText(Buffer.from(bytes).toString('utf8')) })
  }
  return notes
}

export function pauseKey({ kind, name }: PausablePart): string {
  return `${kind}.${name}`
}

/**
 * What a user names: `bronze.orders` or, where no source is called so, `orders` for a lane; `source.orders` or, where
 * no table is called so, `orders` for a source; `job.vacuum` for a job.
 */
export function findPausable({ tables, sources }: Pick<Settings, 'tables' | 'sources'>, text: string): PausablePart {
  const [layer, table] = text.split(/\.(.*)/s)
  if (layer === 'bronze' && table !== undefined && tables.has(table)) return { kind: 'lane', name: text }
  if (layer === 'job' && !sources.has(text) && KEEP_JOBS.some((job) => job === table))
    return { kind: 'job', name: table! }
  const isSource = sources.has(text)
  const isTable = tables.has(text)
  if (isSource && isTable) {
    throw new SluiceError('USAGE', `${text} is a source and a table: name source.${text} or bronze.${text}`)
  }
  if (isSource) return { kind: 'source', name: text }
  if (isTable) return { kind: 'lane', name: `bronze.${text}` }
  if (layer === 'source' && table !== undefined && sources.has(table)) return { kind: 'source', name: table }
  const names = [
    ...sources.keys(),
    ...[...tables.keys()].map((name) => `bronze.${name}`),
    ...KEEP_JOBS.map((job) => `job.${job}`),
  ]
  const near = suggestion(text, names)
  throw new SluiceError(
    'USAGE',
    `there is no lane or source ${JSON.stringify(text)}${near}; there are ${names.join(', ') || 'none'}`,
  )
}

function notePath(part: PausablePart): string {
  return `${PAUSE_FOLDER}${pauseKey(part)}.json`
}

function partOf(path: string): PausablePart | null {
  const match = /^_status\/paused\/(lane|source|job)\.(.+)\.json$/.exec(path)
  return match === null ? null : { kind: match[1] as PausablePart['kind'], name: match[2]! }
}

function readText(text: string): { readonly reason: string; readonly since: string | null } {
  try {
    const { reason, since } = JSON.parse(text) as { reason?: unknown; since?: unknown }
    return { reason: typeof reason === 'string' ? reason : '', since: typeof since === 'string' ? since : null }
  } catch {
    return { reason: '', since: null }
  }
}
