import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import type { ColumnField, ColumnType } from '../../src/domain/column-batch.ts'
import { writeParquet } from '../../src/parquet/write-parquet.ts'
import { ARROW_CELLS, arrowCell } from '../services/arrow-cells.ts'
import { findPython } from '../services/python.ts'
import { batchOf } from './build-columns.ts'
import { randomTable } from './random-columns.ts'

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

describe('pyarrow reads our files', () => {
  test('of any columns and rows, value for value', { skip: found.skip }, async () => {
    assert.ok(found.skip === false)
    const tables = fc.sample(randomTable, { numRuns: 80, seed: 20_261_101 })
    const paths: string[] = []
    for (const [i, { fields, rows }] of tables.entries()) {
      const path = join(folder, `${i}.parquet`)
      const sizes = i % 2 === 0 ? {} : { rowGroupRows: 7, pageBytes: 50 }
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
})
