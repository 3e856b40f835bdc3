import type { OffsetRange } from '../domain/offset-range.ts'

/** Ranges as `[first, next)` pairs of a verb's form. */
export function offsetPairs(ranges: readonly OffsetRange[]): readonly (readonly [bigint, bigint])[] {
  return ranges.map(({ first, next }) => [first, next])
}
