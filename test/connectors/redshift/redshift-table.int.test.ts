import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { openConnectors } from '../../../src/compose/connectors.ts'
import { systemClock } from '../../../src/adapters/clock/system-clock.ts'
import { createEncoder } from '../../../src/contract/encode.ts'
import { declaredContract } from '../../../src/contract/infer/declared-contract.ts'
import { SluiceError } from '../../../src/domain/errors.ts'
import type { SourceSettings } from '../../../src/domain/settings.ts'
import type { SourceBatch, SourceConnector } from '../../../src/ports/source-connector.ts'
import { readPass } from '../../conformance/sqlite-table.ts'
import { testSourceConnector } from '../../conformance/source-connector.ts'
import { postgresMissing, startPostgres, type Postgres } from '../../services/postgres.ts'

/** PostgreSQL stands in for Redshift here: it speaks its wire protocol, and has cursors, catalogue and types like it. */
const skip = await postgresMissing()
let server: Postgres

before(async () => {
  if (skip === false) server = await startPostgres()
})
after(() => (skip === false ? server.close() : undefined))

type Options = SourceSettings['options']

function open(options: Options): SourceConnector {
  const settings: SourceSettings = {
    name: 'shop',
    connector: 'redshift',
    topic: 'orders',
    key: [],
    pollIntervalMs: 1000,
    options: { ...server.options, primary_key: ['id'], watermark_column: 'at', load_type: 'incremental', ...options },
  }
  return openConnectors({ ...systemClock, sleep: () => Promise.resolve() })(settings)
}

const read = (options: Options, state = new Map<string, string>()): Promise<SourceBatch[]> =>
  readPass(open(options), state)

async function failure(options: Options): Promise<SluiceError> {
  try {
    await read(options)
  } catch (error) {
    if (error instanceof SluiceError) return error
    throw error
  }
  throw new assert.AssertionError({ message: 'it was read' })
}

if (skip === false) {
  testSourceConnector(
    'redshift (PostgreSQL)',
    async () => {
      await server.run(
        'drop table if exists conformance',
        'create table conformance (id int primary key, at timestamptz not null, v text)',
        "insert into conformance select i, '2026-01-01'::timestamptz + (i / 7) * interval '1 second', 'v' || i from generate_series(1, 100) i",
      )
      const options = { table: 'public.conformance', batch_rows: 10, page_rows: 25 }
      return { open: () => open(options), close: () => Promise.resolve() }
    },
    {
      places: [
        { object: 'public.conformance', rows: Array.from({ length: 100 }, (_, i) => String(i + 1)), refused: [] },
      ],
    },
  )
}

test('values keep every digit, and the watermark every microsecond', { skip }, async () => {
  const big = '99999999999999999999999999999999999999'
  await server.run(
    `create table hard (id numeric(38,0) primary key, at timestamp not null, "select" text, "Zweiter Name" varchar(70000), born date, b bytea, f float8, ok boolean, free numeric)`,
    `insert into hard values
      (${big}, '2026-01-01 00:00:00.000001', 'NULL', '', '1871-01-18', '\\x00ff', 0.1, true, 1.10),
      (-${big}, '2026-01-01 00:00:00.000001', null, 'é😀', '0001-01-01', '\\x', 'NaN', false, null),
      (0, '2026-01-01 00:00:00.000002', '', repeat('x', 70000), '1969-12-31', null, '-0', null, 123456789012345678901234567890.123)`,
  )
  const state = new Map<string, string>()
  const [batch] = await read({ table: 'hard' }, state)
  assert.deepEqual(batch!.columns, ['id', 'at', 'select', 'zweiter_name', 'born', 'b', 'f', 'ok', 'free'])
  assert.deepEqual(
    batch!.rows.map(({ values }) => values),
    [
      [`-${big}`, '2026-01-01 00:00:00.000001', null, 'é😀', '0001-01-01', new Uint8Array(0), 'NaN', 'f', null],
      [big, '2026-01-01 00:00:00.000001', 'NULL', '', '1871-01-18', Uint8Array.of(0, 255), '0.1', 't', '1.10'],
      [
        '0',
        '2026-01-01 00:00:00.000002',
        '',
        'x'.repeat(70_000),
        '1969-12-31',
        null,
        '-0',
        null,
        '123456789012345678901234567890.123',
      ],
    ],
  )
  assert.deepEqual(JSON.parse(state.get('watermark')!), { value: '2026-01-01 00:00:00.000002', key: ['0'] })
  assert.deepEqual(await read({ table: 'hard' }, state), [])
})

