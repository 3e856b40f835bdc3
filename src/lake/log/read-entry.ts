import type { ObjectStore } from '../../ports/object-store.ts'
import type { Action } from './action.ts'
import type { LogJson } from './log-json.ts'
import { entryPath } from './log-file.ts'
import { LAST_TIME_MS, parseEntry } from './read-action.ts'

export interface LogEntry {
  readonly version: number
  readonly actions: readonly Action[]
  /** What its writer stated; the file's time where it stated none. */
  readonly timestampMs: number
}

/** Entries in flight at once, where many are read. */
const PARALLEL = 16

/** Null where the log has no such entry. */
export async function readEntry(store: ObjectStore, version: number): Promise<LogEntry | null> {
  const path = entryPath(version)
  const bytes = await store.read(path)
  if (bytes === null) return null
  const actions = parseEntry(bytes, `${store.uri}/${path}`)
  const stated = statedTimestampMs(actions)
  return { version, actions, timestampMs: stated ?? (await store.stat(path))?.modifiedMs ?? 0 }
}

export interface EntryRange {
  /** Both inclusive. */
  readonly from: number
  readonly to: number
}

/** The entries of `[from, to]`, in order. Null where one is missing. */
export async function readEntries(store: ObjectStore, range: EntryRange): Promise<LogEntry[] | null> {
  const entries: LogEntry[] = []
  for await (const entry of streamEntries(store, range)) {
    if ('missing' in entry) return null
    entries.push(entry)
  }
  return entries
}

/** The same, holding few at a time. Ends with the first that is missing. */
export async function* streamEntries(
  store: ObjectStore,
  { from, to }: EntryRange,
): AsyncGenerator<LogEntry | { readonly missing: number }, void, void> {
  for (let first = from; first <= to; first += PARALLEL) {
    const versions = Array.from({ length: Math.min(PARALLEL, to - first + 1) }, (_, i) => first + i)
    for (const [i, entry] of (await Promise.all(versions.map((version) => readEntry(store, version)))).entries()) {
      yield entry ?? { missing: versions[i]! }
      if (entry === null) return
    }
  }
}

/** Entries of versions that a listing showed, in that order, few at a time; those that went meanwhile are left out. */
export async function* entryBatches(
  store: ObjectStore,
  versions: readonly number[],
): AsyncGenerator<readonly LogEntry[], void, void> {
  for (let at = 0; at < versions.length; at += PARALLEL) {
    const batch = await Promise.all(versions.slice(at, at + PARALLEL).map((version) => readEntry(store, version)))
    yield batch.filter((entry) => entry !== null)
  }
}

/** What came after a version, up to the first version that does not exist. Null where the version itself is gone. */
export async function readNewerEntries(store: ObjectStore, version: number): Promise<LogEntry[] | null> {
  const entries: LogEntry[] = []
  for (let next = version + 1; ; next += 1) {
    const entry = await readEntry(store, next)
    if (entry === null) break
    entries.push(entry)
  }
  if (entries.length > 0) return entries
  return (await store.stat(entryPath(version))) === null ? null : entries
}

/** `inCommitTimestamp` where the table keeps it, else the writer's own `timestamp`. */
function statedTimestampMs(actions: readonly Action[]): number | null {
  for (const action of actions) {
    if (action.kind !== 'commitInfo') continue
    const { inCommitTimestamp, timestamp } = action.commitInfo
    for (const stated of [inCommitTimestamp, timestamp]) if (isTime(stated)) return stated
  }
  return null
}

/** Milliseconds that a date can have; what is none counts as not stated. */
function isTime(value: LogJson | undefined): value is number {
  return typeof value === 'number' && Math.abs(value) <= LAST_TIME_MS
}
