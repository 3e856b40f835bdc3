/** Arithmetic on sets of offsets as sorted, disjoint, half-open ranges `[first, next)`. Pure. */

export interface OffsetRange {
  readonly first: bigint
  /** Exclusive. */
  readonly next: bigint
}

/** Sorts, drops empty ranges and joins those that touch or overlap. */
export function normalizeRanges(ranges: Iterable<OffsetRange>): OffsetRange[] {
  const sorted = [...ranges].filter((r) => r.first < r.next).sort((a, b) => compare(a.first, b.first))
  const joined: { first: bigint; next: bigint }[] = []
  for (const range of sorted) {
    const last = joined.at(-1)
    if (last !== undefined && range.first <= last.next) {
      if (range.next > last.next) last.next = range.next
    } else {
      joined.push({ first: range.first, next: range.next })
    }
  }
  return joined
}

/** What `whole` holds and none of `parts` does. `whole` and `parts` need not be normalized. */
export function subtractRanges(whole: Iterable<OffsetRange>, parts: Iterable<OffsetRange>): OffsetRange[] {
  const cuts = normalizeRanges(parts)
  const left: OffsetRange[] = []
  let at = 0
  for (const range of normalizeRanges(whole)) {
    let first = range.first
    while (at < cuts.length && cuts[at]!.next <= first) at += 1
    for (let i = at; i < cuts.length && cuts[i]!.first < range.next; i += 1) {
      const cut = cuts[i]!
      if (cut.first > first) left.push({ first, next: cut.first })
      if (cut.next > first) first = cut.next
    }
    if (first < range.next) left.push({ first, next: range.next })
  }
  return left
}

export function intersectRanges(a: Iterable<OffsetRange>, b: Iterable<OffsetRange>): OffsetRange[] {
  const left = normalizeRanges(a)
  const right = normalizeRanges(b)
  const both: OffsetRange[] = []
  let i = 0
  let j = 0
  while (i < left.length && j < right.length) {
    const first = left[i]!.first > right[j]!.first ? left[i]!.first : right[j]!.first
    const next = left[i]!.next < right[j]!.next ? left[i]!.next : right[j]!.next
    if (first < next) both.push({ first, next })
    if (left[i]!.next < right[j]!.next) i += 1
    else j += 1
  }
  return both
}

/** How many offsets normalized ranges hold. */
export function countOffsets(ranges: Iterable<OffsetRange>): bigint {
  let count = 0n
  for (const range of ranges) count += range.next - range.first
  return count
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}
