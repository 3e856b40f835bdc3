import {
  countOffsets,
  intersectRanges,
  normalizeRanges,
  subtractRanges,
  type OffsetRange,
} from '../domain/offset-range.ts'

/**
 * Conservation (I17) of one topic, epoch and partition over `[first, next)`: L landed, D dead letters, S skips. It
 * holds when L ∪ D ∪ S covers the range, L has no repeat, and L ∩ S is empty. Pure.
 */
export interface ConservationInput {
  readonly first: bigint
  /** The position, exclusive. */
  readonly next: bigint
  readonly landed: readonly OffsetRange[]
  readonly doubled: readonly OffsetRange[]
  readonly letters: readonly OffsetRange[]
  readonly healed: readonly OffsetRange[]
  readonly skips: readonly OffsetRange[]
}

export interface Conservation {
  readonly ok: boolean
  readonly landed: bigint
  /** Dead letters whose record is not in the table. */
  readonly quarantined: bigint
  readonly skipped: bigint
  /** Letters whose record a redrive has landed since. */
  readonly healed: bigint
  /** Letters that count for nothing: their record landed without a healing, or lies at or after the position. */
  readonly phantoms: bigint
  readonly missing: readonly OffsetRange[]
  readonly doubled: readonly OffsetRange[]
  /** Landed offsets inside a skip. */
  readonly landedInSkip: readonly OffsetRange[]
  /** Rows at or after the position: the next flush would land them again. */
  readonly beyond: readonly OffsetRange[]
}

export function judgeConservation(input: ConservationInput): Conservation {
  const range = [{ first: input.first, next: input.next }]
  const landed = intersectRanges(input.landed, range)
  const letters = normalizeRanges(input.letters)
  const skips = intersectRanges(input.skips, range)
  const missing = subtractRanges(range, [...landed, ...letters, ...skips])
  const landedInSkip = intersectRanges(landed, skips)
  const beyond = subtractRanges(input.landed, range)
  const both = intersectRanges(letters, landed)
  const healed = intersectRanges(both, input.healed)
  const phantoms = countOffsets(subtractRanges(both, healed)) + countOffsets(subtractRanges(letters, range))
  return {
    ok: missing.length === 0 && input.doubled.length === 0 && landedInSkip.length === 0 && beyond.length === 0,
    landed: countOffsets(landed),
    quarantined: countOffsets(subtractRanges(intersectRanges(letters, range), [...landed, ...skips])),
    skipped: countOffsets(skips),
    healed: countOffsets(healed),
    phantoms,
    missing,
    doubled: normalizeRanges(input.doubled),
    landedInSkip,
    beyond,
  }
}
