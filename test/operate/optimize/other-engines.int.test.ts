import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import type { ColumnField, ColumnType } from '../../../src/domain/column-batch.ts'
import { openSnapshot } from '../../../src/lake/snapshot.ts'
import { optimizeTable } from '../../../src/operate/optimize/optimize-table.ts'
import type { Cell } from '../../parquet/build-columns.ts'
import { ARROW_CELLS, arrowCell } from '../../services/arrow-cells.ts'
import { findPython } from '../../services/python.ts'
import { findSpark, SPARK_SESSION } from '../../services/spark.ts'
import { rawRows } from '../../support/raw-delta.ts'
import { appendFiles, optimizeWorld, type Row, type TableShape } from './small-files.ts'

/** What deltalake, Spark and DuckDB read of a table after `optimize` is what was written before it. */

const field = (name: string, type: ColumnType): ColumnField => ({ name, type, nullable: true })
const EXACT: readonly ColumnField[] = [
  field('id', { kind: 'int64' }),
  field('small', { kind: 'int32' }),
  field('amount', { kind: 'decimal', precision: 12, scale: 3 }),
  field('wide', { kind: 'decimal', precision: 38, scale: 10 }),
  field('flag', { kind: 'boolean' }),
  field('kind', { kind: 'string' }),
  field('name', { kind: 'string' }),
  field('raw', { kind: 'binary' }),
  field('born', { kind: 'date' }),
  field('seen', { kind: 'timestamp' }),
  field('tags', { kind: 'list', element: { kind: 'string' }, elementNullable: true }),
  field('props', { kind: 'map', value: { kind: 'int64' }, valueNullable: true }),
  field('place', { kind: 'struct', fields: [field('street', { kind: 'string' }), field('at', { kind: 'timestamp' })] }),
]
/** Stored in another version of the format than a table without them. */
const FLOATS: readonly ColumnField[] = [field('ratio', { kind: 'float64' }), field('share', { kind: 'float32' })]

function cellsOf(id: number): Cell[] {
  const n = BigInt(id)
  if (id % 17 === 4) return [n, ...Array<null>(EXACT.length - 1).fill(null)]
  return [
    n,
    (id * 7919) % 100_000,
    n * 1001n - 7000n,
    (n - 3n) * 10n ** 30n + 1n,
    id % 2 === 0,
    `kind ${id % 5}`,
    `name ${id} ${'é'.repeat(id % 9)}`,
    Uint8Array.of(id % 256, 255, 0),
    (id % 4000) - 10,
    1_700_000_000_000_001n + n * 999n,
    id % 3 === 0 ? [] : [`t${id}`, null],
    new Map([
      ['k', n],
      ['none', null],
    ]),
    { street: id % 2 === 0 ? null : `s${id}`, at: 5n - n },
  ]
}

const ROWS = 3000
const exactRows = Array.from({ length: ROWS }, (_, id) => cellsOf(id))
const floatRows = exactRows.map((row, id) => [...row, id % 5 === 1 ? Number.NaN : id / 3, id % 4 === 0 ? -0 : id / 4])

interface Written {
  readonly name: string
  readonly shape: TableShape
  readonly rows: readonly Row[]
  readonly zorder: readonly string[]
}
const TABLES: readonly Written[] = [
  { name: 'packed', shape: { fields: EXACT }, rows: exactRows, zorder: [] },
  { name: 'floats', shape: { fields: [...EXACT, ...FLOATS] }, rows: floatRows, zorder: [] },
  { name: 'clustered', shape: { fields: EXACT }, rows: exactRows, zorder: ['small', 'kind', 'seen'] },
]

const python = await findPython()
const spark = await findSpark()

const READ = `${ARROW_CELLS}
import deltalake
table = deltalake.DeltaTable(sys.argv[1]).to_pyarrow_table().sort_by('id')
found = deltalake.DeltaTable(sys.argv[1]).to_pyarrow_table(filters=[('small', '=', 7919)])
print(json.dumps({'rows': columns(table), 'found': found.num_rows}))
`

