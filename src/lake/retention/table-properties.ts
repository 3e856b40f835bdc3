import type { TextMap } from '../log/action.ts'
import { parseInterval } from './interval.ts'

/** Properties of a table that say how long its past is kept (PROTOCOL, "Metadata Cleanup"; delta.io, "Table properties"). */

const DAY_MS = 86_400_000
const TOMBSTONES_KEPT_MS = 7 * DAY_MS
const LOG_KEPT_MS = 30 * DAY_MS
const CHECKPOINT_INTERVAL = 100
/** About 50 MB a part: what one reader holds at a time, and what an object store writes in one stream. */
const PART_ACTIONS = 500_000

/**
 * How long engines keep a `txn` that nobody moved: they drop it from the checkpoints that they write. A table whose
 * `txn` actions are positions cannot have it (I1).
 */
export const TXN_RETENTION = 'delta.setTransactionRetentionDuration'

/** Removed files stay in checkpoints, and in the store, for this long. What is no length of time is taken as the default. */
export function tombstonesKeptMs(configuration: TextMap): number {
  return parseInterval(configuration['delta.deletedFileRetentionDuration'] ?? '') ?? TOMBSTONES_KEPT_MS
}

/** How long log entries are kept; null for ever: where clean-up is off, or what is stated is no length of time. */
export function logKeptMs(configuration: TextMap): number | null {
  if (configuration['delta.enableExpiredLogCleanup']?.trim().toLowerCase() === 'false') return null
  const stated = configuration['delta.logRetentionDuration']
  return stated === undefined ? LOG_KEPT_MS : parseInterval(stated)
}

/** How many versions lie between checkpoints. */
export function checkpointInterval(configuration: TextMap): number {
  return wholeNumber(configuration['delta.checkpointInterval']) ?? CHECKPOINT_INTERVAL
}

/** A checkpoint of more actions is written in parts of about so many. Ours alone: Delta names no property for it. */
export function checkpointPartActions(configuration: TextMap): number {
  return wholeNumber(configuration['sluice.checkpointPartActions']) ?? PART_ACTIONS
}

/**
 * Log entries of this time and older have expired. Cut to the day in UTC, as Delta does, so that clean-up has something
 * to do once a day and not with every checkpoint.
 */
export function logExpiredMs(keptMs: number, nowMs: number): number {
  return Math.floor((nowMs - keptMs) / DAY_MS) * DAY_MS
}

/** Null for what is none, and for 0. */
function wholeNumber(text: string | undefined): number | null {
  return text !== undefined && /^\s*[1-9]\d{0,14}\s*$/.test(text) ? Number(text) : null
}
