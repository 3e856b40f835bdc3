import { SluiceError } from '../../domain/errors.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import { listLog } from './log-file.ts'
import { readEntry } from './read-entry.ts'

/**
 * The newest version committed at or before a time. A commit's time is what its writer stated, so that a table which
 * was copied, and whose files therefore have other times, still answers alike; where a writer stated none it is the
 * time of the entry's file (PROTOCOL, "Reader Requirements for AddCDCFile"). Assumes that times do not go back from
 * version to version, which `commitTransaction` ensures for its own commits.
 */
export async function findVersionAt(store: ObjectStore, timestampMs: number): Promise<number | 'no-table'> {
  const { entries, checkpoints } = await listLog(store, 0)
  if (entries.size === 0 && checkpoints.length === 0) return 'no-table'
  const versions = [...entries.keys()].sort((a, b) => a - b)
  let low = 0
  let high = versions.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const entry = await readEntry(store, versions[middle]!)
    if (entry === null || entry.timestampMs <= timestampMs) low = middle + 1
    else high = middle
  }
  const found = versions[low - 1]
  if (found === undefined) {
    throw new SluiceError(
      'VERSION_UNKNOWN',
      `the log of ${store.uri} does not reach back to ${new Date(timestampMs).toISOString()}`,
      { where: { table: store.uri } },
    )
  }
  return found
}
