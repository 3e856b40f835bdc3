import type { ObjectStat } from '../../ports/object-store.ts'
import { STAGED_MS } from '../gate/staged-manifest.ts'
import { hiddenBy } from './hidden-path.ts'

/** Which stored files of a table nobody needs. Pure: paths are those of the store, below the table. */

export const HOUR_MS = 3_600_000
/** Delta's own default, and the guard: a reader or writer may be at work on an older version for so long. */
export const LEAST_RETENTION_MS = 168 * HOUR_MS
/**
 * A file that no version holds may be a writer's that has not committed yet, whatever retention is asked for: results
 * wait at a gate for a day, and keep the time at which they were written when they move into the table.
 */
export const UNCOMMITTED_MS = 2 * STAGED_MS

export interface VacuumFacts {
  readonly nowMs: number
  readonly retentionMs: number
  /** Files of the newest version, and those of their deletion vectors. */
  readonly live: ReadonlySet<string>
  /** Removed files that the log still tells of, and when they were removed; null where that is not stated. */
  readonly removed: ReadonlyMap<string, number | null>
  /** Files that commits within the retention removed; asked of the log only where `removed` does not tell. */
  readonly removedSince: ReadonlySet<string>
  /** Files that something outside the log needs: results that wait at a gate. */
  readonly reserved: ReadonlySet<string>
  readonly partitionColumns: readonly string[]
  readonly stored: readonly ObjectStat[]
}

export interface PlannedFile {
  readonly path: string
  readonly bytes: number
  /** `removed`: an older version held it; `unknown`: the log tells of it no more, or never did. */
  readonly why: 'removed' | 'unknown'
}

export interface FileSum {
  readonly files: number
  readonly bytes: number
}

export interface VacuumPlan {
  readonly goes: readonly PlannedFile[]
  /** Of the newest version, and there. */
  readonly live: FileSum
  /** Of older versions, or of no version, and still too young to go. */
  readonly waiting: FileSum
}

/**
 * What goes: files that the newest version does not hold, that no version within the retention held, and that are
 * themselves older than it. Guarantee: every file of every version that stood at some moment within the retention
 * stays. The log, and folders and files whose names begin with `_` or `.`, are left alone, as Spark leaves them.
 */
export function planVacuum(facts: VacuumFacts): VacuumPlan {
  const { nowMs, retentionMs, live, removed, partitionColumns } = facts
  const horizonMs = nowMs - retentionMs
  const uncommittedMs = nowMs - Math.max(retentionMs, UNCOMMITTED_MS)
  const goes: PlannedFile[] = []
  const sums = { live: { files: 0, bytes: 0 }, waiting: { files: 0, bytes: 0 } }
  const isHidden = hiddenBy(partitionColumns)
  const foreign = nestedTables(facts.stored)
  for (const { path, bytes, modifiedMs } of facts.stored) {
    if (isHidden(path) || foreign.some((folder) => path.startsWith(folder))) continue
    if (live.has(path)) {
      add(sums.live, bytes)
      continue
    }
    const isRemoved = removed.has(path)
    const isNeeded = isRemoved
      ? wasNeeded(facts, path, horizonMs) || modifiedMs >= horizonMs
      : facts.removedSince.has(path) || modifiedMs >= uncommittedMs
    if (isNeeded || facts.reserved.has(path)) add(sums.waiting, bytes)
    else goes.push({ path, bytes, why: isRemoved ? 'removed' : 'unknown' })
  }
  return { goes, ...sums }
}

export function sumFiles(files: readonly { readonly bytes: number }[]): FileSum {
  return { files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) }
}

/** Where a remove does not state its time, the commit that holds it does: `removedSince` has it then. */
function wasNeeded({ removed, removedSince }: VacuumFacts, path: string, horizonMs: number): boolean {
  if (removedSince.has(path)) return true
  const removedMs = removed.get(path)
  return typeof removedMs === 'number' && removedMs >= horizonMs
}

/** Folders that are tables of their own, which this table's log knows nothing of. */
function nestedTables(stored: readonly ObjectStat[]): string[] {
  const folders = new Set<string>()
  for (const { path } of stored) {
    const at = path.indexOf('/_delta_log/')
    if (at > 0) folders.add(path.slice(0, at + 1))
  }
  return [...folders]
}

function add(sum: { files: number; bytes: number }, bytes: number): void {
  sum.files += 1
  sum.bytes += bytes
}
