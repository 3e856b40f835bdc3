import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { openConnectors } from '../../../src/compose/connectors.ts'
import { systemClock } from '../../../src/adapters/clock/system-clock.ts'
import { SluiceError } from '../../../src/domain/errors.ts'
import type { SourceSettings } from '../../../src/domain/settings.ts'
import type { SourceBatch, SourceConnector } from '../../../src/ports/source-connector.ts'
import { readPass } from '../../conformance/sqlite-table.ts'
import { testSourceConnector } from '../../conformance/source-connector.ts'
import { snowflakeMissing, startSnowflake, type SnowflakeStandIn } from '../../services/snowflake.ts'

/** fakesnow stands in for Snowflake here: snowflake-sdk talks to it as to Snowflake, in Snowflake's SQL. */
const skip = await snowflakeMissing()
let server: SnowflakeStandIn

before(async () => {
  if (skip === false) server = await startSnowflake()
})
after(() => (skip === false ? server.close() : undefined))

type Options = SourceSettings['options']

function open(options: Options): SourceConnector {
  const settings: SourceSettings = {
    name: 'shop',
    connector: 'snowflake',
    topic: 'orders',
    key: [],
    pollIntervalMs: 1000,
    options: {
      ...server.options,
      primary_key: ['id'],
      watermark_column: 'moved_at',
      load_type: 'incremental',
      ...options,
    },
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
  for (const load_type of ['incremental', 'full']) {
    testSourceConnector(
      `snowflake (fakesnow), ${load_type}`,
      async () => {
        await server.run(
          'create or replace table conformance (id int not null, moved_at timestamp_ntz(9) not null, v varchar, primary key (id))',
          "insert into conformance select i, dateadd(second, floor(i / 7)::int, '2026-01-01'::timestamp_ntz), 'v' || i from (select row_number() over (order by seq4()) as i from table(generator(rowcount => 40)))",
        )
        const options = { table: 'conformance', batch_rows: 7, page_rows: 15, load_type }
        return { open: () => open(options), close: () => Promise.resolve() }
      },
      {
        places: [
          {
            object: 'SHOP.PUBLIC.CONFORMANCE',
            rows: Array.from({ length: 40 }, (_, i) => String(i + 1)),
            refused: [],
          },
        ],
      },
    )
  }
}

test('values keep every digit, and a null is told apart from the text NULL', { skip }, async () => {
  await server.run(
    `create or replace table hard (id number(18,0) not null, moved_at timestamp_ntz(9), amount number(38,10), "select" varchar, "Zweiter Name" varchar, born date, b binary, f float, ok boolean, v variant, t time, z timestamp_tz)`,
    `insert into hard select 1, '2026-01-01 00:00:00.000001', 9999999999999999999999999999.0123456789, 'NULL', '', '1871-01-18', to_binary('00FF', 'HEX'), 0.1::float, true, parse_json('{"a":[1,null,"NULL"]}'), '23:59:59', '2026-01-01 00:00:00+02:00'`,
    `insert into hard select 2, '2026-01-01 00:00:00.000002', null, null, 'é😀', null, null, null, null, null, null, null`,
    `insert into hard select 3, '1969-12-31 23:59:59.5', -9999999999999999999999999999.0123456789, '', repeat('x', 70000), '0001-01-01', to_binary('', 'HEX'), 'NaN'::float, false, parse_json('null'), '00:00:00', '1969-07-20 20:17:40+00:00'`,
  )
  const state = new Map<string, string>()
  const batches = await read({ table: 'hard' }, state)
  assert.deepEqual(batches[0]!.columns, [
    'id',
    'moved_at',
    'amount',
    'select',
    'zweiter_name',
    'born',
    'b',
    'f',
    'ok',
    'v',
    't',
    'z',
  ])
  const big = '9999999999999999999999999999.0123456789'
  assert.deepEqual(
    batches.flatMap(({ rows }) => rows.map(({ values }) => values)),
    [
      [
        '3',
        '1969-12-31T23:59:59.500000000',
        `-${big}`,
        '',
        'x'.repeat(70_000),
        '0001-01-01',
        new Uint8Array(0),
        'NaN',
        'false',
        'null',
        '00:00:00',
        '1969-07-20T20:17:40.000000000+00:00',
      ],
      [
        '1',
        '2026-01-01T00:00:00.000001000',
        big,
        'NULL',
        '',
        '1871-01-18',
        Uint8Array.of(0, 255),
        '0.1',
        'true',
        '{"a":[1,null,"NULL"]}',
        '23:59:59',
        '2025-12-31T22:00:00.000000000+00:00',
      ],
      ['2', '2026-01-01T00:00:00.000002000', null, null, 'é😀', null, null, null, null, null, null, null],
    ],
  )
  assert.deepEqual(JSON.parse(state.get('watermark')!), { value: '2026-01-01T00:00:00.000002000', key: ['2'] })
  assert.deepEqual(await read({ table: 'hard' }, state), [])
})

test('discover tells types, nullability and the primary key in its order', { skip }, async () => {
  await server.run(
    'create or replace table described (a number(10,0) not null, b varchar(7) not null, c number(12,2), d timestamp_ntz, e variant, f binary, primary key (b, a))',
  )
  const connector = open({ table: 'shop.public.described', primary_key: ['a'], watermark_column: 'd' })
  const { objects } = await connector.discover()
  await connector.close()
  assert.deepEqual(
    objects.map(({ name, key }) => ({ name, key })),
    [{ name: 'SHOP.PUBLIC.DESCRIBED', key: ['b', 'a'] }],
  )
  assert.deepEqual(
    objects[0]!.columns.map(({ name, type, holds, nullable }) => [name, type, holds?.kind ?? null, nullable]),
    [
      ['a', 'NUMBER(10,0)', 'int64', false],
      ['b', 'VARCHAR(7)', 'string', false],
      ['c', 'NUMBER(12,2)', 'decimal', true],
      ['d', 'TIMESTAMP_NTZ', 'timestamp', true],
      ['e', 'VARIANT', null, true],
      ['f', 'BINARY', 'binary', true],
    ],
  )
})

test('what is wrong is told by its name: login, host, table, column, type, identifier', { skip }, async () => {
  await server.run(
    'create or replace table plain (id int not null, moved_at timestamp_ntz, n int)',
    "insert into plain values (1, '2026-01-01', 1)",
    'create schema if not exists other',
    'create or replace table other.elsewhere (id int)',
  )
  const cases: readonly (readonly [Options, string, RegExp])[] = [
    [{ table: 'plain', password: 'wrong' }, 'SOURCE_REFUSED', /refuses the login of user sluice: Incorrect/],
    [{ table: 'plain', host: 'http://127.0.0.1:1' }, 'SOURCE_UNAVAILABLE', /127\.0\.0\.1:1 does not serve/],
    [{ table: 'elsewhere' }, 'SOURCE_UNREADABLE', /there is SHOP\.OTHER\.ELSEWHERE/],
    [{ table: 'public.nothing' }, 'SOURCE_UNREADABLE', /has no table public\.nothing/],
    [
      { table: 'plain', watermark_column: 'moved_att' },
      'SOURCE_UNREADABLE',
      /no column moved_att; did you mean moved_at/,
    ],
    [{ table: 'plain', watermark_column: 'n', overlap: 1000 }, 'SETTINGS_INVALID', /overlap needs a time/],
    [{ table: "plain'; drop table plain; --" }, 'IDENTIFIER_INVALID', /may hold only/],
    [{ table: 'plain', primary_key: ['id" or 1=1 --'] }, 'IDENTIFIER_INVALID', /may hold only/],
  ]
  for (const [options, code, message] of cases) {
    const error = await failure(options)
    assert.equal(error.code, code, error.message)
    assert.match(error.message, message)
    const told = JSON.stringify([error.message, error.where, error.hint, String(error.cause)])
    assert.ok(!told.includes(server.options['password']!))
  }
})