test('discover tells types, nullability and the primary key in its order', { skip }, async () => {
  await server.run(
    'create table described (a int not null, b varchar(7) not null, c numeric(12,2), d timestamptz, e jsonb, f bytea, primary key (b, a))',
  )
  const connector = open({ table: 'public.described', primary_key: ['a'], watermark_column: 'd' })
  const { objects } = await connector.discover()
  await connector.close()
  assert.deepEqual(objects, [
    {
      name: 'public.described',
      key: ['b', 'a'],
      bytes: null,
      columns: [
        { name: 'a', type: 'integer', holds: { kind: 'int32' }, nullable: false },
        { name: 'b', type: 'character varying(7)', holds: { kind: 'string' }, nullable: false },
        { name: 'c', type: 'numeric(12,2)', holds: { kind: 'decimal', precision: 12, scale: 2 }, nullable: true },
        { name: 'd', type: 'timestamp with time zone', holds: { kind: 'timestamp' }, nullable: true },
        { name: 'e', type: 'jsonb', holds: null, nullable: true },
        { name: 'f', type: 'bytea', holds: { kind: 'binary' }, nullable: true },
      ],
    },
  ])
})

test(
  'what is wrong is told by its name: login, database, host, rights, table, column, type, time',
  { skip },
  async () => {
    await server.run(
      'create table plain (id int primary key, at timestamptz, n int)',
      'insert into plain values (1, now(), 1)',
      'create schema other',
      'create table other.elsewhere (id int)',
      "create role poor login password 'poor'",
    )
    const cases: readonly (readonly [Options, string, RegExp])[] = [
      [{ table: 'plain', password: 'wrong' }, 'SOURCE_REFUSED', /refuses the login of user shop/],
      [
        { table: 'plain', user: 'poor', password: 'poor' },
        'SOURCE_REFUSED',
        /user poor may not read it: permission denied/,
      ],
      [{ table: 'plain', database: 'nowhere' }, 'SOURCE_UNREADABLE', /has no database nowhere/],
      [{ table: 'plain', port: 1 }, 'SOURCE_UNAVAILABLE', /127\.0\.0\.1:1 does not serve/],
      [{ table: 'plain', tls: 'verify' }, 'SOURCE_REFUSED', /no trusted connection/],
      [{ table: 'elsewhere' }, 'SOURCE_UNREADABLE', /there is other\.elsewhere/],
      [{ table: 'public.nothing' }, 'SOURCE_UNREADABLE', /has no table public\.nothing/],
      [{ table: 'far.public.plain' }, 'SOURCE_UNREADABLE', /is of another database/],
      [{ table: 'plain', watermark_column: 'att' }, 'SOURCE_UNREADABLE', /no column att; did you mean at/],
      [{ table: 'plain', columns: ['id', 'N x'] }, 'SOURCE_UNREADABLE', /no column N x/],
      [
        { table: 'plain', watermark_column: 'n', overlap: 1000 },
        'SETTINGS_INVALID',
        /overlap needs a time, and column n is integer/,
      ],
      [{ table: "plain'; drop table plain; --" }, 'IDENTIFIER_INVALID', /may hold only/],
    ]
    for (const [options, code, message] of cases) {
      const error = await failure(options)
      assert.equal(error.code, code, error.message)
      assert.match(error.message, message)
      assert.ok(!JSON.stringify([error.message, error.where, error.hint]).includes(server.password))
    }
  },
)

test('a contract drafted from the catalogue takes every value that its types promise', { skip }, async () => {
  await server.run(
    'create table drafted (id bigint primary key, at timestamp not null, email text, n numeric(38,10), m numeric, d date, b bytea, ok boolean, r real, t time)',
    "insert into drafted values (-9223372036854775808, '1969-12-31 23:59:59.999999', 'a@b.de', -9999999999999999999999999999.9999999999, 1e100, '0001-01-01', '\\x00', 't', 1.5, '23:59:59.999999')",
    "insert into drafted values (9223372036854775807, '9999-12-31 00:00:00', null, null, null, null, null, null, 'NaN', null)",
  )
  const connector = open({ table: 'drafted' })
  const { objects } = await connector.discover()
  const { schema, key, columns } = await declaredContract({
    object: objects[0]!,
    read: () => connector.read(new Map()),
    subject: 'drafted-value',
    name: 'Drafted',
    maxRows: 10,
  })
  assert.deepEqual(key, ['id'])
  assert.deepEqual(
    columns.filter(({ nullable }) => !nullable).map(({ name }) => name),
    ['id', 'at'],
  )
  assert.equal(columns.find(({ name }) => name === 'email')!.pii, 'email')
  const encoder = createEncoder({
    subject: 'drafted-value',
    version: 1,
    id: 1,
    format: 'avro',
    text: JSON.stringify(schema),
  })
  const batches = await read({ table: 'drafted' })
  const rows = batches.flatMap((batch) => batch.rows.map(({ values }) => ({ columns: batch.columns, values })))
  assert.equal(rows.length, 2)
  for (const row of rows) assert.equal(encoder.encode(row.columns, row.values, false).kind, 'encoded')
  await connector.close()
})

