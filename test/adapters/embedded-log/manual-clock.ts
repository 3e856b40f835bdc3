import type { Clock } from '../../../src/ports/clock.ts'
import { systemClock } from './system-clock.ts'

/** Time that stands still until it is moved; sleeping moves nothing and takes no time. */
export interface ManualClock extends Clock {
  advance(ms: number): void
}

export function manualClock(startMs = 1_700_000_000_000): ManualClock {
  let nowMs = startMs
  return {
    ...systemClock,
    nowMs: () => nowMs,
    sleep: () => new Promise((resolve) => setImmediate(resolve)),
    advance: (ms) => {
      nowMs += ms
    },
  }
}
