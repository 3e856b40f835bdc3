import assert from 'node:assert/strict'
import { OWN_ROOM } from '../../../src/domain/column-room.ts'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { headerColumns, offsetColumn, recordTsColumn } from '../../../src/ingest/rows/place-columns.ts'
import { columnValues } from '../../contract/column-values.ts'
import { placedBatch } from '../batches.ts'

describe('place columns', () => {
  it('I2: offsets are exact over all 63 bits, whatever the borders of their halves', () => {
    const first = fc.oneof(
      fc.bigInt({ min: 0n, max: 2n ** 62n }),
      fc.bigInt({ min: 2n ** 32n - 10n, max: 2n ** 32n + 10n }),
      fc.constantFrom(0n, 2n ** 31n, 2n ** 33n - 1n, 2n ** 53n + 1n),
    )
    const deltas = fc.uniqueArray(fc.nat(0x7fffffff), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(first, deltas, (base, all) => {
        const sorted = all.toSorted((a, b) => a - b)
        const batch = placedBatch(
          sorted.map((delta) => ({ delta, value: null })),
          { first: base },
        )
        const rows = Int32Array.from(sorted.keys()).filter((row) => row % 2 === 0)
        assert.deepEqual(
          columnValues(offsetColumn(batch, rows, OWN_ROOM)),
          [...rows].map((row) => base + BigInt(sorted[row]!)),
        )
      }),
    )
  })

  it('times are whole milliseconds in microseconds, also before 1970 and past 2^53', () => {
    const time = fc.oneof(
      fc.double({ min: -1e15, max: 1e15, noNaN: true }),
      fc.constantFrom(-1, -0.5, 0, 4_294_967.295, 4_294_967.296, -4_294_967.296, 8.64e15, -8.64e15),
    )
    fc.assert(
      fc.property(fc.array(time, { minLength: 1, maxLength: 10 }), (times) => {
        const batch = placedBatch(times.map((timestampMs) => ({ timestampMs, value: null })))
        assert.deepEqual(
          columnValues(recordTsColumn(batch, Int32Array.from(times.keys()), OWN_ROOM)),
          times.map((ms) => BigInt(Math.floor(ms)) * 1000n),
        )
      }),
    )
  })

  it('headers say the source and the operation of each row; a tombstone is a deletion', () => {
    const source = (name: string) => [{ key: 'sluice.source', value: Buffer.from(name) }]
    const made = fc.array(fc.record({ source: fc.constantFrom(null, 'file', 'kafka'), gone: fc.boolean() }))
    fc.assert(
      fc.property(made, fc.boolean(), (all, alike) => {
        const records = alike ? all.map(() => ({ source: 'file' as const, gone: false })) : all
        const batch = placedBatch(
          records.map(({ source: name }) => ({ value: null, headers: name === null ? [] : source(name) })),
        )
        const ops = records.some(({ gone }) => gone) ? Uint8Array.from(records, ({ gone }) => Number(gone)) : null
        const columns = headerColumns(batch, { rows: Int32Array.from(records.keys()), ops }, 'b')
        assert.deepEqual(
          columnValues(columns.sources),
          records.map(({ source: name }) => name ?? 'kafka'),
        )
        assert.deepEqual(
          columnValues(columns.ops),
          records.map(({ gone }) => (gone ? 'd' : 'c')),
        )
        assert.deepEqual(
          columnValues(columns.batchIds),
          records.map(() => 'b'),
        )
      }),
    )
  })
})
