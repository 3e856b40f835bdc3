import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SluiceError } from '../../../src/domain/errors.ts'
import { planReplay, type ReplayFacts } from '../../../src/operate/replay/plan-replay.ts'

function plan(over: Partial<ReplayFacts> & { start?: bigint; end?: bigint; source?: bigint }): unknown {
  const { start = 0n, end = 100n, source = 7n, ...rest } = over
  try {
    const range = planReplay({
      table: 'bronze.orders',
      topic: {
        topic: 'orders',
        source,
        retentionMs: null,
        partitions: [{ partition: 0, start, end, limit: end, endTimeMs: null }],
      },
      partition: 0,
      position: { next: 50n, epoch: 2, source: 7n },
      from: 10n,
      to: null,
      ...rest,
    })
    return range === null ? null : [range.epoch, range.first, range.next]
  } catch (error) {
    if (error instanceof SluiceError) return error.code
    throw error
  }
}

describe('what a replay reads again', () => {
  it('I16: the range is cut at the table’s position, which does not move', () => {
    assert.deepEqual(plan({}), [2, 10n, 50n])
    assert.deepEqual(plan({ to: 80n }), [2, 10n, 50n])
    assert.deepEqual(plan({ to: 20n }), [2, 10n, 20n])
  })

  it('what the lane has not read is ingest’s, not a replay’s', () => {
    assert.equal(plan({ from: 50n }), null)
    assert.equal(plan({ position: null }), null)
  })

  it('rows that the log cannot give again are never taken out', () => {
    assert.equal(plan({ start: 11n }), 'OFFSET_OUT_OF_RANGE')
    assert.equal(plan({ end: 49n }), 'OFFSET_OUT_OF_RANGE')
    assert.deepEqual(plan({ start: 10n }), [2, 10n, 50n])
    assert.equal(plan({ source: 8n }), 'SOURCE_CHANGED')
  })

  it('a partition that is not there and a range that ends before it begins are refused', () => {
    assert.equal(plan({ partition: 4 }), 'USAGE')
    assert.equal(plan({ to: 9n }), 'USAGE')
  })
})
