import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { boundsOfInt64 } from '../../src/parquet/encode/values/column-bounds.ts'

test('the least and the greatest of 64-bit integers, whatever their halves', () => {
  const half = fc.oneof(fc.constantFrom(0, 1, -1, 2 ** 31 - 1, -(2 ** 31)), fc.integer())
  const high = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(0, -1, 7) }, { weight: 1, arbitrary: half })
  fc.assert(
    fc.property(fc.array(fc.tuple(half, high), { minLength: 1, maxLength: 40 }), (pairs) => {
      const halves = Int32Array.from(pairs.flat())
      const values = Array.from(new BigInt64Array(halves.buffer))
      const [min, max] = [values.reduce((a, b) => (b < a ? b : a)), values.reduce((a, b) => (b > a ? b : a))]
      assert.deepEqual(boundsOfInt64(halves, pairs.length), { min, max })
    }),
    { numRuns: 500 },
  )
  assert.equal(boundsOfInt64(new Int32Array(0), 0), null)
})
