import { storePaths } from '../../lake/log/file-key.ts'
import { listLog } from '../../lake/log/log-file.ts'
import { entryBatches } from '../../lake/log/read-entry.ts'
import type { ObjectStore } from '../../ports/object-store.ts'

/**
 * Files, by their path in the store, that commits since a time removed, as far back as the log reaches. For a retention
 * that is longer than checkpoints keep tombstones, and for removes that state no time.
 */
export async function removedSince(store: ObjectStore, sinceMs: number): Promise<ReadonlySet<string>> {
  const paths = new Set<string>()
  const { entries } = await listLog(store, 0)
  const versions = [...entries.keys()].sort((a, b) => b - a)
  for await (const batch of entryBatches(store, versions)) {
    const young = batch.filter(({ timestampMs }) => timestampMs >= sinceMs)
    if (young.length === 0) break
    for (const entry of young) {
      for (const action of entry.actions) {
        if (action.kind !== 'remove') continue
        for (const path of storePaths(action.remove, store.uri)) paths.add(path)
      }
    }
  }
  return paths
}
