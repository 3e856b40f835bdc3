import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import type { ColumnField, ColumnType } from '../../src/domain/column-batch.ts'
import { readParquetColumns } from './whole-file.ts'
import { writeParquet } from '../../src/parquet/write-parquet.ts'
import type { ParquetOptions } from '../../src/parquet/write-parquet.ts'
import { ARROW_CELLS, arrowCell } from '../services/arrow-cells.ts'
import { findSpark, SPARK_SESSION } from '../services/spark.ts'
import { batchOf, repeated } from './build-columns.ts'
import type { Cell } from './build-columns.ts'
import { randomTable } from './random-columns.ts'
import type { RandomTable } from './random-columns.ts'

/** Spark 4 reads what we write and we read what it writes, in one session. */

const found = await findSpark()
const SEED = 20_261_128

const SCRIPT = `${ARROW_CELLS}
${SPARK_SESSION}
job = json.load(open(sys.argv[1]))
out = {'read': [], 'asked': []}
for i, path in enumerate(job['read']):
    frame = spark.read.parquet(path)
    out['read'].append(columns(frame.toArrow()))
    how = job['writes'][i % len(job['writes'])]
    spark.conf.set('spark.sql.parquet.outputTimestampType', how['times'])
    writer = frame.coalesce(1).write.option('compression', how['codec']).option('parquet.writer.version', how['version'])
    writer.option('parquet.page.size', '200').option('parquet.page.size.row.check.min', '1').parquet(job['rewritten'][i])
for reader, paths in [('true', job['orders']), ('false', job['orders'][1:])]:
    spark.conf.set('spark.sql.parquet.enableVectorizedReader', reader)
    for path in paths:
        spark.read.parquet(path).createOrReplaceTempView('orders')
        out['asked'].append([[str(value) for value in spark.sql(question).first()] for question in job['questions']])
spark.stop()
print(json.dumps(out))
`

const WRITES = [
  { codec: 'zstd', version: 'v1', times: 'TIMESTAMP_MICROS' },
  { codec: 'snappy', version: 'v1', times: 'INT96' },
  { codec: 'gzip', version: 'v2', times: 'TIMESTAMP_MICROS' },
  { codec: 'lz4_raw', version: 'v2', times: 'INT96' },
  { codec: 'none', version: 'v2', times: 'TIMESTAMP_MICROS' },
]

const ORDERS: ColumnField[] = [
  { name: 'id', type: { kind: 'int64' }, nullable: false },
  { name: 'key', type: { kind: 'string' }, nullable: true },
  { name: 'kind', type: { kind: 'string' }, nullable: true },
  { name: 'price', type: { kind: 'decimal', precision: 12, scale: 2 }, nullable: true },
  { name: 'at', type: { kind: 'timestamp' }, nullable: true },
  { name: 'tags', type: { kind: 'list', element: { kind: 'string' }, elementNullable: true }, nullable: true },
]
const ORDER_ROWS = 30_000
const START = 1_700_000_000_000_000n

const orderRow = (i: number): Cell[] => [
  BigInt(i),
  i % 10 === 0 ? null : `key-${(i * 7919) % ORDER_ROWS}`,
  `kind ${i % 7}`,
  i % 13 === 0 ? null : BigInt(i * 3),
  START + BigInt(i) * 1_000_001n,
  i % 3 === 0 ? null : [`t${i % 5}`, null],
]

/** Each with its answer by the formula above. */
const QUESTIONS: readonly (readonly [sql: string, answer: (rows: readonly (readonly Cell[])[]) => unknown[]])[] = [
  [
    'select count(*), count(key), count(price), count(tags) from orders',
    (rows) => [rows.length, ...[1, 3, 5].map((c) => rows.filter((row) => row[c] !== null).length)],
  ],
  ['select count(*), sum(id) from orders where id between 12345 and 12360', () => [16, (12345 + 12360) * 8]],
  [`select count(*), max(id) from orders where key = 'key-${(4321 * 7919) % ORDER_ROWS}'`, () => [1, 4321]],
  [`select count(*) from orders where key = 'key-nowhere'`, () => [0]],
  [
    `select count(*), min(id) from orders where kind = 'kind 3' and id > 20000`,
    (rows) => {
      const ids = rows.map(([id]) => Number(id)).filter((id) => id % 7 === 3 && id > 20_000)
      return [ids.length, Math.min(...ids)]
    },
  ],
  [
    'select count(*) from orders where price >= 899.10',
    (rows) => [rows.filter((row) => row[3] !== null && (row[3] as bigint) >= 89_910n).length],
  ],
  [`select count(*) from orders where at >= timestamp_micros(${START + 29_990n * 1_000_001n})`, () => [10]],
  ['select count(*) from orders where key is null and id < 1000', () => [100]],
]

interface Answer {
  readonly read: readonly (readonly (readonly unknown[])[])[]
  readonly asked: readonly (readonly (readonly string[])[])[]
}

