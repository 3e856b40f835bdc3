import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  keptBackBatch,
  readHeaders,
  recordKey,
  recordOffset,
  recordValue,
  type RecordBatch,
} from '../../../src/domain/record-batch.ts'
import { BatchJoiner } from '../../../src/ingest/decode/join-batches.ts'
import { placedBatch } from '../batches.ts'

const bytes = fc.option(fc.uint8Array({ maxLength: 12 }), { nil: null })
const record = fc.record({ key: bytes, value: bytes, timestampMs: fc.integer(), gap: fc.nat(3), header: fc.boolean() })
/** Runs of records; null stands for a batch whose records the log kept back. */
const runs = fc.array(fc.option(fc.array(record, { maxLength: 6 }), { nil: null, freq: 8 }), { maxLength: 8 })

function batchesOf(plan: typeof runs extends fc.Arbitrary<infer T> ? T : never, start: bigint): RecordBatch[] {
  let first = start
  return plan.map((records) => {
    if (records === null) {
      const place = { topic: 'orders', partition: 0, first, next: first + 3n, timestampMs: 5 }
      first += 3n
      return keptBackBatch({ ...place, bytes: 9, maxBytes: 4 })
    }
    let delta = -1
    const placed = records.map(({ gap, header, ...rest }) => {
      delta += 1 + gap
      return { ...rest, delta, headers: header ? [{ key: 'h', value: Buffer.from('v') }] : [] }
    })
    const next = first + BigInt(delta + 2)
    const skips = [{ first: next - 1n, next, reason: 'control' as const }]
    const batch = placedBatch(placed, { first, next, skips })
    first = next
    return batch
  })
}

/** All that a record is, read one at a time. */
function recordsOf(batch: RecordBatch): unknown[] {
  return Array.from({ length: batch.count }, (_, i) => ({
    offset: recordOffset(batch, i),
    at: batch.timestampsMs[i],
    key: hex(recordKey(batch, i)),
    value: hex(recordValue(batch, i)),
    headers: batch.keptBack === undefined ? readHeaders(batch, i).map(({ key }) => key) : batch.keptBack,
  }))
}

describe('batches of a fetch, joined', () => {
  it('hold the same records, skips and borders as before, whatever was joined before them', () => {
    const joiner = new BatchJoiner()
    fc.assert(
      fc.property(runs, fc.bigInt({ min: 0n, max: 2n ** 60n }), (plan, start) => {
        const batches = batchesOf(plan, start)
        const records: unknown[] = []
        const skips: unknown[] = []
        let next = start
        for (const joined of joiner.join(batches)) {
          assert.equal(joined.first, next)
          next = joined.next
          records.push(...recordsOf(joined))
          skips.push(...joined.skips)
        }
        assert.equal(next, batches.at(-1)?.next ?? start)
        assert.deepEqual(records, batches.flatMap(recordsOf))
        assert.deepEqual(
          skips,
          batches.flatMap((batch) => batch.skips),
        )
      }),
    )
  })

  it('are one where they are small, and several past the bound', () => {
    const joiner = new BatchJoiner()
    const small = batchesOf([[], [], []], 7n)
    assert.equal([...joiner.join(small)].length, 1)
    const value = new Uint8Array(3 * 1024 * 1024)
    const large = [0n, 1n, 2n].map((first) => placedBatch([{ value }], { first }))
    assert.deepEqual(
      Array.from(joiner.join(large), ({ first, next }) => [first, next]),
      [
        [0n, 1n],
        [1n, 2n],
        [2n, 3n],
      ],
    )
  })

  it('stay apart across partitions, and across a hole', () => {
    const [one, other] = [placedBatch([{ value: null }]), placedBatch([{ value: null }], { first: 1n, partition: 1 })]
    const later = placedBatch([{ value: null }], { first: 2n })
    const joiner = new BatchJoiner()
    assert.equal([...joiner.join([one, other])].length, 2)
    assert.equal([...joiner.join([one, later])].length, 2)
  })
})

function hex(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('hex')
}
