import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import type { ColumnField, ColumnType } from '../../src/domain/column-batch.ts'
import { readParquetColumns } from './whole-file.ts'
import { writeParquet } from '../../src/parquet/write-parquet.ts'
import { ARROW_CELLS, arrowCell } from '../services/arrow-cells.ts'
import { findPython } from '../services/python.ts'
import { batchOf } from './build-columns.ts'
import type { Cell } from './build-columns.ts'
import { randomTable } from './random-columns.ts'
import type { RandomTable } from './random-columns.ts'

const found = await findPython()
const folder = await mkdtemp(join(tmpdir(), 'sluice-pyarrow-'))
after(() => rm(folder, { recursive: true }))

const READ = `${ARROW_CELLS}
import pyarrow.parquet as pq
out = []
for path in sys.argv[1:]:
    table = pq.ParquetFile(path, page_checksum_verification=True).read()
    schema = [[f.name, str(f.type), f.nullable] for f in table.schema]
    out.append({'schema': schema, 'rows': table.num_rows, 'columns': columns(table)})
print(json.dumps(out))
`

interface Read {
  readonly schema: readonly (readonly [string, string, boolean])[]
  readonly rows: number
  readonly columns: readonly (readonly unknown[])[]
}

/** Enough that do not repeat for them to be packed: on one page, and on many of a small file. */
function texts(): RandomTable {
  const list: ColumnType = { kind: 'list', element: { kind: 'string' }, elementNullable: true }
  const kinds: ColumnType[] = [{ kind: 'string' }, { kind: 'binary' }, list]
  const fields = kinds.map((type, i): ColumnField => ({ name: `t${i}`, type, nullable: true }))
  const rows = Array.from({ length: 5000 }, (_, i): Cell[] => {
    const text = i % 9 === 0 ? null : `${i} — ${'é'.repeat((i * 7919) % 40)}`
    return [text, Buffer.from(`${i * 31}`), i % 5 === 0 ? null : [text, `${i}`]]
  })
  return { fields, rows }
}

describe('pyarrow reads our files', () => {
  test('of any columns and rows, value for value', { skip: found.skip }, async () => {
    assert.ok(found.skip === false)
    const tables = [...fc.sample(randomTable, { numRuns: 80, seed: 20_261_101 }), texts(), texts()]
    const paths: string[] = []
    for (const [i, { fields, rows }] of tables.entries()) {
      const path = join(folder, `${i}.parquet`)
      const sizes = i % 2 === 0 ? {} : rows.length < 1000 ? { rowGroupRows: 7, pageBytes: 50 } : { pageBytes: 2000 }
      await writeFile(path, writeParquet({ fields, batches: [batchOf(fields, rows)], ...sizes }).bytes)
      paths.push(path)
    }
    const reads = (await found.python.json(READ, ...paths)) as Read[]
    for (const [i, { fields, rows }] of tables.entries()) {
      const read = reads[i]!
      assert.equal(read.rows, rows.length)
      assert.deepEqual(
        read.columns,
        fields.map(({ type }, c) => rows.map((row) => arrowCell(type, row[c]!))),
        `table ${i}`,
      )
    }
  })

  test('with the types that Delta names', { skip: found.skip }, async () => {
    assert.ok(found.skip === false)
    const types: ColumnType[] = [
      { kind: 'boolean' },
      { kind: 'int32' },
      { kind: 'int64' },
      { kind: 'float32' },
      { kind: 'float64' },
      { kind: 'decimal', precision: 12, scale: 3 },
      { kind: 'decimal', precision: 38, scale: 10 },
      { kind: 'string' },
      { kind: 'binary' },
      { kind: 'date' },
      { kind: 'timestamp' },
      { kind: 'list', element: { kind: 'int64' }, elementNullable: true },
      { kind: 'map', value: { kind: 'float64' }, valueNullable: true },
      { kind: 'struct', fields: [{ name: 'a', type: { kind: 'string' }, nullable: false }] },
    ]
    const fields = types.map((type, i): ColumnField => ({ name: `c${i}`, type, nullable: i % 2 === 0 }))
    const path = join(folder, 'types.parquet')
    await writeFile(path, writeParquet({ fields, batches: [] }).bytes)
    const [read] = (await found.python.json(READ, path)) as Read[]
    assert.deepEqual(
      // Some versions name the column inside a map's type.
      read!.schema.map(([, type, nullable]) => `${type.replace(/ \('.*'\)/, '')} ${nullable}`),
      [
        'bool true',
        'int32 false',
        'int64 true',
        'float false',
        'double true',
        'decimal128(12, 3) false',
        'decimal128(38, 10) true',
        'string false',
        'binary true',
        'date32[day] false',
        'timestamp[us, tz=UTC] true',
        'list<element: int64> false',
        'map<string, double> true',
        'struct<a: string not null> false',
      ],
    )
  })

  test(
    'and writes files that we read, value for value: every encoding, both page versions, each codec, INT96 times',
    { skip: found.skip },
    async () => {
      assert.ok(found.skip === false)
      const tables = fc.sample(randomTable, { numRuns: 60, seed: 20_261_128 }).filter(({ rows }) => rows.length > 0)
      tables.push(...REWRITES.map(() => steps()))
      const jobs: { readonly from: string; readonly to: string; readonly how: object }[] = []
      for (const [i, { fields, rows }] of tables.entries()) {
        const from = join(folder, `own-${i}.parquet`)
        await writeFile(from, writeParquet({ fields, batches: [batchOf(fields, rows)] }).bytes)
        jobs.push({ from, to: join(folder, `rewritten-${i}.parquet`), how: REWRITES[i % REWRITES.length]! })
      }
      const jobFile = join(folder, 'jobs.json')
      await writeFile(jobFile, JSON.stringify(jobs))
      const encodings = (await found.python.json(REWRITE, jobFile)) as string[]
      for (const [i, { fields, rows }] of tables.entries()) {
        const { columns } = await readParquetColumns({ source: await readFile(jobs[i]!.to), name: jobs[i]!.to })
        assert.deepEqual(
          columns.map((cells, c) => cells.map((cell) => arrowCell(fields[c]!.type, cell as Cell))),
          fields.map(({ type }, c) => rows.map((row) => arrowCell(type, row[c]!))),
          `table ${i} as ${JSON.stringify(jobs[i]!.how)}`,
        )
      }
      const known = ['PLAIN', 'RLE', 'RLE_DICTIONARY', 'DELTA_BINARY_PACKED', 'DELTA_LENGTH_BYTE_ARRAY']
      for (const encoding of [...known, 'DELTA_BYTE_ARRAY', 'BYTE_STREAM_SPLIT']) {
        assert.ok(encodings.includes(encoding), `${encoding} was never written`)
      }
    },
  )
})

