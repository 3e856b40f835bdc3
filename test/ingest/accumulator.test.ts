import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { batchBytes, type ColumnBatch } from '../../src/domain/column-batch.ts'
import type { Skip } from '../../src/domain/dead-letter.ts'
import { Accumulator } from '../../src/ingest/accumulator.ts'
import { decideFlush } from '../../src/ingest/flush-policy.ts'
import type { JudgedBatch } from '../../src/ingest/rows/judge-batch.ts'
import { aLetter } from '../error-lane/ledger-fixtures.ts'

const at = { topic: 'orders', partition: 0 }
const SOURCE = 77n
const begin = (held: Accumulator, next = 0n, partition = 0): void =>
  held.begin({ topic: 'orders', partition }, { from: null, at: { next, epoch: 0, source: SOURCE }, startSkip: null })

function rows(length: number): ColumnBatch {
  const type = { kind: 'int64' } as const
  return {
    length,
    fields: [{ name: 'n', type, nullable: true }],
    columns: [{ type, length, validity: null, values: { layout: 'int64', data: new BigInt64Array(length) } }],
  }
}

interface Part {
  readonly rows?: number
  readonly letters?: number
  readonly letterBytes?: number
  readonly skips?: readonly Skip[]
  readonly partition?: number
}

function judged(first: bigint, part: Part): JudgedBatch {
  const letters = Array.from({ length: part.letters ?? 0 }, () =>
    aLetter({ raw: new Uint8Array(part.letterBytes ?? 10) }),
  )
  const skips = part.skips ?? []
  const passed =
    BigInt((part.rows ?? 0) + letters.length) + skips.reduce((sum, skip) => sum + skip.next - skip.first, 0n)
  return {
    topic: 'orders',
    partition: part.partition ?? 0,
    first,
    next: first + passed,
    rows: rows(part.rows ?? 0),
    letters,
    skips,
  }
}

describe('Accumulator', () => {
  it('counts what it holds, and how far it reaches', () => {
    const held = new Accumulator()
    begin(held, 10n)
    held.add(judged(10n, { rows: 3, letters: 2 }), 1_000)
    held.add(judged(15n, { rows: 1, skips: [{ ...at, epoch: 0, first: 16n, next: 20n, reason: 'compacted' }] }), 2_000)
    assert.deepEqual(
      [held.landed, held.letters.length, held.skipped, held.heldRecords, held.openedMs, held.next(at)],
      [4, 2, 4n, 7, 1_000, 20n],
    )
    assert.deepEqual(held.moves(), [{ ...at, from: null, to: { next: 20n, epoch: 0, source: SOURCE } }])
  })

  it('I4: a hole, an overlap and a partition that was not begun throw rather than be committed', () => {
    const held = new Accumulator()
    begin(held)
    held.add(judged(0n, { rows: 2 }), 0)
    for (const first of [3n, 1n, 0n]) assert.throws(() => held.add(judged(first, { rows: 1 }), 0), /does not join up/)
    assert.throws(() => held.add(judged(0n, { rows: 1, partition: 1 }), 0), /does not join up/)
    assert.deepEqual([held.landed, held.next(at)], [2, 2n])
  })

  it('what is held of one partition can be dropped, and nothing else goes with it', () => {
    const held = new Accumulator()
    const two = { topic: 'orders', partition: 2 }
    begin(held)
    held.add(judged(0n, { rows: 3 }), 1)
    const before = [held.landed, held.heldBytes, held.heldRecords, held.moves()]
    begin(held, 7n, 2)
    // The letters of these tests are of partition 2.
    const skip = { ...two, epoch: 0, first: 10n, next: 14n, reason: 'control' } as const
    held.add(judged(7n, { rows: 2, letters: 1, partition: 2, skips: [skip] }), 2)
    assert.deepEqual([held.landed, held.letters.length, held.skipped, held.next(two)], [5, 1, 4n, 14n])
    held.drop(two)
    assert.deepEqual([held.landed, held.letters.length, held.skipped, held.next(two)], [3, 0, 0n, null])
    assert.deepEqual([held.landed, held.heldBytes, held.heldRecords, held.moves()], before)
    held.drop(at)
    assert.deepEqual([held.heldRecords, held.heldBytes, held.openedMs, held.moves()], [0, 0, null, []])
  })

  it('a partition that did not move is in no commit; one that begins is, where it stands', () => {
    const held = new Accumulator()
    const position = { next: 5n, epoch: 1, source: SOURCE }
    held.begin(at, { from: position, at: position, startSkip: null })
    begin(held, 0n, 1)
    assert.deepEqual(
      held.moves().map(({ partition, to }) => [partition, to.next]),
      [[1, 0n]],
    )
    held.add(judged(5n, { rows: 1 }), 0)
    assert.deepEqual(
      held.moves().map(({ partition, from, to }) => [partition, from?.next, to.next, to.epoch]),
      [
        [0, 5n, 6n, 1],
        [1, undefined, 0n, 0],
      ],
    )
  })

  it('I17: a lane that begins late holds a start skip for what it never saw', () => {
    const held = new Accumulator()
    const startSkip = { ...at, epoch: 0, first: 0n, next: 40n, reason: 'start' } as const
    held.begin(at, { from: null, at: { next: 40n, epoch: 0, source: SOURCE }, startSkip })
    assert.deepEqual([held.skips, held.skipped, held.heldRecords], [[startSkip], 40n, 1])
  })

  it('I12: counts at least the bytes of columns, raw values, keys and headers', () => {
    const part = fc.record({ rows: fc.nat(200), letters: fc.nat(5), letterBytes: fc.nat(5_000) })
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const held = new Accumulator()
        begin(held)
        let least = 0
        for (const each of parts) {
          const batch = judged(held.next(at)!, each)
          held.add(batch, 0)
          least += batchBytes(batch.rows) + each.letters * each.letterBytes
        }
        assert.ok(held.heldBytes >= least)
      }),
    )
    const held = new Accumulator()
    begin(held)
    const headers = [{ key: 'h', value: new Uint8Array(100_000) }]
    held.add(
      { ...judged(0n, {}), next: 1n, letters: [aLetter({ raw: null, key: new Uint8Array(50_000), headers })] },
      0,
    )
    assert.ok(held.heldBytes >= 150_000)
  })

  it('I12: asked after every batch, the policy never lets more be held than its bound and one batch', () => {
    const part = fc.record({ rows: fc.nat(2_000), letters: fc.nat(20), letterBytes: fc.nat(500) })
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 60_000 }),
        fc.integer({ min: 3, max: 100_000 }),
        (parts, flushBytes, memoryLimitBytes) => {
          const limits = { flushBytes, memoryLimitBytes, flushAgeMs: 1_000_000 }
          let held = new Accumulator()
          begin(held)
          for (const each of parts) {
            const alone = new Accumulator()
            begin(alone)
            alone.add(judged(0n, each), 0)
            held.add(judged(held.next(at)!, each), 0)
            const bound = Math.min(flushBytes, memoryLimitBytes / 3)
            assert.ok(held.heldBytes <= bound + alone.heldBytes)
            if (
              decideFlush(
                { heldBytes: held.heldBytes, heldRecords: held.heldRecords, ageMs: 0, ended: false },
                limits,
              ) === 'flush'
            ) {
              const next = held.next(at)!
              held = new Accumulator()
              begin(held, next)
            }
          }
        },
      ),
      { numRuns: 50 },
    )
  })
})
