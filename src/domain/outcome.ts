/** Outcomes that callers must handle are values; only bugs and terminal faults throw. */

export type CommitOutcome =
  | { readonly kind: 'committed'; readonly version: number }
  /** Another writer moved what this commit depends on: drop the prepared work and read again. */
  | { readonly kind: 'conflicted'; readonly version: number; readonly reason: string }

export type PutOutcome = 'written' | 'exists'
