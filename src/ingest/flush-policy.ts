/** When to turn what is held into one commit. A function of values. */

export interface FlushState {
  /** Bytes of rows and letters held (I12). */
  readonly heldBytes: number
  /** Rows, letters and skips held. */
  readonly heldRecords: number
  /** Since the first of them was held. */
  readonly ageMs: number
  /** Nothing more will come in this pass. */
  readonly ended: boolean
}

export interface FlushLimits {
  readonly flushBytes: number
  readonly flushAgeMs: number
  readonly memoryLimitBytes: number
}

/**
 * A flush costs about as much again as it holds while its file is encoded; rows above a third of the memory limit
 * flush early even where `flushBytes` would allow more.
 */
export const HELD_SHARE_OF_MEMORY = 3

export function decideFlush(state: FlushState, limits: FlushLimits): 'hold' | 'flush' {
  if (state.heldRecords === 0) return 'hold'
  if (state.ended) return 'flush'
  if (state.heldBytes >= flushCap(limits)) return 'flush'
  return state.ageMs >= limits.flushAgeMs ? 'flush' : 'hold'
}

/** What is read ahead comes on top of the flush that is being written; it is the beginning of the next one. */
const AHEAD_SHARE_OF_FLUSH = 4

export function decideAhead(heldBytes: number, limits: Omit<FlushLimits, 'flushAgeMs'>): 'more' | 'enough' {
  return heldBytes >= flushCap(limits) / AHEAD_SHARE_OF_FLUSH ? 'enough' : 'more'
}

function flushCap({ flushBytes, memoryLimitBytes }: Omit<FlushLimits, 'flushAgeMs'>): number {
  return Math.min(flushBytes, Math.floor(memoryLimitBytes / HELD_SHARE_OF_MEMORY))
}
