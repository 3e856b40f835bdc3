import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { decideAhead, decideFlush, HELD_SHARE_OF_MEMORY } from '../../src/ingest/flush-policy.ts'

const limits = { flushBytes: 64_000_000, flushAgeMs: 30_000, memoryLimitBytes: 512_000_000 }
const state = { heldBytes: 10, heldRecords: 1, ageMs: 0, ended: false }

describe('decideFlush', () => {
  it('holds what is young and small', () => {
    assert.equal(decideFlush(state, limits), 'hold')
  })
  it('flushes at the byte limit', () => {
    assert.equal(decideFlush({ ...state, heldBytes: limits.flushBytes - 1 }, limits), 'hold')
    assert.equal(decideFlush({ ...state, heldBytes: limits.flushBytes }, limits), 'flush')
  })
  it('flushes at the age limit', () => {
    assert.equal(decideFlush({ ...state, ageMs: limits.flushAgeMs - 1 }, limits), 'hold')
    assert.equal(decideFlush({ ...state, ageMs: limits.flushAgeMs }, limits), 'flush')
  })
  it('flushes what is left when a pass ends, and commits nothing where nothing is held', () => {
    assert.equal(decideFlush({ ...state, ended: true }, limits), 'flush')
    assert.equal(decideFlush({ ...state, ended: true, heldRecords: 0, heldBytes: 0 }, limits), 'hold')
  })
  it('I12: whatever flush_mb says, never holds a third of the memory limit', () => {
    fc.assert(
      fc.property(
        fc.record({
          heldBytes: fc.nat(2_000_000_000),
          heldRecords: fc.integer({ min: 1, max: 1e6 }),
          ageMs: fc.nat(100_000),
          ended: fc.boolean(),
        }),
        fc.record({
          flushBytes: fc.integer({ min: 1, max: 2_000_000_000 }),
          flushAgeMs: fc.nat(100_000),
          memoryLimitBytes: fc.integer({ min: 3, max: 2_000_000_000 }),
        }),
        (held, bounds) => {
          if (decideFlush(held, bounds) === 'hold')
            assert.ok(held.heldBytes * HELD_SHARE_OF_MEMORY < bounds.memoryLimitBytes + HELD_SHARE_OF_MEMORY)
        },
      ),
    )
  })
  it('is monotone: more bytes or more age never turn a flush into a hold', () => {
    fc.assert(
      fc.property(
        fc.nat(100_000_000),
        fc.nat(60_000),
        fc.nat(1_000_000),
        fc.nat(1_000),
        (heldBytes, ageMs, moreBytes, moreMs) => {
          const before = decideFlush({ heldBytes, heldRecords: 1, ageMs, ended: false }, limits)
          const after = decideFlush(
            { heldBytes: heldBytes + moreBytes, heldRecords: 1, ageMs: ageMs + moreMs, ended: false },
            limits,
          )
          if (before === 'flush') assert.equal(after, 'flush')
        },
      ),
    )
  })
})

describe('decideAhead', () => {
  it('I12: whatever the limits, what is read ahead is a part of a flush, and ends before it would be one', () => {
    fc.assert(
      fc.property(
        fc.nat(2_000_000_000),
        fc.record({
          flushBytes: fc.integer({ min: 1, max: 2_000_000_000 }),
          // Young: what is asked is how much is held.
          flushAgeMs: fc.integer({ min: 1, max: 100_000 }),
          memoryLimitBytes: fc.integer({ min: 3, max: 2_000_000_000 }),
        }),
        (heldBytes, bounds) => {
          if (decideAhead(heldBytes, bounds) === 'more') {
            assert.ok(heldBytes * 4 < bounds.flushBytes)
            assert.ok(heldBytes * 4 * HELD_SHARE_OF_MEMORY < bounds.memoryLimitBytes)
          }
          if (decideFlush({ ...state, heldBytes }, bounds) === 'flush')
            assert.equal(decideAhead(heldBytes, bounds), 'enough')
        },
      ),
    )
  })
})
