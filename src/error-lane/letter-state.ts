import type { LaneRecord } from './lane-record.ts'

/**
 * What became of a letter. `open`: its record stands in no table and the position has passed it. `healed`: a redrive
 * landed it. `phantom`: an attempt that came to nothing wrote it; its record was judged again, or will be. `skipped`: an
 * operator or time passed over its offset since, so that only a replay lands it.
 */
export type LetterState = 'open' | 'healed' | 'phantom' | 'skipped'

export interface LetterFacts {
  /** The table holds the letter's offset. */
  readonly landed: boolean
  /** The table's position is past the letter's offset. */
  readonly passed: boolean
  /** A skip passes over the letter's offset. */
  readonly skipped: boolean
  /** Some healing names the letter's row id. */
  readonly hasHealing: boolean
}

/**
 * The table decides; a healing alone proves nothing, since its commit may never have come. Only for a record that never
 * reached a topic, which has no offset to look for, its healing is all that tells.
 */
export function letterState(letter: LaneRecord, { landed, passed, skipped, hasHealing }: LetterFacts): LetterState {
  if (letter.offset === null) return hasHealing ? 'healed' : 'open'
  if (landed) return hasHealing ? 'healed' : 'phantom'
  if (!passed) return 'phantom'
  return skipped ? 'skipped' : 'open'
}
