import assert from 'node:assert/strict'
import { copyFile, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createFilesConnector } from '../../../../connectors/files/files-connector.ts'
import { createEncoder } from '../../../../src/contract/encode.ts'
import { inferContract } from '../../../../src/contract/infer/infer-contract.ts'
import type { SourceBatch, SourceConnector, SourceValue } from '../../../../src/ports/source-connector.ts'
import { testSourceConnector } from '../../../conformance/source-connector.ts'
import { openDuck, type Duck } from '../../../parquet/duckdb-cells.ts'

let duck: Duck
let folder: string
before(async () => {
  duck = await openDuck()
  folder = await mkdtemp(join(tmpdir(), 'sluice-parquet-files-'))
})
after(async () => {
  duck.close()
  await rm(folder, { recursive: true })
})

const ROWS = 5_000

testSourceConnector(
  'files (Parquet)',
  async () => {
    const own = await mkdtemp(join(tmpdir(), 'sluice-parquet-files-'))
    const database = await openDuck()
    const copy = (sql: string, name: string): Promise<void> =>
      database.run(`copy (${sql}) to '${join(own, name)}' (format parquet, row_group_size 2048)`)
    await copy(`select i::int as id, 'v' || i as v from range(${ROWS}) t(i)`, 'b.parquet')
    await copy('select 1 as id where false', 'empty.parquet')
    await writeFile(join(own, 'a.csv'), 'id,v\n1,x\n')
    database.close()
    return {
      open: () => createFilesConnector({ name: 'shop', options: { path: own } }),
      close: () => rm(own, { recursive: true }),
    }
  },
  {
    places: [
      { object: 'a.csv', rows: ['2'], refused: [] },
      { object: 'b.parquet', rows: Array.from({ length: ROWS }, (_, i) => String(i + 1)), refused: [] },
      { object: 'empty.parquet', rows: [], refused: [] },
    ],
  },
)

/** Every type, at its edges; the texts beside them are SQL's own. */
const TYPES = `
  select * from (values
    (true, 127::tinyint, (-2147483648)::int, 9223372036854775807::bigint, 1.5::float, 0.1::double,
     12345678901234567890123456789012345.678::decimal(38,3), (-0.05)::decimal(4,2), 'Zoë 🙂', 'ab'::blob,
     date '1969-12-31', timestamptz '1969-12-31 23:59:59.999999Z', timestamp '2024-02-29 12:00:00.000001',
     [1.10::decimal(6,2), null], {'a': 1, 'b': {'c': date '0001-01-01'}}, map {'k': timestamptz '2000-01-01 00:00:00Z'}),
    (null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null)
  ) t(flag, tiny, int_, big, single, double_, wide, narrow, text, bytes, day, instant, local_, list_, nested, map_)`

test('Parquet values are exact: decimals, dates and times as text with every digit, nested as lists and objects', async () => {
  const file = await write(TYPES, 'types.parquet')
  const { batches } = await read(file)
  const [row, empty] = batches.flatMap(({ rows }) => rows)
  assert.deepEqual(row!.values satisfies readonly SourceValue[], [
    true,
    127,
    -2_147_483_648,
    9_223_372_036_854_775_807n,
    1.5,
    0.1,
    '12345678901234567890123456789012345.678',
    '-0.05',
    'Zoë 🙂',
    new Uint8Array(Buffer.from('ab')),
    '1969-12-31',
    '1969-12-31T23:59:59.999999Z',
    '2024-02-29T12:00:00.000001Z',
    ['1.10', null],
    { a: 1, b: { c: '0001-01-01' } },
    { k: '2000-01-01T00:00:00Z' },
  ])
  assert.ok(empty!.values.every((value) => value === null))
  assert.deepEqual([...new Set(batches.map(({ textual }) => textual))], [false])
})

test('a contract drafted from Parquet has the types of the file, and every row can be written by it', async () => {
  const file = await write(TYPES, 'types.parquet')
  const connector = open(file)
  const { objects } = await connector.discover()
  const [object] = objects
  assert.deepEqual(
    object!.columns.map(({ type }) => type),
    [
      'boolean',
      'int',
      'int',
      'bigint',
      'float',
      'double',
      'decimal(38,3)',
      'decimal(4,2)',
      'string',
      'binary',
      'date',
      'timestamp',
      'timestamp',
      'list<decimal(6,2)>',
      'struct<a: int, b: struct<c: date>>',
      'map<string, timestamp>',
    ],
  )
  const draft = await inferContract({
    read: () => open(file).read(new Map()),
    subject: 'types-value',
    name: 'Types',
    maxRows: null,
    declared: object!.columns,
  })
  const types = new Map(draft.columns.map(({ name, type }) => [name, type]))
  assert.deepEqual(types.get('wide'), { type: 'bytes', logicalType: 'decimal', precision: 38, scale: 3 })
  assert.equal(types.get('big'), 'long')
  assert.equal(types.get('int_'), 'int')
  const encoder = createEncoder({
    subject: 'types-value',
    version: 1,
    id: 1,
    format: 'avro',
    text: JSON.stringify(draft.schema),
  })
  const { batches } = await read(file)
  for (const { columns, rows, textual } of batches) {
    for (const { values } of rows) assert.equal(encoder.encode(columns, values, textual).kind, 'encoded')
  }
})

test('a Parquet file is taken up in the middle, its row groups before that unread', async () => {
  const file = await write(`select i from range(${ROWS}) t(i)`, 'middle.parquet')
  const all = await read(file)
  const state = new Map(all.batches[1]!.progress as ReadonlyMap<string, string>)
  const rest = await read(file, state)
  assert.deepEqual(
    rest.batches.flatMap(({ rows }) => rows.map(({ at }) => at)),
    all.batches.slice(2).flatMap(({ rows }) => rows.map(({ at }) => at)),
  )
})

test('a Parquet file that is cut off, none at all, or other than it was stops the source by its name', async () => {
  const file = await write(`select i from range(${ROWS}) t(i)`, 'cut.parquet')
  await truncate(file, 5_000)
  await assert.rejects(read(file), { code: 'SOURCE_UNREADABLE', where: { source: 'shop', file: 'cut.parquet' } })
  const text = join(folder, 'text.parquet')
  await writeFile(text, 'id,v\n1,x\n'.repeat(10))
  await assert.rejects(read(text), { code: 'SOURCE_UNREADABLE', where: { source: 'shop', file: 'text.parquet' } })
  const other = await write('select 1 as i', 'other.parquet')
  const { batches } = await read(other)
  const state = new Map(batches.at(-1)!.progress as ReadonlyMap<string, string>)
  await copyFile(await write('select 2 as i', 'new.parquet'), other)
  await assert.rejects(read(other, state), { code: 'SOURCE_FILE_CHANGED' })
})

async function write(sql: string, name: string): Promise<string> {
  const file = join(folder, name)
  await duck.run(`copy (${sql}) to '${file}' (format parquet, row_group_size 2048)`)
  return file
}

function open(path: string): SourceConnector {
  return createFilesConnector({ name: 'shop', options: { path } })
}

async function read(path: string, from: ReadonlyMap<string, string> = new Map()): Promise<{ batches: SourceBatch[] }> {
  const batches: SourceBatch[] = []
  for await (const batch of open(path).read(from)) batches.push(batch)
  return { batches }
}
