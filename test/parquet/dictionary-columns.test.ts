import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { columnBytes } from '../../src/domain/column-batch.ts'
import type { Column, ColumnField, ColumnType } from '../../src/domain/column-batch.ts'
import { readParquetColumns } from './whole-file.ts'
import { writeParquet } from '../../src/parquet/write-parquet.ts'
import { batchOf, columnOf, repeated } from './build-columns.ts'
import type { Cell } from './build-columns.ts'
import { comparable, randomTable } from './random-columns.ts'

/** Columns that hold each value once are written as if every row held its own. */

const read = async (bytes: Uint8Array): Promise<unknown> => {
  const { columns } = await readParquetColumns({ source: bytes, name: 'test' })
  return columns.map((cells) => cells.map((cell) => comparable(cell as Cell)))
}

const constant = (type: ColumnType, value: Cell, length: number): Column => ({
  type,
  length,
  validity: null,
  values: { layout: 'constant', entry: columnOf(type, [value]) },
})

describe('columns that come as dictionaries', () => {
  test('give the values and the statistics that plain ones give, in any mix of batches', async () => {
    await fc.assert(
      fc.asyncProperty(
        randomTable,
        fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
        fc.record({ rowGroupRows: fc.integer({ min: 1, max: 30 }), pageBytes: fc.integer({ min: 1, max: 400 }) }),
        async ({ fields, rows }, turned, sizes) => {
          const third = Math.ceil(rows.length / 3)
          const plain = [0, 1, 2].map((i) => batchOf(fields, rows.slice(i * third, (i + 1) * third)))
          const mixed = plain.map((batch, i) =>
            turned[i] === true ? { ...batch, columns: batch.columns.map(repeated) } : batch,
          )
          const expected = writeParquet({ fields, batches: plain, ...sizes })
          const written = writeParquet({ fields, batches: mixed, ...sizes })
          assert.deepEqual(await read(written.bytes), await read(expected.bytes))
          assert.deepEqual(written.stats, expected.stats)
        },
      ),
      { numRuns: 150 },
    )
  })

  test('of one value cost hardly more bytes for many rows than for one', () => {
    const fields: ColumnField[] = [
      { name: 'text', type: { kind: 'string' }, nullable: true },
      { name: 'number', type: { kind: 'int64' }, nullable: false },
    ]
    const write = (length: number): number => {
      const columns = [constant(fields[0]!.type, 'orders', length), constant(fields[1]!.type, 7n, length)]
      return writeParquet({ fields, batches: [{ length, fields, columns }], codec: 'none' }).bytes.length
    }
    assert.ok(write(100_000) - write(1) < 40, `${write(1)} and ${write(100_000)} bytes`)
    assert.equal(columnBytes(constant(fields[1]!.type, 7n, 100_000)), 8)
  })

  test('whose entries no row names leave no trace in the statistics', () => {
    const fields: ColumnField[] = [{ name: 's', type: { kind: 'string' }, nullable: false }]
    const entries = columnOf(fields[0]!.type, ['a', 'b', 'c', 'd']).values
    assert.ok(entries.layout === 'bytes')
    const column: Column = {
      type: fields[0]!.type,
      length: 3,
      validity: null,
      values: { ...entries, layout: 'dictionary', ids: Int32Array.of(1, 2, 1) },
    }
    const { stats } = writeParquet({ fields, batches: [{ length: 3, fields, columns: [column] }] })
    assert.deepEqual(stats, [{ column: 's', nulls: 0, min: 'b', max: 'c' }])
  })

  test('with more entries than a dictionary takes end as plain pages', async () => {
    const fields: ColumnField[] = [{ name: 's', type: { kind: 'string' }, nullable: true }]
    const rows = Array.from({ length: 100_000 }, (_, i): Cell[] => [i % 9 === 0 ? null : `s${i % 70_000}`])
    const batch = batchOf(fields, rows)
    const { bytes } = writeParquet({ fields, batches: [{ ...batch, columns: batch.columns.map(repeated) }] })
    assert.deepEqual(await read(bytes), [rows.map(([cell]) => cell)])
  })
})