describe('Spark 4.0', { skip: found.skip }, () => {
  const tables: RandomTable[] = fc.sample(randomTable, { numRuns: 8, seed: SEED }).filter(({ rows }) => rows.length > 0)
  const everyType = tableOfEveryType()
  let folder: string
  let answer: Answer
  let rewritten: string[]

  before(async () => {
    assert.ok(found.skip === false)
    folder = await mkdtemp(join(tmpdir(), 'sluice-spark-'))
    tables.push(everyType, everyType)
    const read: string[] = []
    for (const [i, { fields, rows }] of tables.entries()) {
      const plain = batchOf(fields, rows)
      const batch = i % 2 === 0 ? plain : { ...plain, columns: plain.columns.map(repeated) }
      const sizes = i % 3 === 0 ? {} : { rowGroupRows: 17, pageBytes: 60 }
      const codec = (['zstd', 'snappy', 'none'] as const)[i % 3]!
      read.push(await put(`${i}.parquet`, { fields, codec, ...sizes }, [batch]))
    }
    const rows = Array.from({ length: ORDER_ROWS }, (_, i) => orderRow(i))
    const batches = [0, 10_000, 20_000].map((start) => batchOf(ORDERS, rows.slice(start, start + 10_000)))
    const sizes = { fields: ORDERS, pageBytes: 4000, rowGroupRows: 12_000 }
    const orders = [
      await put('orders.parquet', sizes, batches),
      await put('orders-bloom.parquet', { ...sizes, bloomFilters: ['key', 'id'], codec: 'snappy' }, batches),
    ]
    rewritten = read.map((_, i) => join(folder, `rewritten-${i}`))
    const job = { read, rewritten, writes: WRITES, orders, questions: QUESTIONS.map(([sql]) => sql) }
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'job.json'), JSON.stringify(job))
    answer = (await found.python.json(SCRIPT, join(folder, 'job.json'))) as Answer
  })
  after(() => rm(folder, { recursive: true, force: true }))

  async function put(
    name: string,
    options: ParquetOptions,
    batches: Parameters<typeof writeParquet>[0]['batches'],
  ): Promise<string> {
    const path = join(folder, name)
    await writeFile(path, writeParquet({ ...options, batches }).bytes)
    return path
  }

  test(`reads our files of any columns and rows, value for value (seed ${SEED})`, () => {
    for (const [i, { fields, rows }] of tables.entries()) {
      assert.deepEqual(answer.read[i], cellsOf(fields, rows), `table ${i}`)
    }
  })

  test('finds rows through our statistics, page index and Bloom filters, by either of its readers', () => {
    const rows = Array.from({ length: ORDER_ROWS }, (_, i) => orderRow(i))
    const expected = QUESTIONS.map(([, rightly]) => rightly(rows).map(String))
    assert.equal(answer.asked.length, 3)
    for (const answers of answer.asked) assert.deepEqual(answers, expected)
  })

  test('writes files that we read, value for value: each codec, both page versions, INT96 times', async () => {
    for (const [i, { fields, rows }] of tables.entries()) {
      const names = (await readdir(rewritten[i]!)).filter((name) => name.endsWith('.parquet'))
      assert.equal(names.length, 1)
      const source = await readFile(join(rewritten[i]!, names[0]!))
      const { columns } = await readParquetColumns({ source, name: names[0]! })
      const seen = columns.map((cells, c) => cells.map((cell) => arrowCell(fields[c]!.type, cell as Cell)))
      assert.deepEqual(seen, cellsOf(fields, rows), `table ${i} ${JSON.stringify(WRITES[i % WRITES.length])}`)
    }
  })
})

function cellsOf(fields: readonly ColumnField[], rows: readonly (readonly Cell[])[]): unknown[][] {
  return fields.map(({ type }, c) => rows.map((row) => arrowCell(type, row[c]!)))
}

function tableOfEveryType(): RandomTable {
  const types: ColumnType[] = [
    { kind: 'boolean' },
    { kind: 'int32' },
    { kind: 'int64' },
    { kind: 'float32' },
    { kind: 'float64' },
    ...[1, 9, 10, 18, 19, 38].map((precision): ColumnType => ({ kind: 'decimal', precision, scale: precision >> 1 })),
    { kind: 'string' },
    { kind: 'binary' },
    { kind: 'date' },
    { kind: 'timestamp' },
  ]
  const cell = (type: ColumnType, i: number): Cell => {
    switch (type.kind) {
      case 'boolean':
        return i % 3 === 0
      case 'int32':
        return i * 7 - 300
      case 'int64':
        return BigInt(i) * 1_000_003n
      case 'float32':
        return i / 4
      case 'float64':
        return i / 3
      case 'decimal':
        return (BigInt(i - 50) * 987_654_321_987_654_321_987_654_321n) % 10n ** BigInt(type.precision)
      case 'string':
        return i % 2 === 0 ? `ünï ${i}` : 'again'
      case 'binary':
        return Uint8Array.of(i % 256, 255, 0)
      case 'date':
        return 19_000 + (i % 400)
      default:
        return START + BigInt(i) * 37_001n
    }
  }
  const fields = types.map((type, i): ColumnField => ({ name: `c${i}`, type, nullable: i % 2 === 0 }))
  const rows = Array.from({ length: 300 }, (_, i) =>
    fields.map(({ type, nullable }, c) => (nullable && (i + c) % 5 === 0 ? null : cell(type, i))),
  )
  return { fields, rows }
}
