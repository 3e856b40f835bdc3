import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { ColumnField, ColumnType } from '../../src/domain/column-batch.ts'
import { readParquetColumns } from './whole-file.ts'
import { writeParquet } from '../../src/parquet/write-parquet.ts'
import { batchOf } from './build-columns.ts'
import type { Cell } from './build-columns.ts'
import { scratchDuck } from './scratch-duck.ts'

const duck = scratchDuck()

/** Writes one column, reads it through DuckDB and our reader, and gives the encodings that DuckDB saw. */
async function roundTrip(type: ColumnType, cells: readonly Cell[], options = {}): Promise<string> {
  const fields: ColumnField[] = [{ name: 'n', type, nullable: true }]
  const rows = cells.map((cell) => [cell])
  const { bytes } = writeParquet({ fields, batches: [batchOf(fields, rows)], ...options })
  const read = await readParquetColumns({ source: bytes, name: 'test' })
  assert.deepEqual(read.columns[0], cells)
  const path = await duck.put(bytes)
  assert.deepEqual(await duck.rows(`select n from read_parquet('${path}')`), rows)
  const encodings = await duck.rows(`select encodings from parquet_metadata('${path}')`)
  return encodings.map(([used]) => used as string).join(' ')
}

describe('integers are packed where their steps are small', () => {
  const INT64: ColumnType = { kind: 'int64' }
  const range = (count: number, value: (i: number) => Cell): Cell[] => Array.from({ length: count }, (_, i) => value(i))

  test('times, offsets, amounts and small numbers, with nulls, on any number of pages', async () => {
    const cases: [string, ColumnType, (i: number) => Cell][] = [
      ['offsets', INT64, (i) => BigInt(i)],
      ['falling', INT64, (i) => BigInt(-i * 3)],
      ['times', { kind: 'timestamp' }, (i) => 1_700_000_000_000_000n + BigInt(i * 37_000 + ((i * 7919) % 9000))],
      ['amounts', { kind: 'decimal', precision: 12, scale: 2 }, (i) => BigInt((i * 7919) % 100_000)],
      ['narrow', { kind: 'decimal', precision: 9, scale: 2 }, (i) => BigInt(((i * 7919) % 2000) - 1000)],
      ['quantities', { kind: 'int32' }, (i) => ((i * 7919) % 10) - 5],
      ['days', { kind: 'date' }, (i) => 20_000 + (i % 31)],
    ]
    for (const [name, type, value] of cases) {
      for (const count of [64, 65, 128, 129, 161, 1000, 3000]) {
        const cells = range(count, (i) => (i % 11 === 0 && count > 500 ? null : value(i)))
        const used = await roundTrip(type, cells, count === 3000 ? { pageBytes: 2000, rowGroupRows: 1100 } : {})
        assert.match(used, /DELTA_BINARY_PACKED/, `${name} ${count}`)
      }
    }
  })

  test('steps of any width, whatever the sign, and what does not fit stays plain', async () => {
    const bits = fc.integer({ min: 0, max: 63 })
    await fc.assert(
      fc.asyncProperty(
        bits,
        bits,
        fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { minLength: 64, maxLength: 200 }),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        async (width, baseWidth, steps, base) => {
          const start = BigInt.asIntN(baseWidth + 1, base)
          const cells = steps.map((step) => BigInt.asIntN(64, start + BigInt.asIntN(width + 1, step)))
          await roundTrip(INT64, cells)
          const narrow = cells.map((cell) => Number(BigInt.asIntN(32, cell)))
          await roundTrip({ kind: 'int32' }, narrow)
        },
      ),
      { numRuns: 150 },
    )
  })

  test('at the borders of what doubles hold', async () => {
    for (const edge of [2n ** 51n, 2n ** 52n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 52n), -(2n ** 63n)]) {
      for (const step of [1n, 2n ** 31n, 2n ** 32n + 1n, 2n ** 50n]) {
        const cells = range(100, (i) => BigInt.asIntN(64, edge + (i % 2 === 0 ? -step : step) * BigInt(i % 3)))
        await roundTrip(INT64, cells)
      }
    }
    const ends = range(100, (i) => (i % 2 === 0 ? 2 ** 31 - 1 : -(2 ** 31)))
    assert.doesNotMatch(await roundTrip({ kind: 'int32' }, ends), /DELTA/)
  })

  test('blocks that need 32 bits and blocks that need more, in turn, over the borders of a half', async () => {
    const borders = [0n, 2n ** 31n, 2n ** 32n, 3n * 2n ** 32n, -(2n ** 32n)]
    for (const border of borders) {
      for (const far of [2n ** 31n - 1n, 2n ** 31n, 2n ** 32n, 2n ** 40n]) {
        // Every other block steps far; those between creep over the border.
        const cells = range(
          700,
          (i) => border + BigInt(i % 100) - 50n + (Math.floor(i / 128) % 2 === 1 && i % 3 === 0 ? far : 0n),
        )
        assert.match(await roundTrip(INT64, cells), /DELTA/)
      }
    }
    const ints = range(700, (i) => (i % 256 < 128 ? i : i % 2 === 0 ? 2 ** 30 : -(2 ** 30) + 1))
    await roundTrip({ kind: 'int32' }, ints)
  })

  test('random integers are not, for it would not pay', async () => {
    const cells = range(500, (i) => BigInt.asIntN(64, BigInt(i + 1) * 0x9e3779b97f4a7c15n))
    assert.doesNotMatch(await roundTrip(INT64, cells), /DELTA/)
  })
})
