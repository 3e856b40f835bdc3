import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decideShare, HeldBytes } from '../../../src/ingest/follow/held-bytes.ts'

test('I12: below a third of the limit all read on; above it the lane that holds most commits and the others wait', () => {
  const held = new HeldBytes()
  held.set('a', 100)
  held.set('b', 50)
  const decide = (lane: string, limit: number): string => decideShare(held.sight(lane), limit)
  assert.deepEqual([decide('a', 453), decide('b', 453), decide('c', 453)], ['read', 'read', 'read'])
  assert.deepEqual([decide('a', 450), decide('b', 450), decide('c', 450)], ['flush', 'wait', 'wait'])
  held.set('a', 0)
  assert.deepEqual([decide('a', 450), decide('b', 450)], ['read', 'read'])
})

test('I12: above the limit there is always a lane that commits, so that no lane waits for ever', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 1, maxLength: 8 }), (bytes) => {
      const held = new HeldBytes()
      bytes.forEach((size, i) => held.set(`l${i}`, size))
      const decisions = bytes.map((_, i) => decideShare(held.sight(`l${i}`), 900))
      const total = bytes.reduce((sum, size) => sum + size, 0)
      assert.equal(decisions.includes('flush'), total >= 300)
      assert.equal(decisions.includes('read'), total < 300)
    }),
  )
})
