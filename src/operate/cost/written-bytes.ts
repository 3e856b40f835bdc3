import { listLog } from '../../lake/log/log-file.ts'
import { entryBatches, type LogEntry } from '../../lake/log/read-entry.ts'
import type { ObjectStore } from '../../ports/object-store.ts'

/** What commits wrote, as far back as the log reaches. */
export interface WrittenBytes {
  /** By commits that only added rows. */
  readonly appended: number
  /** By commits that put files with changed rows in the place of others. */
  readonly merged: number
  /** By commits that changed no row: compaction and clustering. */
  readonly rewritten: number
  readonly commits: number
  readonly files: number
  /** Of the oldest commit; null where the log has no entry. */
  readonly sinceMs: number | null
}

export async function readWritten(store: ObjectStore): Promise<WrittenBytes> {
  const { entries } = await listLog(store, 0)
  const versions = [...entries.keys()].sort((a, b) => a - b)
  const sum = { appended: 0, merged: 0, rewritten: 0, commits: 0, files: 0 }
  let sinceMs: number | null = null
  for await (const batch of entryBatches(store, versions)) {
    for (const entry of batch) {
      sinceMs ??= entry.timestampMs
      const { kind, bytes, files } = written(entry)
      sum[kind] += bytes
      sum.commits += 1
      sum.files += files
    }
  }
  return { ...sum, sinceMs }
}

/** Bytes written for each byte that was appended, by whom it was written again; null where nothing was appended. */
export interface Amplification {
  /** 1 where nothing was written again. */
  readonly total: number
  /** Of it by merges, and by compaction and clustering. */
  readonly merges: number
  readonly optimize: number
}

export function amplification({ appended, merged, rewritten }: WrittenBytes): Amplification | null {
  if (appended === 0) return null
  return {
    total: (appended + merged + rewritten) / appended,
    merges: merged / appended,
    optimize: rewritten / appended,
  }
}

function written({ actions }: LogEntry) {
  let [bytes, files, removes, changes] = [0, 0, false, false]
  for (const action of actions) {
    if (action.kind === 'add') {
      bytes += action.add.bytes
      files += 1
      changes ||= action.add.dataChange
    }
    removes ||= action.kind === 'remove'
  }
  return { kind: changes ? (removes ? 'merged' : 'appended') : 'rewritten', bytes, files } as const
}