/** Writer options of pyarrow. `encoding` names an encoding by physical type, which turns dictionaries off. */
const REWRITES = [
  { compression: 'snappy', data_page_version: '1.0' },
  { compression: 'zstd', data_page_version: '2.0', use_dictionary: false },
  { compression: 'gzip', data_page_version: '1.0', use_deprecated_int96_timestamps: true, data_page_size: 100 },
  { compression: 'lz4', data_page_version: '2.0', data_page_size: 100, row_group_size: 13 },
  { compression: 'brotli', data_page_version: '1.0', use_dictionary: false, store_decimal_as_integer: true },
  {
    compression: 'none',
    data_page_version: '2.0',
    encoding: {
      int32: 'DELTA_BINARY_PACKED',
      int64: 'DELTA_BINARY_PACKED',
      binary: 'DELTA_BYTE_ARRAY',
      float: 'BYTE_STREAM_SPLIT',
      double: 'BYTE_STREAM_SPLIT',
    },
  },
  {
    compression: 'zstd',
    data_page_version: '1.0',
    data_page_size: 100,
    encoding: {
      int32: 'BYTE_STREAM_SPLIT',
      int64: 'BYTE_STREAM_SPLIT',
      binary: 'DELTA_LENGTH_BYTE_ARRAY',
      fixed: 'BYTE_STREAM_SPLIT',
      boolean: 'RLE',
    },
  },
]

/** Long enough for several blocks of deltas. */
function steps(): RandomTable {
  const fields: ColumnField[] = [
    { name: 'l', type: { kind: 'int64' }, nullable: true },
    { name: 'i', type: { kind: 'int32' }, nullable: false },
    { name: 's', type: { kind: 'string' }, nullable: true },
    { name: 'f', type: { kind: 'float64' }, nullable: false },
  ]
  const rows = Array.from({ length: 3000 }, (_, i): Cell[] => [
    i % 11 === 0 ? null : BigInt(i * i) * (i % 2 === 0 ? -1_000_003n : 999_983n) * 1_000_000n,
    (i * 7919) % 100_000,
    i % 7 === 0 ? null : `prefix that is shared ${i >> 3} ${i}`,
    i / 7,
  ])
  return { fields, rows }
}

const REWRITE = `
import json, sys
import pyarrow as pa, pyarrow.parquet as pq
KIND = {'BOOLEAN': 'boolean', 'INT32': 'int32', 'INT64': 'int64', 'FLOAT': 'float', 'DOUBLE': 'double', 'BYTE_ARRAY': 'binary', 'FIXED_LEN_BYTE_ARRAY': 'fixed'}
seen = set()
for job in json.load(open(sys.argv[1])):
    source = pq.ParquetFile(job['from'])
    how = dict(job['how'])
    encoding = how.pop('encoding', None)
    if encoding is not None:
        schema = source.schema
        leaves = [schema.column(i) for i in range(len(schema))]
        how['column_encoding'] = {c.path: encoding[KIND[c.physical_type]] for c in leaves if KIND[c.physical_type] in encoding}
        how.update(use_dictionary=False, store_decimal_as_integer=True)
    pq.write_table(source.read(), job['to'], **how)
    meta = pq.ParquetFile(job['to']).metadata
    for g in range(meta.num_row_groups):
        for c in range(meta.num_columns): seen.update(meta.row_group(g).column(c).encodings)
print(json.dumps(sorted(seen)))
`
