import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import fc from 'fast-check'

import { columnTypeOf, orderOf } from '../../../connectors/redshift/column-type.ts'
import { readRedshiftOptions } from '../../../connectors/redshift/redshift-options.ts'
import type { Query, WireRow } from '../../../connectors/redshift/session.ts'
import { countUpTo, readUnloaded, unloadStatement, type Unloading } from '../../../connectors/redshift/unload.ts'
import { openFilesystemStore } from '../../../src/adapters/filesystem/filesystem-store.ts'
import type { Column, ColumnField } from '../../../src/domain/column-batch.ts'
import type { TableQuery } from '../../../src/domain/table-query.ts'
import { writeParquet } from '../../../src/parquet/write-parquet.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import { postgresMissing, startPostgres, type Postgres } from '../../services/postgres.ts'

/**
 * A scripted UNLOAD, for there is no Redshift here and PostgreSQL has none: it takes the statement apart as Redshift's
 * documentation says it is written, runs its query on PostgreSQL, and writes the rows as Parquet files. So the query,
 * the quoting and the way back are real; that Redshift takes the statement is not proved.
 */
const skip = await postgresMissing()
const COLUMNS = [
  ['id', 'integer'],
  ['at', 'timestamp without time zone'],
  ['v', 'text'],
  ['ok', 'boolean'],
  ['b', 'bytea'],
  ['n', 'numeric(38,2)'],
] as const
const QUERY: TableQuery = {
  columns: COLUMNS.map(([name]) => name),
  table: ['public', 'big'],
  order: ['at', 'id'],
  after: [['2026-01-01 00:00:00.000003', '3']],
  upTo: null,
  from: null,
  before: null,
  limit: 9,
}
let server: Postgres
let folder = ''
let store: ObjectStore

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-unload-'))
  store = openFilesystemStore(folder)
  if (skip !== false) return
  server = await startPostgres()
  await server.run(
    "create function to_hex(bytea) returns text language sql as $$ select encode($1, 'hex') $$",
    'create table big (id int, at timestamp, v text, ok boolean, b bytea, n numeric(38,2))',
    `insert into big select i, '2026-01-01'::timestamp + (i % 7) * interval '1 microsecond', case when i % 3 > 0 then 'it''s \\ ' || i end, i % 2 = 0, '\\x00ff', i * 99999999999999999999999999999999.99 from generate_series(1, 20) i`,
  )
})
after(async () => {
  await rm(folder, { recursive: true })
  if (skip === false) await server.close()
})

function unloading(query: TableQuery): Unloading {
  const options = readRedshiftOptions('shop', {
    host: 'h',
    database: 'd',
    user: 'u',
    password: 'p',
    table: 'public.big',
    primary_key: ['id'],
    watermark_column: 'at',
    unload_above_rows: 5,
    unload_to: 's3://bucket/scratch',
    unload_role: 'arn:aws:iam::1:role/unload',
  })
  return {
    query,
    columns: COLUMNS.map(([name, type]) => ({
      name,
      travels: name,
      type,
      nullable: true,
      holds: columnTypeOf(type),
      order: orderOf(type),
    })),
    options,
    unload: options.unload!,
    store,
    folder: 'call-1/',
    batchRows: 4,
    signal: undefined,
  }
}

const LITERAL = /'((?:[^'\\]|''|\\\\)*)'/g
const unquote = (quoted: string): string => quoted.replaceAll("''", "'").replaceAll('\\\\', '\\')

function scripted(client: { query: (q: object) => Promise<{ rows: WireRow[] }> }, told: string[]): Query {
  const run = async (text: string, values: readonly string[] = []): Promise<WireRow[]> =>
    (
      await client.query({
        text,
        values: [...values],
        rowMode: 'array',
        types: { getTypeParser: () => (each: string) => each },
      })
    ).rows
  return async (text, binds) => {
    if (!text.startsWith('unload (')) return run(text, binds)
    told.push(text)
    const [select, place, role] = [...text.matchAll(LITERAL)].map(([, inner]) => unquote(inner!))
    assert.equal(
      text.replaceAll(LITERAL, '?'),
      'unload (?) to ? iam_role ? format as parquet parallel off maxfilesize 256 MB',
    )
    assert.deepEqual([place, role], ['s3://bucket/scratch/call-1/', 'arn:aws:iam::1:role/unload'])
    // Redshift takes a backslash in quotes as an escape, PostgreSQL only where it is told to
    const rows = await run(select!.replaceAll(/'(?:[^'\\]|''|\\\\)*'/g, (each) => `E${each}`))
    for (const [part, some] of [rows.slice(0, 5), rows.slice(5)].entries())
      await store.put(`call-1/00${part}.parquet`, parquetOf(some))
    return []
  }
}

test(
  'rows that UNLOAD wrote are those that the cursor brings, in order, and its files are gone behind them',
  { skip },
  async () => {
    const client = await server.connect()
    try {
      const told: string[] = []
      const ask = scripted(client as never, told)
      assert.equal(await countUpTo(ask, QUERY, 5), 6)
      assert.equal(await countUpTo(ask, QUERY, 500), 9)
      const lists: WireRow[][] = []
      for await (const rows of readUnloaded(ask, unloading(QUERY))) lists.push(rows)
      assert.deepEqual(
        lists.map((rows) => rows.length),
        [4, 4, 1],
      )
      const expected = await client.query({
        text: "select id::text, at::text, v, case when ok then 't' else 'f' end, encode(b, 'hex'), n::text from big where (at, id) > ('2026-01-01 00:00:00.000003', 3) order by big.at, big.id limit 9",
        rowMode: 'array',
      })
      assert.deepEqual(lists.flat(), expected.rows)
      assert.equal(told.length, 1)
      for await (const { path } of store.list('')) assert.fail(`${path} is left`)
    } finally {
      await client.end()
    }
  },
)

test('values of the state reach the statement as literals that end where they end', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("'", '\\', '$1', '$2', '"', ';', '-', 'x', ' ') }),
      fc.string({ unit: fc.constantFrom("'", '\\', 'y', '$1') }),
      (value, key) => {
        const statement = unloadStatement(unloading({ ...QUERY, after: [[value, key]] }))
        const [select] = [...statement.matchAll(LITERAL)].map(([, inner]) => unquote(inner!))
        assert.equal(
          statement.replaceAll(LITERAL, '?'),
          'unload (?) to ? iam_role ? format as parquet parallel off maxfilesize 256 MB',
        )
        const bound = [...select!.matchAll(LITERAL)].map(([, inner]) => unquote(inner!))
        assert.deepEqual(bound.slice(-4), [value, value, value, key])
      },
    ),
  )
})

function parquetOf(rows: readonly WireRow[]): Uint8Array {
  const fields = COLUMNS.map(([name]): ColumnField => ({ name, type: { kind: 'string' }, nullable: true }))
  const columns = COLUMNS.map((_, at) => textColumn(rows.map((row) => row[at] ?? null)))
  return writeParquet({ fields, batches: [{ length: rows.length, fields, columns }] }).bytes
}

function textColumn(values: readonly (string | null)[]): Column {
  const parts = values.map((value) => Buffer.from(value ?? ''))
  const offsets = Int32Array.from([
    0,
    ...parts.map((_, i) => parts.slice(0, i + 1).reduce((sum, part) => sum + part.length, 0)),
  ])
  const validity = Uint8Array.from(values.map((value) => (value === null ? 0 : 1)))
  return {
    type: { kind: 'string' },
    length: values.length,
    validity,
    values: { layout: 'bytes', offsets, data: Buffer.concat(parts) },
  }
}
