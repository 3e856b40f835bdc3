import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkLane } from '../../../src/ingest/lane/check-lane.ts'

const log = { partition: 0, start: 10n, end: 18n, limit: 20n, endTimeMs: null }
const position = { next: 15n, epoch: 0, source: 7n }

describe('checkLane', () => {
  it('reads on at the position', () => {
    assert.deepEqual(checkLane({ position, source: 7n, log }), { kind: 'go', from: 15n, startSkip: null })
  })
  it('I4: a lane that begins after the log was cut writes a skip for what it never saw', () => {
    assert.deepEqual(checkLane({ position: null, source: 7n, log }), {
      kind: 'go',
      from: 10n,
      startSkip: { first: 0n, next: 10n },
    })
    assert.deepEqual(checkLane({ position: null, source: 7n, log: { ...log, start: 0n } }), {
      kind: 'go',
      from: 0n,
      startSkip: null,
    })
  })
  it('I8: stops where retention passed the position, and where the log ends before it', () => {
    assert.equal(checkLane({ position: { ...position, next: 9n }, source: 7n, log }).kind, 'out_of_range')
    assert.equal(checkLane({ position: { ...position, next: 21n }, source: 7n, log }).kind, 'out_of_range')
  })
  it('the ends themselves are in range', () => {
    assert.equal(checkLane({ position: { ...position, next: 10n }, source: 7n, log }).kind, 'go')
    assert.equal(checkLane({ position: { ...position, next: 20n }, source: 7n, log }).kind, 'go')
  })
  it('I8: a topic that was made again stops the lane even where the offset would fit', () => {
    assert.equal(checkLane({ position, source: 8n, log }).kind, 'source_changed')
  })
})
