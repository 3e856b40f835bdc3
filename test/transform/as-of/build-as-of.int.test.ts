import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { openFilesystemStore } from '../../../src/adapters/filesystem/filesystem-store.ts'
import type { ColumnField } from '../../../src/domain/column-batch.ts'
import type { ModelDefinition } from '../../../src/domain/model.ts'
import { endOfDay, timestampSql, upTo, type AsOfTime } from '../../../src/transform/as-of/as-of-time.ts'
import { buildAsOf, type AsOfOutcome } from '../../../src/transform/as-of/build-as-of.ts'
import { CHANGE_FIELDS, comparable, model, openLake } from '../lake-fixture.ts'
import type { LakeFixture } from '../lake-fixture.ts'

/** `build --as-of`: the tables as they would be, had nothing happened since. */

const FIELDS: readonly ColumnField[] = [
  { name: 'OrderId', type: { kind: 'string' }, nullable: true },
  { name: 'CustomerId', type: { kind: 'string' }, nullable: true },
  { name: 'City', type: { kind: 'string' }, nullable: true },
  { name: 'ChangedAt', type: { kind: 'timestamp' }, nullable: true },
  { name: 'Amount', type: { kind: 'int32' }, nullable: true },
  ...CHANGE_FIELDS,
]
const CARRIED = '_op, _record_ts, _epoch, _partition, _offset'
const MODELS: readonly ModelDefinition[] = [
  model(
    'silver.orders',
    'kind: merge\nkey: order_id\nsequence_by: changed_at\ntie_break: [customer_id]\n',
    `select OrderId as order_id, CustomerId as customer_id, ChangedAt as changed_at, Amount as amount, ${CARRIED} from bronze.orders`,
  ),
  model(
    'gold.dim_customer',
    'kind: scd2\nkey: customer_id\nsequence_by: changed_at\ntie_break: [city]\ntrack: city\nsurrogate_key: customer_sk\n',
    `select CustomerId as customer_id, City as city, ChangedAt as changed_at, ${CARRIED} from bronze.orders where City <> '' or _op = 'd'`,
  ),
  model(
    'gold.fact_orders',
    'kind: merge\nkey: order_id\npartition_by: order_date\nlookups:\n  - {dimension: gold.dim_customer, on: {customer_id: customer_id}, at: changed_at, as: customer_sk}\n',
    `select order_id, customer_id, changed_at, cast(changed_at as date) as order_date, amount from silver.orders`,
  ),
  model(
    'gold.by_city',
    'kind: full\n',
    `select c.city, count(*) as orders, sum(f.amount) as amount from gold.fact_orders f
     join gold.dim_customer c on c.customer_sk = f.customer_sk group by c.city`,
  ),
  model('gold.dim_date', 'kind: calendar\nover: {table: silver.orders, column: changed_at}\n', null),
]

interface Row {
  readonly order: number
  readonly customer: number
  readonly city: string
  readonly hour: number
  readonly amount: number
  readonly deleted: boolean
}

const START = Date.UTC(2020, 0, 1)
const timeOf = (hour: number): string => new Date(START + hour * 3_600_000).toISOString()

/** Only a deletion's record time tells when it was: other records all travelled years later. */
function selectRows(rows: readonly Row[], wanted: (row: Row) => boolean = () => true): string {
  const values = rows.flatMap((row, offset) => {
    if (!wanted(row)) return []
    const at = `timestamp '${timeOf(row.hour).slice(0, 19).replace('T', ' ')}'`
    const value = row.deleted
      ? `'o${row.order}', 'c${row.customer}', null, null, null, 'd', ${at}`
      : `'o${row.order}', 'c${row.customer}', '${row.city}', ${at}, ${row.amount}, 'c', timestamp '2026-01-01'`
    return [`(${value}, 0, 0, ${offset})`]
  })
  const columns = FIELDS.map((field) => field.name).join(', ')
  if (values.length === 0) return `select ${FIELDS.map((field) => `null as ${field.name}`).join(', ')} where false`
  return `select ${columns} from (values ${values.join(', ')}) as v(${columns})`
}

async function withLake<T>(work: (lake: LakeFixture) => Promise<T>): Promise<T> {
  const lake = await openLake({ bronze: { orders: ['OrderId'] } })
  try {
    return await work(lake)
  } finally {
    await lake.close()
  }
}

function asOf(
  lake: LakeFixture,
  time: AsOfTime,
  more: { readonly select?: readonly string[]; readonly dryRun?: boolean } = {},
): Promise<AsOfOutcome[]> {
  const world = { ...lake.world, storeAt: openFilesystemStore }
  return buildAsOf({ world, models: MODELS, select: [], asOf: time, dryRun: false, ...more })
}

