/**
 * How a source that does not serve is treated: within a pass it is asked again, a bounded number of times; when passes
 * keep failing it is left alone for a while. Functions of values.
 */

/** What a pass may spend on asking again. */
const TRIES = 5
const BUDGET_MS = 60_000
const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 15_000

export interface RetryState {
  /** Failures since a row last came. */
  readonly failures: number
  /** Waited in this pass so far. */
  readonly waitedMs: number
}

export type RetryDecision = { readonly kind: 'again'; readonly waitMs: number } | { readonly kind: 'give_up' }

/** `failures` counts the one at hand; `random` is in [0, 1). Doubles up to a cap, with the upper half left to chance. */
export function decideRetry({ failures, waitedMs }: RetryState, random: number): RetryDecision {
  if (failures > TRIES) return { kind: 'give_up' }
  const wholeMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1))
  const waitMs = Math.round(wholeMs / 2 + (random * wholeMs) / 2)
  return waitedMs + waitMs > BUDGET_MS ? { kind: 'give_up' } : { kind: 'again', waitMs }
}

/** Passes that fail in a row before the circuit opens. */
const PASSES = 3
const FIRST_OPEN_MS = 30_000
const LONGEST_OPEN_MS = 600_000

export interface Circuit {
  /** Passes that failed in a row. */
  readonly failed: number
  /** The source is not asked before this; null while the circuit is closed. */
  readonly openUntilMs: number | null
}

export const CLOSED: Circuit = { failed: 0, openUntilMs: null }

/** `closed`: a pass with its retries. `half_open`: the wait is over, and one try tells. `open`: none. */
export function circuitState({ openUntilMs }: Circuit, nowMs: number): 'closed' | 'half_open' | 'open' {
  if (openUntilMs === null) return 'closed'
  return nowMs < openUntilMs ? 'open' : 'half_open'
}

/** After a pass that the source failed, or that it served. What a person must clear does not count as failing. */
export function afterPass(
  circuit: Circuit,
  served: boolean,
  { nowMs, random }: { nowMs: number; random: number },
): Circuit {
  if (served) return CLOSED
  const failed = circuit.failed + 1
  if (failed < PASSES) return { failed, openUntilMs: null }
  const wholeMs = Math.min(LONGEST_OPEN_MS, FIRST_OPEN_MS * 2 ** (failed - PASSES))
  return { failed, openUntilMs: nowMs + Math.round(wholeMs / 2 + (random * wholeMs) / 2) }
}
