import { SluiceError } from '../../domain/errors.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import { listLog, readCheckpointHint } from './log-file.ts'
import type { CheckpointFiles, LogListing } from './log-file.ts'
import { readEntry, streamEntries } from './read-entry.ts'
import type { LogEntry } from './read-entry.ts'
import { LogState } from './replay.ts'

export interface LoadedLog {
  readonly state: LogState
  readonly version: number
  readonly timestampMs: number
}

/** Replays the log up to a version, or the newest for null. Null where there is no log. */
export async function loadLog(store: ObjectStore, version: number | null): Promise<LoadedLog | null> {
  if (version !== null && (!Number.isSafeInteger(version) || version < 0)) {
    throw versionUnknown(store, version, 'versions count from 0')
  }
  const hint = await readCheckpointHint(store)
  if (hint !== null && (version === null || hint <= version)) {
    const near = await listLog(store, hint)
    const base = await newestBase(store, near, version ?? Infinity)
    if (base !== null) return replayFrom(store, { base, listing: near, version })
  }
  const listing = await listLog(store, 0)
  if (listing.entries.size === 0 && listing.checkpoints.length === 0) return null
  const base = await newestBase(store, listing, version ?? Infinity)
  return replayFrom(store, { base, listing, version })
}

interface Base {
  readonly state: LogState
  readonly checkpoint: CheckpointFiles
}

interface Replay {
  readonly base: Base | null
  readonly listing: LogListing
  readonly version: number | null
}

/** The newest checkpoint at or before a version that can be read. A damaged one is passed over for an older one. */
async function newestBase(store: ObjectStore, listing: LogListing, version: number): Promise<Base | null> {
  for (const checkpoint of listing.checkpoints.toReversed()) {
    if (checkpoint.version > version) continue
    try {
      // What reads Parquet is loaded where a table has a checkpoint.
      const { readCheckpoint } = await import('../checkpoint/read-checkpoint.ts')
      const state = await readCheckpoint(store, checkpoint)
      if (state !== null) return { state, checkpoint }
    } catch (error) {
      if (error instanceof SluiceError && error.row.retry === 'transient') throw error
    }
  }
  return null
}

async function replayFrom(store: ObjectStore, { base, listing, version }: Replay): Promise<LoadedLog> {
  const newest = Math.max(base?.checkpoint.version ?? -1, ...maximum(listing.entries.keys()))
  const target = version ?? newest
  if (target > newest) {
    throw versionUnknown(store, target, `its newest version is ${newest}`)
  }
  const from = base === null ? 0 : base.checkpoint.version + 1
  const state = base?.state ?? new LogState()
  let last: LogEntry | null = null
  for await (const entry of streamEntries(store, { from, to: target })) {
    if ('missing' in entry) throw missingEntry(store, { base, listing, version }, { missing: entry.missing, target })
    state.apply(entry.actions)
    last = entry
  }
  last ??= await readEntry(store, target)
  return { state, version: target, timestampMs: timestampOf(last, base) }
}

function missingEntry(
  store: ObjectStore,
  { base, listing, version }: Replay,
  { missing, target }: { readonly missing: number; readonly target: number },
): SluiceError {
  const cleaned = missing === 0 || listing.checkpoints.some((checkpoint) => checkpoint.version > missing)
  if (version !== null && cleaned) return versionUnknown(store, target, 'its log no longer reaches back so far')
  if (base === null && missing === 0) return hole(store, missing, 'and no whole checkpoint covers it')
  return hole(store, missing, `though version ${target} is there`)
}

function timestampOf(last: LogEntry | null, base: Base | null): number {
  return last?.timestampMs ?? base?.checkpoint.modifiedMs ?? 0
}

function maximum(versions: Iterable<number>): number[] {
  let max = -1
  for (const version of versions) if (version > max) max = version
  return [max]
}

function versionUnknown(store: ObjectStore, version: number, why: string): SluiceError {
  return new SluiceError('VERSION_UNKNOWN', `${store.uri} has no version ${version}: ${why}`, {
    where: { table: store.uri, version },
  })
}

function hole(store: ObjectStore, version: number, why: string): SluiceError {
  return new SluiceError('TABLE_FILES_MISSING', `the log of ${store.uri} lacks version ${version}, ${why}`, {
    where: { table: store.uri, version },
    hint: 'Restore the log entry from a copy of the table.',
  })
}
