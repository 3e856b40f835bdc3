import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { SluiceError } from '../../../src/domain/errors.ts'
import type { PartitionPosition } from '../../../src/domain/position.ts'
import { planReset, type ResetFacts } from '../../../src/operate/checkpoint/plan-reset.ts'

const OLD = 7n
const NEW = 9n

function facts(over: Partial<ResetFacts> & { start?: bigint; end?: bigint; source?: bigint }): ResetFacts {
  const { start = 0n, end = 100n, source = OLD, ...rest } = over
  return {
    table: 'bronze.orders',
    topic: {
      topic: 'orders',
      source,
      retentionMs: null,
      partitions: [{ partition: 0, start, end, limit: end, endTimeMs: null }],
    },
    partition: 0,
    position: at(50n),
    wanted: null,
    accept: false,
    stranger: false,
    ...rest,
  }
}

function at(next: bigint, epoch = 0, source: bigint | null = OLD): PartitionPosition {
  return { next, epoch, source }
}

function code(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof SluiceError) return error.code
    throw error
  }
  return 'none'
}

describe('where a reset puts a lane', () => {
  it('I16: forwards, what is passed over is one skip (reset) and no row leaves', () => {
    const reset = planReset(facts({ wanted: 60n }))!
    assert.deepEqual(reset.move.to, at(60n))
    assert.deepEqual(reset.skips, [{ topic: 'orders', partition: 0, epoch: 0, first: 50n, next: 60n, reason: 'reset' }])
    assert.equal(reset.withdraw, null)
  })

  it('I16: backwards, the rows from there on leave and no skip is written', () => {
    const reset = planReset(facts({ wanted: 40n }))!
    assert.deepEqual(reset.skips, [])
    assert.deepEqual(reset.withdraw, { topic: 'orders', partition: 0, epoch: 0, first: 40n, next: null })
    assert.equal(reset.lost, null)
  })

  it('rows that the log cannot give again are named as lost', () => {
    assert.deepEqual(planReset(facts({ wanted: 40n, end: 45n }))!.lost, { first: 45n, next: 50n })
  })

  it('a lane that has not begun passes over the log’s own gap and the operator’s apart', () => {
    const reset = planReset(facts({ position: null, start: 10n, wanted: 30n }))!
    assert.deepEqual(
      reset.skips.map(({ first, next, reason }) => [first, next, reason]),
      [
        [0n, 10n, 'start'],
        [10n, 30n, 'reset'],
      ],
    )
    assert.equal(planReset(facts({ position: null, start: 10n, wanted: 10n })), null)
  })

  it('a lane whose position was removed from the log goes on at what is left, and the gap is a skip', () => {
    const reset = planReset(facts({ start: 70n, wanted: 70n }))!
    assert.deepEqual(
      reset.skips.map(({ first, next, reason }) => [first, next, reason]),
      [[50n, 70n, 'reset']],
    )
  })

  it('I18: another topic is refused by name until it is accepted; accepted, it is the next epoch from its start', () => {
    assert.equal(
      code(() => planReset(facts({ source: NEW, wanted: 10n }))),
      'SOURCE_CHANGED',
    )
    const reset = planReset(facts({ source: NEW, accept: true, start: 3n }))!
    assert.deepEqual(reset.move, {
      topic: 'orders',
      partition: 0,
      from: at(50n),
      to: { next: 3n, epoch: 1, source: NEW },
    })
    assert.deepEqual(
      reset.skips.map(({ epoch, first, next, reason }) => [epoch, first, next, reason]),
      [[1, 0n, 3n, 'start']],
    )
    assert.equal(reset.withdraw, null)
  })

  it('I18: a log that ends before the position may be accepted as a new incarnation; one that goes on may not', () => {
    assert.equal(planReset(facts({ end: 20n, accept: true }))!.move.to.epoch, 1)
    assert.equal(
      code(() => planReset(facts({ accept: true }))),
      'USAGE',
    )
  })

  it('an offset that the log does not hold is refused with the range that it does', () => {
    assert.equal(
      code(() => planReset(facts({ wanted: 101n }))),
      'USAGE',
    )
    assert.equal(
      code(() => planReset(facts({ start: 10n, wanted: 9n }))),
      'USAGE',
    )
    assert.equal(
      code(() => planReset(facts({ partition: 3, wanted: 9n }))),
      'USAGE',
    )
  })

  it('whatever is asked, what is covered before the new position is whole: by rows that stay and skips', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 60n), fc.bigInt(0n, 40n), fc.bigInt(0n, 100n), (start, length, wanted) => {
        const end = start + length
        const position = 50n
        let reset
        try {
          reset = planReset(facts({ start, end, wanted }))
        } catch (error) {
          assert.ok(error instanceof SluiceError && (wanted < start || wanted > end))
          return
        }
        const covered = reset?.withdraw?.first ?? position
        const skipped = (reset?.skips ?? []).reduce((next, skip) => {
          assert.equal(skip.first, next)
          return skip.next
        }, covered)
        assert.equal(skipped, reset?.move.to.next ?? position)
      }),
    )
  })
})
