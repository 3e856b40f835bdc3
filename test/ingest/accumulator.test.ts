import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { TopicPartition } from '../../src/domain/position.ts'
import type { BatchSkip } from '../../src/domain/record-batch.ts'
import { Accumulator, type BatchSpan } from '../../src/ingest/accumulator.ts'
import type { FlushDecoding } from '../../src/ports/decode-pool.ts'

const at = { topic: 'orders', partition: 0 }
const SOURCE = 77n
const begin = (held: Accumulator, next = 0n, partition = 0): void =>
  held.begin({ topic: 'orders', partition }, { from: null, at: { next, epoch: 0, source: SOURCE }, startSkip: null })

interface Decoding extends FlushDecoding {
  readonly dropped: TopicPartition[]
  bytes: number
}

function decoding(): Decoding {
  const dropped: TopicPartition[] = []
  const never = (): never => assert.fail('positions ask nothing of the decoding')
  return {
    dropped,
    bytes: 0,
    get heldBytes() {
      return this.bytes
    },
    drop: (gone) => dropped.push(gone),
    take: never,
    fetchRoom: never,
    settle: never,
    stage: never,
    abandon: never,
  }
}

interface Part {
  readonly records?: number
  readonly skips?: readonly BatchSkip[]
  readonly partition?: number
}

function span(first: bigint, { records = 0, skips = [], partition = 0 }: Part): BatchSpan {
  const passed = BigInt(records) + skips.reduce((sum, skip) => sum + skip.next - skip.first, 0n)
  return {
    topic: 'orders',
    partition,
    first,
    next: first + passed,
    count: records,
    skips,
    offsetDeltas: Int32Array.from({ length: records }, (_, i) => i),
    timestampsMs: Float64Array.from({ length: records }, (_, i) => Number(first) + i + 0.5),
  }
}

describe('Accumulator', () => {
  it('counts what it holds, and how far it reaches', () => {
    const held = new Accumulator(decoding())
    begin(held, 10n)
    held.add(span(10n, { records: 5 }), 0, 1_000)
    held.add(span(15n, { records: 1, skips: [{ first: 16n, next: 20n, reason: 'compacted' }] }), 3, 2_000)
    assert.deepEqual([held.skipped, held.heldRecords, held.openedMs, held.next(at)], [4n, 7, 1_000, 20n])
    assert.deepEqual(held.skips, [{ ...at, epoch: 3, first: 16n, next: 20n, reason: 'compacted' }])
    assert.deepEqual(held.moves(), [{ ...at, from: null, to: { next: 20n, epoch: 0, source: SOURCE } }])
  })

  it('knows the last record of each partition that it read, but not of what the log kept back', () => {
    const held = new Accumulator(decoding())
    begin(held, 10n)
    begin(held, 0n, 1)
    begin(held, 0n, 2)
    const position = (next: bigint) => ({ next, epoch: 0, source: SOURCE })
    held.add(span(10n, { records: 5 }), 0, 0)
    held.add(span(15n, { skips: [{ first: 15n, next: 20n, reason: 'control' }] }), 0, 0)
    held.add({ ...span(20n, { records: 3 }), keptBack: { bytes: null, maxBytes: 1 } }, 0, 0)
    held.add(span(0n, { skips: [{ first: 0n, next: 4n, reason: 'control' }], partition: 1 }), 0, 0)
    const first = { partition: 0, position: position(23n), last: { offset: 14n, recordTs: 14_000n } }
    assert.deepEqual(held.reached(), [first])
    held.add(span(0n, { records: 1, partition: 2 }), 0, 0)
    const second = { partition: 2, position: position(1n), last: { offset: 0n, recordTs: 0n } }
    assert.deepEqual(held.reached(), [first, second])
    held.drop(at)
    assert.deepEqual(held.reached(), [second])
  })

  it('I4: a hole, an overlap and a partition that was not begun throw rather than be committed', () => {
    const held = new Accumulator(decoding())
    begin(held)
    held.add(span(0n, { records: 2 }), 0, 0)
    for (const first of [3n, 1n, 0n])
      assert.throws(() => held.add(span(first, { records: 1 }), 0, 0), /does not join up/)
    assert.throws(() => held.add(span(0n, { records: 1, partition: 1 }), 0, 0), /does not join up/)
    assert.deepEqual([held.heldRecords, held.next(at)], [2, 2n])
  })

  it('what is held of one partition can be dropped, and nothing else goes with it', () => {
    const rows = decoding()
    const held = new Accumulator(rows)
    const two = { topic: 'orders', partition: 2 }
    begin(held)
    held.add(span(0n, { records: 3 }), 0, 1)
    const before = [held.heldBytes, held.heldRecords, held.moves()]
    begin(held, 7n, 2)
    held.add(span(7n, { records: 3, partition: 2, skips: [{ first: 10n, next: 14n, reason: 'control' }] }), 0, 2)
    assert.deepEqual([held.heldRecords, held.skipped, held.next(two)], [7, 4n, 14n])
    held.drop(two)
    assert.deepEqual([held.skipped, held.next(two), rows.dropped], [0n, null, [two]])
    assert.deepEqual([held.heldBytes, held.heldRecords, held.moves()], before)
    held.drop(at)
    assert.deepEqual([held.heldRecords, held.heldBytes, held.openedMs, held.moves()], [0, 0, null, []])
  })

  it('a partition that did not move is in no commit; one that begins is, where it stands', () => {
    const held = new Accumulator(decoding())
    const position = { next: 5n, epoch: 1, source: SOURCE }
    held.begin(at, { from: position, at: position, startSkip: null })
    begin(held, 0n, 1)
    assert.deepEqual(
      held.moves().map(({ partition, to }) => [partition, to.next]),
      [[1, 0n]],
    )
    held.add(span(5n, { records: 1 }), 0, 0)
    assert.deepEqual(
      held.moves().map(({ partition, from, to }) => [partition, from?.next, to.next, to.epoch]),
      [
        [0, 5n, 6n, 1],
        [1, undefined, 0n, 0],
      ],
    )
  })

  it('I17: a lane that begins late holds a start skip for what it never saw', () => {
    const held = new Accumulator(decoding())
    const startSkip = { ...at, epoch: 0, first: 0n, next: 40n, reason: 'start' } as const
    held.begin(at, { from: null, at: { next: 40n, epoch: 0, source: SOURCE }, startSkip })
    assert.deepEqual([held.skips, held.skipped, held.heldRecords], [[startSkip], 40n, 1])
  })

  it('I12: what is held is what the decoding holds, and the skips', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.nat(50), (bytes, skips) => {
        const rows = decoding()
        const held = new Accumulator(rows)
        begin(held)
        for (let i = 0n; i < skips; i += 1n)
          held.add(span(i, { skips: [{ first: i, next: i + 1n, reason: 'control' }] }), 0, 0)
        rows.bytes = bytes
        assert.ok(held.heldBytes >= bytes + skips * 64)
      }),
    )
  })
})
