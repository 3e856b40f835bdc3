import type { Healing } from '../domain/dead-letter.ts'
import type { LaneRecord } from './lane-record.ts'

/**
 * What became of a letter. `open`: its record stands in no table. `healed`: a redrive landed it. `phantom`: it was
 * written by an attempt that came to nothing and its record will be, or was, judged again.
 */
export type LetterState = 'open' | 'healed' | 'phantom'

export interface LetterFacts {
  /** Newest healing of the letter's row id. */
  readonly healing: Healing | null
  /** The table's version, or null where there is no table. */
  readonly tableVersion: number | null
  /** The table's next offset for the letter's topic, partition and epoch; null where it has none, or for a letter without an offset. */
  readonly next: bigint | null
}

/**
 * From what is cheap to know. A healing newer than the letter counts when the table has reached its version; where the
 * commit of that version was another writer's, only a look into the table tells (`verify` takes it).
 */
export function letterState(letter: LaneRecord, { healing, tableVersion, next }: LetterFacts): LetterState {
  if (letter.offset !== null && next !== null && BigInt(letter.offset) >= next) return 'phantom'
  if (healing === null || tableVersion === null || healing.version > tableVersion) return 'open'
  return healing.atMs >= Date.parse(letter.quarantined_at) ? 'healed' : 'open'
}
