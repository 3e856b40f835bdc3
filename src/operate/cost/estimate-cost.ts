import type { CostSettings } from '../../domain/settings.ts'
import type { FileSum } from '../vacuum/plan-vacuum.ts'
import type { WrittenBytes } from './written-bytes.ts'

/** What a table asks of its store, in money. Pure. */

export interface CostFacts {
  readonly nowMs: number
  readonly live: FileSum
  readonly small: FileSum
  /** Files of no version, or of older ones: those that wait for their time, and those that a vacuum would remove now. */
  readonly dead: FileSum
  readonly log: FileSum
  readonly written: WrittenBytes
  /** Of the log, to open the newest version. */
  readonly opening: Requests
}

export interface Requests {
  readonly reads: number
  readonly lists: number
}

export interface CostEstimate {
  readonly storagePerMonth: number
  /** Of it, for files that only a vacuum would remove. */
  readonly deadPerMonth: number
  /** Puts (files and log entries) at the rate of the log's time, of at least a day; and their price. */
  readonly putsPerMonth: number
  readonly writesPerMonth: number
  readonly perMonth: number
  /** A read of the whole table by an engine that takes each file with one request. */
  readonly scan: Requests & { readonly bytes: number; readonly cost: number }
}

const GB = 1e9
const DAY_MS = 86_400_000
const MONTH_DAYS = 30

export function estimateCost(facts: CostFacts, prices: CostSettings): CostEstimate {
  const { live, dead, log, written, opening, nowMs } = facts
  const stored = (bytes: number): number => (bytes / GB) * prices.storageGbMonth
  const days = Math.max(1, (nowMs - (written.sinceMs ?? nowMs)) / DAY_MS)
  const puts = ((written.commits + written.files) / days) * MONTH_DAYS
  const storagePerMonth = stored(live.bytes + dead.bytes + log.bytes)
  const writesPerMonth = (puts / 1000) * prices.writesPer1000
  const reads = opening.reads + live.files
  const cost = (reads / 1000) * prices.readsPer1000 + (opening.lists / 1000) * prices.listsPer1000
  return {
    storagePerMonth,
    deadPerMonth: stored(dead.bytes),
    putsPerMonth: puts,
    writesPerMonth,
    perMonth: storagePerMonth + writesPerMonth,
    scan: { reads, lists: opening.lists, bytes: live.bytes, cost },
  }
}