const brief = (outcomes: readonly AsOfOutcome[]): readonly string[] =>
  outcomes.map(
    ({ table, outcome, rows, version, error }) =>
      `${table} ${outcome} ${rows} ${version}${error === null ? '' : ` ${error.message}`}`,
  )

async function contents(lake: LakeFixture, date: string | null): Promise<Record<string, readonly string[]>> {
  const tables: Record<string, readonly string[]> = {}
  for (const { layer, table } of MODELS) {
    tables[`${layer}.${table}`] = comparable(
      date === null
        ? await lake.rows(`${layer}.${table}`)
        : await lake.rows(
            `${layer}.${table}_snapshot`,
            `select * exclude (as_of_date) from t where as_of_date = '${date}'`,
          ),
    )
  }
  return tables
}

const HISTORY: readonly Row[] = [
  { order: 1, customer: 1, city: 'Bern', hour: 2, amount: 10, deleted: false },
  { order: 2, customer: 2, city: 'Rome', hour: 20, amount: 5, deleted: false },
  // the next day: customer 1 moved, order 1 is corrected, order 2 deleted
  { order: 1, customer: 1, city: 'Oslo', hour: 30, amount: 12, deleted: false },
  { order: 2, customer: 2, city: '', hour: 40, amount: 0, deleted: true },
]

test('a day’s snapshot holds what had happened by its end: rows, versions, members and days', () =>
  withLake(async (lake) => {
    await lake.write('bronze.orders', { sql: selectRows(HISTORY), fields: FIELDS })
    await lake.build(MODELS)
    assert.deepEqual(brief(await asOf(lake, endOfDay('2020-01-01'))), [
      'silver.orders_snapshot built 2 0',
      'gold.dim_customer_snapshot built 2 0',
      'gold.fact_orders_snapshot built 2 0',
      'gold.by_city_snapshot built 2 0',
      'gold.dim_date_snapshot built 1 0',
    ])
    assert.deepEqual(
      await lake.rows('silver.orders_snapshot', 'select order_id, amount, _deleted from t order by order_id'),
      [
        { order_id: 'o1', amount: 10, _deleted: false },
        { order_id: 'o2', amount: 5, _deleted: false },
      ],
    )
    assert.deepEqual(
      await lake.rows(
        'gold.dim_customer_snapshot',
        'select customer_id, city, valid_from, valid_to, is_current, as_of_date from t order by customer_id',
      ),
      [
        {
          customer_id: 'c1',
          city: 'Bern',
          valid_from: '2020-01-01T02:00:00.000Z',
          valid_to: null,
          is_current: true,
          as_of_date: '2020-01-01',
        },
        {
          customer_id: 'c2',
          city: 'Rome',
          valid_from: '2020-01-01T20:00:00.000Z',
          valid_to: null,
          is_current: true,
          as_of_date: '2020-01-01',
        },
      ],
    )
    assert.deepEqual(await lake.rows('gold.by_city_snapshot', 'select city, orders, amount from t order by city'), [
      { city: 'Bern', orders: 1n, amount: '10' },
      { city: 'Rome', orders: 1n, amount: '5' },
    ])
    assert.deepEqual(await lake.rows('gold.by_city', 'select city, orders, amount from t'), [
      { city: 'Oslo', orders: 1n, amount: '12' },
    ])
    assert.deepEqual(await lake.rows('gold.dim_date_snapshot', 'select date from t'), [{ date: '2020-01-01' }])
  }))

test('one partition a date: again commits nothing, late data replace it, other dates and the tables stay', () =>
  withLake(async (lake) => {
    await lake.write('bronze.orders', { sql: selectRows(HISTORY), fields: FIELDS })
    await lake.build(MODELS)
    await asOf(lake, endOfDay('2020-01-01'))
    await asOf(lake, endOfDay('2020-01-02'))
    const second = await contents(lake, '2020-01-02')
    assert.deepEqual(second, await contents(lake, null))
    for (const { outcome, version } of await asOf(lake, endOfDay('2020-01-01'))) {
      assert.deepEqual([outcome, version], ['unchanged', 1])
    }
    const before = await lake.snapshot('silver.orders')
    const late: Row = { order: 3, customer: 3, city: 'Lima', hour: 5, amount: 7, deleted: false }
    await lake.write('bronze.orders', { sql: selectRows([...HISTORY, late], (row) => row === late), fields: FIELDS })
    await asOf(lake, endOfDay('2020-01-01'))
    assert.deepEqual(
      await lake.rows('silver.orders_snapshot', 'select as_of_date, count(*) as n from t group by 1 order by 1'),
      [
        { as_of_date: '2020-01-01', n: 3n },
        { as_of_date: '2020-01-02', n: 2n },
      ],
    )
    assert.deepEqual(await contents(lake, '2020-01-02'), second)
    assert.equal((await lake.snapshot('silver.orders'))?.version, before?.version)
    const files = [...((await lake.snapshot('silver.orders_snapshot'))?.files.values() ?? [])]
    assert.deepEqual(
      new Set(files.map((file) => file.partitionValues['as_of_date'])),
      new Set(['2020-01-01', '2020-01-02']),
    )
  }))

