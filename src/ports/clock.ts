/** Time and identity come through this port, so that every decision can be tested. */
export interface Clock {
  /** Milliseconds since the epoch. */
  nowMs(): number
  /** A fresh UUID4. */
  newId(): string
  /** Resolves after `ms`, or rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** 0 ≤ x < 1, for jitter only. */
  random(): number
}
