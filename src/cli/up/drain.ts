import type { Clock } from '../../ports/clock.ts'

/** Kept of the grace time for what comes after the loops: closing the service and the world. */
const CLOSING_MS = 2_000

/** How long the loops may take to end. Pure. */
export function drainingMs(graceMs: number): number {
  return Math.max(0, graceMs - Math.min(CLOSING_MS, graceMs / 4))
}

/** Waits for all, but no longer than `limitMs`. The names of those that had not ended by then. */
export async function endWithin(
  clock: Pick<Clock, 'sleep'>,
  limitMs: number,
  ending: ReadonlyMap<string, Promise<unknown>>,
): Promise<string[]> {
  const left = new Set(ending.keys())
  const done = new AbortController()
  const all = Promise.all(
    [...ending].map(async ([name, end]) => {
      await end.catch(() => undefined)
      left.delete(name)
    }),
  )
  await Promise.race([all, clock.sleep(limitMs, done.signal).catch(() => undefined)])
  done.abort()
  return [...left]
}
