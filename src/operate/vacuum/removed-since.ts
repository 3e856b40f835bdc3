import { storePaths } from '../../lake/log/file-key.ts'
import { listLog } from '../../lake/log/log-file.ts'
import { readEntry } from '../../lake/log/read-entry.ts'
import type { ObjectStore } from '../../ports/object-store.ts'

/** Entries in flight at once. */
const PARALLEL = 16

/**
 * Files, by their path in the store, that commits since a time removed, as far back as the log reaches. For a retention
 * that is longer than checkpoints keep tombstones, and for removes that state no time.
 */
export async function removedSince(store: ObjectStore, sinceMs: number): Promise<ReadonlySet<string>> {
  const paths = new Set<string>()
  const { entries } = await listLog(store, 0)
  const versions = [...entries.keys()].sort((a, b) => b - a)
  for (let at = 0; at < versions.length; at += PARALLEL) {
    const batch = await Promise.all(versions.slice(at, at + PARALLEL).map((version) => readEntry(store, version)))
    for (const entry of batch) {
      if (entry === null || entry.timestampMs < sinceMs) continue
      for (const action of entry.actions) {
        if (action.kind !== 'remove') continue
        for (const path of storePaths(action.remove, store.uri)) paths.add(path)
      }
    }
    if (batch.every((entry) => entry === null || entry.timestampMs < sinceMs)) break
  }
  return paths
}
