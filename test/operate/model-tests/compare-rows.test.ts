import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSame, pairRows } from '../../../src/operate/model-tests/compare-rows.ts'

test('rows of one key pair, and only the columns that differ are told', () => {
  const found = pairRows(
    ['id'],
    [
      { id: 1n, city: 'Oslo', n: 2 },
      { id: 2n, city: 'Rome', n: 1 },
    ],
    [{ id: 1n, city: 'Bern', n: 2 }],
  )
  assert.deepEqual(found, {
    differing: [{ row: { id: 1, n: 2 }, columns: [{ column: 'city', expected: 'Oslo', actual: 'Bern' }] }],
    missing: [{ id: 2, city: 'Rome', n: 1 }],
    unexpected: [],
  })
  assert.equal(isSame(found), false)
})

test('without the key the nearest row pairs, if it is near at all', () => {
  const far = pairRows([], [{ a: 1, b: 2, c: 3 }], [{ a: 9, b: 9, c: 3 }])
  assert.deepEqual([far.missing.length, far.unexpected.length, far.differing.length], [1, 1, 0])
  const near = pairRows(
    ['id'],
    [{ a: 1, b: 2 }],
    [
      { a: 7, b: 7 },
      { a: 1, b: 3 },
    ],
  )
  assert.deepEqual(near.differing, [{ row: { a: 1 }, columns: [{ column: 'b', expected: 2, actual: 3 }] }])
  assert.deepEqual(near.unexpected, [{ a: 7, b: 7 }])
  assert.equal(isSame(pairRows(['id'], [], [])), true)
})
