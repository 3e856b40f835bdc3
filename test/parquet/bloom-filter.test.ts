import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ColumnField, ColumnType } from '../../src/domain/column-batch.ts'
import { xxhash64 } from '../../src/parquet/encode/bloom/xxhash64.ts'
import { writeParquet } from '../../src/parquet/write-parquet.ts'
import { batchOf, repeated } from './build-columns.ts'
import type { Cell } from './build-columns.ts'
import { openDuck } from './duckdb-cells.ts'
import type { Duck } from './duckdb-cells.ts'

let duck: Duck
let folder: string
before(async () => {
  duck = await openDuck()
  folder = await mkdtemp(join(tmpdir(), 'sluice-bloom-'))
})
after(async () => {
  duck.close()
  await rm(folder, { recursive: true })
})

const field = (name: string, type: ColumnType, nullable = true): ColumnField => ({ name, type, nullable })

async function written(fields: readonly ColumnField[], rows: readonly (readonly Cell[])[], options = {}) {
  const path = join(folder, 'bloom.parquet')
  const plain = batchOf(fields, rows)
  const batches = [plain, { ...plain, columns: plain.columns.map(repeated) }]
  const { bytes } = writeParquet({ fields, batches, ...options })
  await writeFile(path, bytes)
  return path
}

/** Whether DuckDB's reader rules every row group out for each of the values. */
async function excluded(path: string, column: string, values: readonly string[]): Promise<boolean[]> {
  const out: boolean[] = []
  for (const value of values) {
    const rows = await duck.rows(
      `select bloom_filter_excludes from parquet_bloom_probe('${path}', '${column}', ${value})`,
    )
    assert.ok(rows.length > 0)
    out.push(rows.every(([excludes]) => excludes === true))
  }
  return out
}

test('XXH64 gives the sums that its authors state', () => {
  const out = new Int32Array(2)
  const sum = (text: string): string => {
    const bytes = Buffer.from(text)
    xxhash64(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length, out)
    return [...out].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('')
  }
  assert.equal(sum(''), 'ef46db3751d8e999')
  assert.equal(sum('a'), 'd24ec4f1a98c6e5b')
  assert.equal(sum('abc'), '44bc2cf5ad770999')
  assert.equal(sum('Nobody inspects the spammish repetition'), 'fbcea83c8a378bf1')
})

describe('a Bloom filter that was asked for', () => {
  const fields = [
    field('s', { kind: 'string' }),
    field('l', { kind: 'int64' }),
    field('i', { kind: 'int32' }, false),
    field('f', { kind: 'float64' }),
  ]
  const rows = Array.from({ length: 6000 }, (_, k): Cell[] => [
    k % 5 === 0 ? null : `key ${k * 2} ${'x'.repeat(k % 70)}`,
    BigInt(k * 2) * 1_000_000_007n,
    k * 2,
    k % 7 === 0 ? null : k / 2,
  ])
  const ask = { bloomFilters: ['s', 'l', 'i', 'f'], rowGroupRows: 3000 }

  test('keeps every value that is there and rules out nearly all that are not, as DuckDB reads it', async () => {
    const path = await written(fields, rows, ask)
    const some = [1, 2, 43, 1999, 5998]
    const there = {
      s: some.map((k) => `'key ${k * 2} ${'x'.repeat(k % 70)}'`),
      l: some.map((k) => `${BigInt(k * 2) * 1_000_000_007n}::bigint`),
      i: some.map((k) => `${k * 2}::integer`),
      f: some.map((k) => `${k / 2}::double`),
    }
    for (const [column, values] of Object.entries(there)) {
      assert.deepEqual(
        await excluded(path, column, values),
        values.map(() => false),
        column,
      )
    }
    const odd = Array.from({ length: 200 }, (_, k) => k * 2 + 1)
    const absent = {
      s: odd.map((k) => `'key ${k} ${'x'.repeat(k % 70)}'`),
      l: odd.map((k) => `${BigInt(k) * 1_000_000_007n}::bigint`),
      i: odd.map((k) => `${k}::integer`),
      f: odd.map((k) => `${k / 4}::double`),
    }
    for (const [column, values] of Object.entries(absent)) {
      const ruledOut = (await excluded(path, column, values)).filter(Boolean).length
      assert.ok(ruledOut >= 180, `${column}: ${ruledOut} of ${values.length}`)
    }
    for (const value of [2, 43]) {
      const found = await duck.rows(`select count(*) from read_parquet('${path}') where i = ${value * 2}`)
      assert.deepEqual(found, [[2n]])
    }
  })

  test('is no larger than its values need, and absent where nobody asked', async () => {
    const path = await written(fields, rows.slice(0, 50), { bloomFilters: ['s'] })
    const sizes = await duck.rows(`select path_in_schema, bloom_filter_length from parquet_metadata('${path}')`)
    const bytes = new Map(sizes.map(([name, size]) => [name, size === null ? null : Number(size)]))
    assert.ok(bytes.get('s')! > 16 && bytes.get('s')! <= 256, String(bytes.get('s')))
    assert.deepEqual([bytes.get('l'), bytes.get('i'), bytes.get('f')], [null, null, null])
  })

  test('inside a list is asked for by its path; a path that is not there is a bug', async () => {
    const list = [field('tags', { kind: 'list', element: { kind: 'string' }, elementNullable: true })]
    const path = await written(list, [[['a', null, 'b']], [null], [[]]], { bloomFilters: ['tags.list.element'] })
    const [[size]] = (await duck.rows(`select bloom_filter_length from parquet_metadata('${path}')`)) as [[bigint]]
    assert.ok(Number(size) > 0)
    assert.throws(() => writeParquet({ fields: list, batches: [], bloomFilters: ['tags'] }), /no column tags/)
  })
})
