import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { ColumnField } from '../../src/domain/column-batch.ts'
import { writeParquet } from '../../src/parquet/write-parquet.ts'
import { batchOf } from './build-columns.ts'
import type { Cell } from './build-columns.ts'
import { scratchDuck } from './scratch-duck.ts'
import { readParquetColumns } from './whole-file.ts'

const duck = scratchDuck()

describe('nulls read back where they were', () => {
  const fields: ColumnField[] = [
    { name: 'n', type: { kind: 'int32' }, nullable: true },
    { name: 'l', type: { kind: 'list', element: { kind: 'int32' }, elementNullable: true }, nullable: true },
  ]

  test('runs of nulls and values of any length, over batches, pages and row groups', async () => {
    const length = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 10, max: 70 }))
    const borders = fc.record({ cut: fc.nat(400), pageBytes: fc.integer({ min: 40, max: 4000 }) })
    await fc.assert(
      fc.asyncProperty(fc.array(length, { maxLength: 30 }), fc.boolean(), borders, async (runs, first, limits) => {
        const present = runs.flatMap((size, i) => Array.from({ length: size }, () => (i % 2 === 0) === first))
        const rows = present.map((is, i): Cell[] => (is ? [i, [i]] : [null, null]))
        const cut = Math.min(limits.cut, rows.length)
        const batches = [batchOf(fields, rows.slice(0, cut)), batchOf(fields, rows.slice(cut))]
        const { bytes } = writeParquet({ fields, batches, pageBytes: limits.pageBytes, rowGroupRows: 300 })
        const read = await readParquetColumns({ source: bytes, name: 'test' })
        assert.deepEqual(
          read.columns[0],
          rows.map(([n]) => n),
        )
        assert.deepEqual(
          read.columns[1],
          rows.map(([, l]) => l),
        )
        const path = await duck.put(bytes)
        assert.deepEqual(await duck.rows(`select n, l from read_parquet('${path}')`), rows)
      }),
      { numRuns: 150 },
    )
  })
})
