import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  readHeaders,
  recordKey,
  recordOffset,
  recordValue,
  type RecordBatch,
} from '../../../src/domain/record-batch.ts'
import { cutBatch } from '../../../src/ingest/rows/cut-batch.ts'
import { placedBatch, type PlacedRecord } from '../batches.ts'

const text = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString())
const recordsOf = (batch: RecordBatch): unknown[] =>
  Array.from({ length: batch.count }, (_, i) => [
    recordOffset(batch, i),
    text(recordKey(batch, i)),
    text(recordValue(batch, i)),
    readHeaders(batch, i).map(({ key, value }) => [key, text(value)]),
    batch.timestampsMs[i],
  ])

describe('cutBatch', () => {
  it('I8: keeps exactly what comes before the record, and reads on at it', () => {
    const batch = placedBatch(
      [{ value: Buffer.from('a') }, { value: Buffer.from('b'), delta: 3 }, { value: Buffer.from('c'), delta: 4 }],
      { first: 10n },
    )
    const cut = cutBatch(batch, 1)
    assert.deepEqual([cut.first, cut.next, cut.count], [10n, 13n, 1])
    assert.deepEqual(recordsOf(cut), recordsOf(batch).slice(0, 1))
  })

  it('at the first record nothing is left but what was skipped before it', () => {
    const skips = [{ first: 10n, next: 12n, reason: 'compacted' as const }]
    const cut = cutBatch(placedBatch([{ value: null, delta: 2 }], { first: 10n, skips }), 0)
    assert.deepEqual([cut.count, cut.next, cut.skips], [0, 12n, skips])
  })

  it('skips behind the record go, and one that reaches past it is cut', () => {
    const skips = [
      { first: 1n, next: 3n, reason: 'aborted' as const },
      { first: 4n, next: 6n, reason: 'control' as const },
    ]
    const cut = cutBatch(
      placedBatch([{ value: null }, { value: null, delta: 3 }, { value: null, delta: 6 }], { skips }),
      1,
    )
    assert.deepEqual(cut.skips, [skips[0]])
    assert.deepEqual(
      cutBatch(placedBatch([{ value: null }, { value: null, delta: 2 }], { skips: [{ ...skips[0]!, next: 9n }] }), 1)
        .skips,
      [{ ...skips[0]!, next: 2n }],
    )
  })

  it('I4: every offset before the cut is still a record or a skip', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }), fc.nat(), (present, pick) => {
        const records: PlacedRecord[] = []
        const skips: { first: bigint; next: bigint; reason: 'compacted' }[] = []
        present.forEach((isRecord, delta) => {
          if (isRecord)
            records.push({
              delta,
              key: Buffer.from(`k${delta}`),
              value: Buffer.from(`v${delta}`),
              headers: [{ key: 'h', value: Buffer.from(String(delta)) }],
            })
          else skips.push({ first: BigInt(delta), next: BigInt(delta + 1), reason: 'compacted' })
        })
        if (records.length === 0) return
        const batch = placedBatch(records, { next: BigInt(present.length), skips })
        const index = pick % records.length
        const cut = cutBatch(batch, index)
        assert.deepEqual(recordsOf(cut), recordsOf(batch).slice(0, index))
        const covered = BigInt(cut.count) + cut.skips.reduce((sum, skip) => sum + skip.next - skip.first, 0n)
        assert.equal(covered, cut.next - cut.first)
        assert.equal(cut.next, recordOffset(batch, index))
      }),
    )
  })
})
