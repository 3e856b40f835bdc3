import type { ObjectStore } from '../../ports/object-store.ts'
import { LOG_FOLDER, listLog, versionOfLogFile } from '../log/log-file.ts'
import type { CheckpointFiles } from '../log/log-file.ts'
import { readEntry } from '../log/read-entry.ts'
import { logExpiredMs } from './table-properties.ts'

export interface CleanRequest {
  readonly nowMs: number
  /** How long log entries are kept. */
  readonly keptMs: number
  readonly budget?: CleanBudget
}

export interface CleanBudget {
  /** Files of one run at most; the next run goes on. */
  readonly files: number
  /** No further batch is begun after this long. */
  readonly ms: number
}

export interface CleanedLog {
  readonly files: number
  /** What stays begins with this version's checkpoint; null where nothing had expired. */
  readonly from: number | null
}

const BUDGET: CleanBudget = { files: 5_000, ms: 5_000 }
const BATCH_FILES = 500
/** A writer's half-written file is a dead writer's after this long. */
const TEMPORARY_KEPT_MS = 86_400_000

/**
 * Removes what has expired of a table's log (PROTOCOL, "Metadata Cleanup"): log entries, their checksums and compacted
 * forms, and checkpoints, before the newest whole checkpoint of which the commit, and every commit before it, is older
 * than the retention. So each version within the retention, and the one that stood as it began, can still be opened.
 *
 * Guarantees: that checkpoint was read to its end before anything is removed; old checkpoints go first and entries from
 * the oldest up, so that a death in between leaves nothing that looks like damage. Non-guarantee: sidecars stay, for
 * only writers of V2 checkpoints, which we are not, know who uses them.
 */
export async function cleanLog(
  store: ObjectStore,
  { nowMs, keptMs, budget = BUDGET }: CleanRequest,
): Promise<CleanedLog> {
  const stopMs = performance.now() + budget.ms
  const swept = await store.sweepTemporary(LOG_FOLDER, nowMs - TEMPORARY_KEPT_MS)
  const base = await expiredUpTo(store, logExpiredMs(keptMs, nowMs))
  if (base === null) return { files: swept, from: null }
  const doomed = await filesBefore(store, base.version, budget.files)
  if (doomed.length === 0) return { files: swept, from: base.version }
  const { readCheckpoint } = await import('../checkpoint/read-checkpoint.ts')
  if ((await readCheckpoint(store, base)) === null) return { files: swept, from: null }
  let files = swept
  for (let at = 0; at < doomed.length && performance.now() < stopMs; at += BATCH_FILES) {
    const batch = doomed.slice(at, at + BATCH_FILES)
    await store.delete(batch)
    files += batch.length
  }
  return { files, from: base.version }
}

/** The newest whole checkpoint whose commit has expired by the store's time and by its writer's, as have all before it. */
async function expiredUpTo(store: ObjectStore, expiredMs: number): Promise<CheckpointFiles | null> {
  const { entries, checkpoints } = await listLog(store, 0, ({ modifiedMs }) => modifiedMs > expiredMs)
  for (const checkpoint of checkpoints.toReversed()) {
    if (!entries.has(checkpoint.version)) continue
    const entry = await readEntry(store, checkpoint.version)
    if (entry !== null && entry.timestampMs <= expiredMs) return checkpoint
  }
  return null
}

/** Checkpoints first, each kind from the oldest up. */
async function filesBefore(store: ObjectStore, version: number, most: number): Promise<string[]> {
  const checkpoints: string[] = []
  const entries: string[] = []
  for await (const { path } of store.list(LOG_FOLDER)) {
    const name = path.slice(LOG_FOLDER.length)
    const of = versionOfLogFile(name)
    if (of === null || of >= version) continue
    if (name.includes('.checkpoint.')) checkpoints.push(path)
    else entries.push(path)
    if (checkpoints.length + entries.length >= most) break
  }
  return [...checkpoints, ...entries]
}
