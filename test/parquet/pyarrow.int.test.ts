import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import type { ColumnField, ColumnType } from '../../src/domain/column-batch.ts'
import { writeParquet } from '../../src/parquet/write-parquet.ts'
import { findPython } from '../services/python.ts'
import { batchOf } from './build-columns.ts'
import type { Cell } from './build-columns.ts'
import { randomTable } from './random-columns.ts'

const found = await findPython()
const folder = await mkdtemp(join(tmpdir(), 'sluice-pyarrow-'))
after(() => rm(folder, { recursive: true }))

/** Every value as text, so that JSON loses nothing: unscaled decimals, microseconds, days, floats by their bits. */
const READ = `
import json, struct, sys, datetime, decimal
import pyarrow as pa, pyarrow.parquet as pq
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
decimal.getcontext().prec = 60
def cell(t, v):
    if v is None: return None
    if pa.types.is_struct(t): return [[f.name, cell(f.type, v[f.name])] for f in t]
    if pa.types.is_map(t): return [[k, cell(t.item_type, x)] for k, x in sorted(v)]
    if pa.types.is_list(t): return [cell(t.value_type, x) for x in v]
    if pa.types.is_boolean(t): return v
    if pa.types.is_decimal(t): return str(int(v.scaleb(t.scale)))
    if pa.types.is_float32(t) or pa.types.is_float64(t): return 'nan' if v != v else struct.pack('>d', v).hex()
    if pa.types.is_binary(t): return v.hex()
    if pa.types.is_date(t): return str((v - EPOCH.date()).days)
    if pa.types.is_timestamp(t):
        d = v - EPOCH
        return str((d.days * 86400 + d.seconds) * 1000000 + d.microseconds)
    return str(v)
out = []
for path in sys.argv[1:]:
    table = pq.read_table(path)
    rows = [[cell(f.type, v) for v in table.column(f.name).to_pylist()] for f in table.schema]
    out.append({'schema': [[f.name, str(f.type), f.nullable] for f in table.schema], 'rows': table.num_rows, 'columns': rows})
    pq.ParquetFile(path, page_checksum_verification=True).read()
print(json.dumps(out))
`

interface Read {
  readonly schema: readonly (readonly [string, string, boolean])[]
  readonly rows: number
  readonly columns: readonly (readonly unknown[])[]
}

function expected(type: ColumnType, cell: Cell): unknown {
  if (cell === null) return null
  switch (type.kind) {
    case 'boolean':
      return cell
    case 'float32':
    case 'float64': {
      if (Number.isNaN(cell)) return 'nan'
      const bytes = Buffer.alloc(8)
      bytes.writeDoubleBE(cell as number)
      return bytes.toString('hex')
    }
    case 'binary':
      return Buffer.from(cell as Uint8Array).toString('hex')
    case 'list':
      return (cell as readonly Cell[]).map((inner) => expected(type.element, inner))
    case 'map': {
      const pairs = [...(cell as ReadonlyMap<string, Cell>)]
      const byCodePoint = pairs.toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      return byCodePoint.map(([key, inner]) => [key, expected(type.value, inner)])
    }
    case 'struct':
      return type.fields.map((field) => [
        field.name,
        expected(field.type, (cell as { readonly [name: string]: Cell })[field.name]!),
      ])
    default:
      return (cell as string | number | bigint).toString()
  }
}

describe('pyarrow reads our files', { skip: found.skip }, () => {
  test('of any columns and rows, value for value', async () => {
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
        fields.map(({ type }, c) => rows.map((row) => expected(type, row[c]!))),
        `table ${i}`,
      )
    }
  })

  test('with the types that Delta names', async () => {
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
