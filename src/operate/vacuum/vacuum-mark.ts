import { SluiceError } from '../../domain/errors.ts'

/**
 * A vacuum tells of itself in the table's log, by two `txn` actions whose versions are times in milliseconds: `start`
 * when it began, and `end`, equal to `start` once it is over. What brings old files back (a restore) compares and sets
 * nothing on `start` and refuses while one is under way, so no file comes back that is about to go.
 */
export const VACUUM_START = 'sluice/vacuum/start'
export const VACUUM_END = 'sluice/vacuum/end'

/** A vacuum begins no further batch of files after this long: the next goes on. */
export const VACUUM_LIMIT_MS = 45 * 60_000
/** One that has not ended by then is dead. */
const DEAD_AFTER_MS = 2 * VACUUM_LIMIT_MS

type Txns = ReadonlyMap<string, bigint>

/** When the vacuum began that may still be at work; null where none is. */
export function vacuumUnderWay(txns: Txns, nowMs: number): number | null {
  const start = txns.get(VACUUM_START)
  if (start === undefined || start === txns.get(VACUUM_END)) return null
  return nowMs - Number(start) < DEAD_AFTER_MS ? Number(start) : null
}

/** What a commit that brings old files back must find as it was. Throws COMMIT_CONTENDED while a vacuum is at work. */
export function expectNoVacuum(table: string, txns: Txns, nowMs: number): ReadonlyMap<string, bigint | null> {
  const startMs = vacuumUnderWay(txns, nowMs)
  if (startMs === null) return new Map([[VACUUM_START, txns.get(VACUUM_START) ?? null]])
  const untilMs = startMs + DEAD_AFTER_MS
  throw new SluiceError(
    'COMMIT_CONTENDED',
    `a vacuum of ${table} began at ${new Date(startMs).toISOString()} and has not ended: files that would come back may be about to go`,
    {
      where: { table },
      hint: `Wait for its end; if it died, \`sluice vacuum ${table}\` again, or wait until ${new Date(untilMs).toISOString()}.`,
    },
  )
}