test('rows without a watermark are counted and told; an integer watermark has no overlap', { skip }, async () => {
  await server.run(
    'create table gaps (id int primary key, n bigint)',
    'insert into gaps values (1, 5), (2, null), (3, 4)',
  )
  const state = new Map<string, string>()
  const batches = await read({ table: 'gaps', watermark_column: 'n' }, state)
  assert.deepEqual(
    batches.flatMap(({ notes }) => notes ?? []),
    ['1 row of gaps with a null in n cannot be read by watermark and stay behind'],
  )
  assert.deepEqual(
    batches.flatMap(({ rows }) => rows.map(({ at }) => at)),
    ['3', '1'],
  )
  assert.ok(![...state.keys()].some((entry) => entry.startsWith('seen:')))
})

test('a column whose type changed under the watermark stops the source with what to do', { skip }, async () => {
  await server.run(
    'create table turned (id int primary key, at text not null)',
    "insert into turned values (1, 'soon')",
  )
  const state = new Map<string, string>()
  await read({ table: 'turned' }, state)
  await server.run("alter table turned alter at type timestamptz using '2026-01-01'::timestamptz")
  await assert.rejects(read({ table: 'turned' }, state), (error: SluiceError) => {
    assert.equal(error.code, 'SOURCE_UNREADABLE')
    assert.match(error.hint, /checkpoint reset --source shop/)
    return true
  })
})

test('transactions shorter than the overlap that commit out of order are all read, each once', { skip }, async () => {
  await server.run('create table raced (id int primary key, at timestamptz not null)')
  const [early, late] = [await server.connect(), await server.connect()]
  const state = new Map<string, string>()
  const seen: string[] = []
  const pass = async (): Promise<void> => {
    for (const { rows } of await read({ table: 'raced', overlap: 30_000, batch_rows: 2 }, state))
      seen.push(...rows.map(({ at }) => at))
  }
  try {
    // `now()` is the time at which a transaction began: the one that began first commits last, again and again
    for (let id = 0; id < 12; id += 2) {
      await early.query('begin')
      await early.query('insert into raced values ($1, now())', [id])
      await late.query('insert into raced values ($1, now())', [id + 1])
      await pass()
      assert.ok(seen.includes(String(id + 1)) && !seen.includes(String(id)))
      await early.query('commit')
      await pass()
    }
    await pass()
  } finally {
    await early.end()
    await late.end()
  }
  assert.deepEqual(
    seen.map(Number).sort((a, b) => a - b),
    Array.from({ length: 12 }, (_, id) => id),
  )
})

test('a reader whose connection is cut in the middle goes on behind what it had', { skip }, async () => {
  await server.run(
    'create table cut (id int primary key, at timestamptz not null)',
    "insert into cut select i, '2026-01-01'::timestamptz from generate_series(1, 5000) i",
  )
  const connector = open({ table: 'cut', batch_rows: 100 })
  const ids: string[] = []
  for await (const { rows } of connector.read(new Map())) {
    ids.push(...rows.map(({ at }) => at))
    if (ids.length === 1000)
      await server.run("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'sluice'")
  }
  await connector.close()
  assert.equal(ids.length, 5000)
  assert.equal(new Set(ids).size, 5000)
})

test('a reader that is told to end does so in the middle of a statement', { skip }, async () => {
  await server.run(
    'create view slow as select i as id, now() as at, pg_sleep(0.05)::text from generate_series(1, 1000) i',
  )
  const connector = open({ table: 'slow', overlap: 0 })
  const ended = new AbortController()
  const reading = (async () => {
    for await (const _ of connector.read(new Map(), { signal: ended.signal })) assert.fail('a batch came')
  })()
  setTimeout(() => ended.abort(), 300)
  await assert.rejects(reading, { name: 'AbortError' })
  await connector.close()
})
