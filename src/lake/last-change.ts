import type { ObjectStore } from '../ports/object-store.ts'
import { readEntry } from './log/read-entry.ts'
import type { LogEntry } from './log/read-entry.ts'

/** Commits in a row that changed no row, beyond which nobody looks further back. */
const MAX_LOOKS = 64

/**
 * When rows of a table came or went last, up to a version: commits that only keep the table small (optimize, vacuum),
 * move positions or state properties do not count. Where the log is cut, or many such commits stand in a row, the time
 * of the oldest that was looked at: the change is that old at least. Null where no version had rows.
 */
export async function lastChangeMs(store: ObjectStore, version: number): Promise<number | null> {
  let oldestMs: number | null = null
  for (let at = version; at > version - MAX_LOOKS; at -= 1) {
    if (at < 0) return null
    const entry = await readEntry(store, at)
    if (entry === null) return oldestMs
    if (changesRows(entry)) return entry.timestampMs
    oldestMs = entry.timestampMs
  }
  return oldestMs
}

function changesRows({ actions }: LogEntry): boolean {
  return actions.some(
    (action) =>
      (action.kind === 'add' && action.add.dataChange) || (action.kind === 'remove' && action.remove.dataChange),
  )
}
