import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { ColumnBatch, ColumnField, ColumnType } from '../../src/domain/column-batch.ts'
import { boundsOfByteArrays } from '../../src/parquet/encode/values/column-bounds.ts'
import { readParquetColumns } from './whole-file.ts'
import { writeParquet } from '../../src/parquet/write-parquet.ts'
import { batchOf, repeated } from './build-columns.ts'
import type { Cell } from './build-columns.ts'
import { scratchDuck } from './scratch-duck.ts'

const duck = scratchDuck()

const STRING: ColumnType = { kind: 'string' }
const LIST: ColumnType = { kind: 'list', element: STRING, elementNullable: true }
const fields: readonly ColumnField[] = [
  { name: 't', type: STRING, nullable: true },
  { name: 'many', type: LIST, nullable: true },
]

async function roundTrip(batches: readonly ColumnBatch[], rows: readonly (readonly Cell[])[], options = {}) {
  const { bytes } = writeParquet({ fields, batches, ...options })
  const read = await readParquetColumns({ source: bytes, name: 'test' })
  assert.deepEqual(
    read.columns[0],
    rows.map(([text]) => text),
  )
  assert.deepEqual(
    read.columns[1],
    rows.map(([, many]) => many),
  )
  const path = await duck.put(bytes)
  assert.deepEqual(await duck.rows(`select t, many from read_parquet('${path}')`), rows)
  const encodings = await duck.rows(`select encodings from parquet_metadata('${path}')`)
  return encodings.map(([used]) => used as string).join(' ')
}

const text = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }) },
  { weight: 2, arbitrary: fc.string({ minLength: 28, maxLength: 90 }) },
  { weight: 1, arbitrary: fc.string({ minLength: 300, maxLength: 700 }) },
  { weight: 1, arbitrary: fc.constantFrom('', 'same', 'same as before') },
)
const cell = fc.option(text, { freq: 5 })

describe('texts that do not repeat are packed', () => {
  test('whatever their lengths, with nulls and in lists, on any number of pages, from batches of either form', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(cell, fc.option(fc.array(cell, { maxLength: 3 }))), { minLength: 64, maxLength: 400 }),
        fc.record({
          pageBytes: fc.integer({ min: 500, max: 20_000 }),
          rowGroupRows: fc.integer({ min: 80, max: 500 }),
        }),
        fc.integer({ min: 0, max: 400 }),
        async (rows, sizes, cut) => {
          const plain = [batchOf(fields, rows.slice(0, cut)), batchOf(fields, rows.slice(cut))]
          const mixed = plain.map((batch, i) => (i === 0 ? { ...batch, columns: batch.columns.map(repeated) } : batch))
          await roundTrip(plain, rows, sizes)
          await roundTrip(mixed, rows, sizes)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('once a column was tried and found not to repeat', async () => {
    const rows = Array.from({ length: 9000 }, (_, i) => [
      i % 13 === 0 ? null : `${i} — ${'x'.repeat(i % 70)}`,
      [`${i}`],
    ])
    const used = await roundTrip([batchOf(fields, rows)], rows, { pageBytes: 40_000 })
    assert.match(used, /DELTA_LENGTH_BYTE_ARRAY/)
    assert.doesNotMatch(used, /DICTIONARY/)
  })

  test('on small and large pages in turn, and on pages of megabytes', async () => {
    const rows = (count: number, most: number): Cell[][] =>
      Array.from({ length: count }, (_, i) => [
        i % 13 === 0 ? null : `${i}`.padEnd(i % 29 === 0 ? most : 3 + (i % 7), 'xyz'),
        null,
      ])
    const few = rows(12_000, 900)
    const cut = [few.slice(0, 5000), few.slice(5000, 5100), few.slice(5100)]
    const batches = cut.map((each) => batchOf(fields, each))
    // Pages of one buffer, small and large in turn.
    assert.match(await roundTrip(batches, few, { pageBytes: 300_000, rowGroupRows: 11_000 }), /DELTA_LENGTH_BYTE_ARRAY/)
    // One length in each run takes ten bits.
    const many = rows(140_000, 600)
    assert.match(await roundTrip([batchOf(fields, many)], many, { pageBytes: 2 ** 23 }), /DELTA_LENGTH_BYTE_ARRAY/)
  })

  test('least and greatest are those of all values', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 9, max: 3 }), { minLength: 1, maxLength: 60 }), (values) => {
        const sorted = values.toSorted((a, b) => Buffer.compare(a, b))
        const bounds = boundsOfByteArrays(
          Buffer.concat(values),
          Int32Array.from(values, ({ length }) => length),
        )
        assert.deepEqual(
          [bounds!.min, bounds!.max].map((each) => [...(each as Uint8Array)]),
          [sorted[0]!, sorted.at(-1)!].map((each) => [...each]),
        )
      }),
      { numRuns: 2000 },
    )
    assert.equal(boundsOfByteArrays(new Uint8Array(0), new Int32Array(0)), null)
  })
})