const SPARK = `${ARROW_CELLS}
${SPARK_SESSION}
out = {}
for vectorized in ['true', 'false']:
    spark.conf.set('spark.sql.parquet.enableVectorizedReader', vectorized)
    for name, files in json.load(open(sys.argv[1])).items():
        frame = spark.read.parquet(*files)
        found = frame.filter("small = 7919 and kind = 'kind 1'").count()
        out[name + ' ' + vectorized] = {'rows': columns(frame.toArrow().sort_by('id')), 'found': found}
spark.stop()
print(json.dumps(out))
`

interface Seen {
  readonly rows: readonly (readonly unknown[])[]
  readonly found: number
}

function assertSeen({ rows, found }: Seen, { shape, rows: written }: Written, label: string): void {
  for (const [c, { name, type }] of shape.fields.entries()) {
    assert.deepEqual(
      rows[c],
      written.map((row) => arrowCell(type, row[c]!)),
      `${label}: ${name}`,
    )
  }
  assert.equal(found, 1, `${label}: a filter finds its row`)
}

describe('other engines read what optimize wrote', { concurrency: false }, () => {
  const places = new Map<string, { readonly uri: string; readonly files: readonly string[] }>()
  const closing: (() => unknown)[] = []
  after(async () => {
    for (const close of closing) await close()
  })
  before(async () => {
    const suite = { after: (close: () => unknown) => closing.push(close) } as unknown as TestContext
    const world = await optimizeWorld(suite, 60_000)
    for (const { name, shape, rows, zorder } of TABLES) {
      const store = world.lake.at(`silver/${name}`)
      const parts = Array.from({ length: 6 }, (_, i) => ({ rows: rows.slice((i * ROWS) / 6, ((i + 1) * ROWS) / 6) }))
      await appendFiles(store, shape, parts)
      const { outcome } = await optimizeTable(world, { table: `silver.${name}`, zorder })
      assert.equal(outcome, 'optimized')
      const { files } = (await openSnapshot(store))!
      places.set(name, { uri: store.uri, files: [...files.values()].map(({ path }) => join(store.uri, path)) })
    }
  })

  test('deltalake reads the same rows, and its filters find them', { skip: python.skip }, async () => {
    assert.ok(python.skip === false)
    for (const table of TABLES) {
      const seen = (await python.python.json(READ, places.get(table.name)!.uri)) as Seen
      assertSeen(seen, table, table.name)
    }
  })

  test('Spark reads the same rows by either of its readers', { skip: spark.skip }, async () => {
    assert.ok(spark.skip === false)
    const job = Object.fromEntries([...places].map(([name, { files }]) => [name, files]))
    const file = join(places.get('packed')!.uri, 'job.json')
    await writeFile(file, JSON.stringify(job))
    const out = (await spark.python.json(SPARK, file)) as Readonly<Record<string, Seen>>
    for (const table of TABLES)
      for (const vectorized of ['true', 'false']) {
        const label = `${table.name} ${vectorized}`
        assertSeen(out[label]!, table, label)
      }
  })

  test('DuckDB sums the same', async () => {
    for (const { name } of TABLES) {
      const sql =
        'select count(*)::int as n, sum(id)::varchar as ids, sum(amount)::varchar as amounts, count(distinct name)::int as names from rows'
      const [row] = await rawRows(places.get(name)!.uri, sql)
      const present = exactRows.filter((cells) => cells[2] !== null)
      const amounts = present.reduce((sum, cells) => sum + (cells[2] as bigint), 0n)
      assert.deepEqual(row, {
        n: ROWS,
        ids: String((ROWS * (ROWS - 1)) / 2),
        amounts: `${amounts / 1000n}.${String(amounts % 1000n).padStart(3, '0')}`,
        names: present.length,
      })
    }
  })
})
