import type { RetryClass } from './error-row.ts'

/** How long to leave alone what failed before it is tried again. A function of values. */

interface Backoff {
  readonly firstMs: number
  readonly capMs: number
}

const TRANSIENT: Backoff = { firstMs: 1_000, capMs: 60_000 }
/** A person must act first: looking again is only to see that they did. */
const STANDING: Backoff = { firstMs: 5_000, capMs: 60_000 }

/** `attempt` counts from 0; `random` is in [0, 1). Doubles up to a cap, with the upper half left to chance. */
export function retryDelayMs(retry: RetryClass, attempt: number, random: number): number {
  const { firstMs, capMs } = retry === 'transient' ? TRANSIENT : STANDING
  const wholeMs = Math.min(capMs, firstMs * 2 ** Math.min(attempt, 16))
  return Math.round(wholeMs / 2 + (random * wholeMs) / 2)
}
