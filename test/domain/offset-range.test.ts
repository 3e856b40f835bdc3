import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  countOffsets,
  intersectRanges,
  normalizeRanges,
  subtractRanges,
  type OffsetRange,
} from '../../src/domain/offset-range.ts'

const someRanges = fc.array(
  fc.tuple(fc.nat({ max: 40 }), fc.integer({ min: -2, max: 8 })).map(([first, size]) => ranged(first, first + size)),
  { maxLength: 8 },
)

function ranged(first: number, next: number): OffsetRange {
  return { first: BigInt(first), next: BigInt(next) }
}

/** The model: the offsets one by one. */
function offsets(ranges: readonly OffsetRange[]): Set<bigint> {
  const all = new Set<bigint>()
  for (const { first, next } of ranges) for (let at = first; at < next; at += 1n) all.add(at)
  return all
}

function assertNormal(ranges: readonly OffsetRange[]): void {
  for (const [i, { first, next }] of ranges.entries()) {
    assert.ok(first < next, 'no range is empty')
    if (i > 0) assert.ok(ranges[i - 1]!.next < first, 'ranges ascend and do not touch')
  }
}

test('normal ranges hold the same offsets, sorted, joined and without empty ones', () => {
  assert.deepEqual(normalizeRanges([ranged(5, 7), ranged(0, 2), ranged(2, 3), ranged(6, 9), ranged(4, 4)]), [
    ranged(0, 3),
    ranged(5, 9),
  ])
  fc.assert(
    fc.property(someRanges, (ranges) => {
      const normal = normalizeRanges(ranges)
      assertNormal(normal)
      assert.deepEqual(
        offsets(normal),
        offsets(ranges).size === 0 ? new Set() : new Set([...offsets(ranges)].toSorted(compare)),
      )
      assert.equal(countOffsets(normal), BigInt(offsets(ranges).size))
    }),
  )
})

test('what is left after subtracting is in the whole and in none of the parts', () => {
  assert.deepEqual(subtractRanges([ranged(0, 10)], [ranged(2, 4), ranged(8, 12)]), [ranged(0, 2), ranged(4, 8)])
  fc.assert(
    fc.property(someRanges, someRanges, (whole, parts) => {
      const left = subtractRanges(whole, parts)
      assertNormal(left)
      assert.deepEqual([...offsets(left)], sorted(offsets(whole).difference(offsets(parts))))
    }),
  )
})

test('an intersection is in both', () => {
  fc.assert(
    fc.property(someRanges, someRanges, (a, b) => {
      const both = intersectRanges(a, b)
      assert.deepEqual([...offsets(both)], sorted(offsets(a).intersection(offsets(b))))
      assert.deepEqual(both, intersectRanges(b, a))
    }),
  )
})

test('offsets past 2^53 keep every digit', () => {
  const far = 2n ** 62n
  assert.deepEqual(subtractRanges([{ first: far, next: far + 3n }], [{ first: far + 1n, next: far + 2n }]), [
    { first: far, next: far + 1n },
    { first: far + 2n, next: far + 3n },
  ])
})

function sorted(set: ReadonlySet<bigint>): bigint[] {
  return [...set].toSorted(compare)
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}