test('a time is up to that moment, it included; a dry run and what is not selected write nothing', () =>
  withLake(async (lake) => {
    await lake.write('bronze.orders', { sql: selectRows(HISTORY), fields: FIELDS })
    const count = async (): Promise<unknown> =>
      (await lake.rows('silver.orders_snapshot', 'select count(*) as n from t'))[0]?.['n']
    const dry = await asOf(lake, endOfDay('2020-01-01'), { dryRun: true })
    assert.deepEqual(new Set(dry.map(({ outcome }) => outcome)), new Set(['planned']))
    assert.equal(await lake.snapshot('silver.orders_snapshot'), null)
    await asOf(lake, upTo(START + 20 * 3_600_000), { select: ['silver.orders'] })
    assert.equal(await count(), 2n)
    await asOf(lake, upTo(START + 20 * 3_600_000 - 1), { select: ['silver.orders'] })
    assert.equal(await count(), 1n)
    assert.equal(await lake.snapshot('gold.dim_customer_snapshot'), null)
    assert.equal(await lake.snapshot('silver.orders'), null)
  }))

test('a dimension alone has the unknown member that facts of that time need', () =>
  withLake(async (lake) => {
    const rows: readonly Row[] = [
      { order: 1, customer: 1, city: '', hour: 1, amount: 1, deleted: false },
      { order: 2, customer: 2, city: 'Rome', hour: 2, amount: 1, deleted: false },
    ]
    await lake.write('bronze.orders', { sql: selectRows(rows), fields: FIELDS })
    await asOf(lake, endOfDay('2020-01-01'), { select: ['gold.dim_customer'] })
    assert.deepEqual(
      await lake.rows('gold.dim_customer_snapshot', "select count(*) as n from t where customer_sk = '-1'"),
      [{ n: 1n }],
    )
  }))

test('I3: two builds of one date at one time leave its rows once', () =>
  withLake(async (lake) => {
    await lake.write('bronze.orders', { sql: selectRows(HISTORY), fields: FIELDS })
    await Promise.all([1, 2, 3].map(() => asOf(lake, endOfDay('2020-01-02'), { select: ['silver.orders'] })))
    assert.deepEqual(await lake.rows('silver.orders_snapshot', 'select count(*) as n from t'), [{ n: 2n }])
  }))

const rows = fc.array(
  fc.record({
    order: fc.integer({ min: 0, max: 5 }),
    customer: fc.integer({ min: 0, max: 2 }),
    city: fc.constantFrom('Bern', 'Oslo', ''),
    hour: fc.integer({ min: 0, max: 60 }),
    amount: fc.integer({ min: 1, max: 3 }),
    deleted: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  }),
  { minLength: 4, maxLength: 24 },
)

test('a snapshot is what an ordinary build leaves in a lake that never saw what came after', async () => {
  await fc.assert(
    fc.asyncProperty(rows, fc.constantFrom('2020-01-01', '2020-01-02'), async (all, date) => {
      const hours = date === '2020-01-01' ? 24 : 48
      const expected = await withLake(async (lake) => {
        await lake.write('bronze.orders', { sql: selectRows(all, (row) => row.hour < hours), fields: FIELDS })
        await lake.build(MODELS)
        return contents(lake, null)
      })
      await withLake(async (lake) => {
        await lake.write('bronze.orders', { sql: selectRows(all), fields: FIELDS })
        for (const { error } of await asOf(lake, endOfDay(date))) assert.equal(error, null)
        assert.deepEqual(await contents(lake, date), expected)
      })
    }),
    { numRuns: 5, endOnFailure: true },
  )
})

test('times become literals with every microsecond, before 1970 too', () => {
  assert.equal(timestampSql(endOfDay('2011-02-28').beforeMicros), "timestamp '2011-03-01 00:00:00.000000'")
  assert.equal(timestampSql(upTo(Date.UTC(2011, 1, 28, 12)).beforeMicros), "timestamp '2011-02-28 12:00:00.000001'")
  assert.equal(timestampSql(-1n), "timestamp '1969-12-31 23:59:59.999999'")
})
