import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ColumnField } from '../../src/domain/column-batch.ts'
import type { ModelDefinition } from '../../src/domain/model.ts'
import { CHANGE_FIELDS, comparable, model, openLake } from './lake-fixture.ts'
import type { LakeFixture } from './lake-fixture.ts'

/** I11 on whole lakes: whatever way rows came, increments leave what a rebuild from the same bronze gives. */

const FIELDS: readonly ColumnField[] = [
  { name: 'OrderId', type: { kind: 'string' }, nullable: true },
  { name: 'CustomerId', type: { kind: 'string' }, nullable: true },
  { name: 'Country', type: { kind: 'string' }, nullable: true },
  { name: 'ChangedAt', type: { kind: 'timestamp' }, nullable: true },
  { name: 'Amount', type: { kind: 'decimal', precision: 12, scale: 2 }, nullable: true },
  ...CHANGE_FIELDS,
]
const CARRIED = '_op, _record_ts, _epoch, _partition, _offset'

function models(): readonly ModelDefinition[] {
  return [
    model(
      'silver.orders',
      'kind: merge\nkey: order_id\nsequence_by: changed_at\ntie_break: [customer_id]\n',
      `select OrderId as order_id, CustomerId as customer_id, ChangedAt as changed_at, Amount as amount, ${CARRIED} from bronze.orders`,
    ),
    model(
      'gold.dim_customer',
      'kind: scd2\nkey: customer_id\nsequence_by: changed_at\ntie_break: [country]\ntrack: country\nsurrogate_key: customer_sk\n',
      `select CustomerId as customer_id, upper(Country) as country, ChangedAt as changed_at, ${CARRIED}
       from bronze.orders where Country <> '' or _op = 'd'`,
    ),
    model(
      'gold.fact_orders',
      'kind: merge\nkey: order_id\npartition_by: order_date\nlookups:\n  - {dimension: gold.dim_customer, on: {customer_id: customer_id}, at: changed_at, as: customer_sk}\n',
      `select order_id, customer_id, changed_at, cast(changed_at as date) as order_date, amount from silver.orders`,
    ),
    model(
      'gold.by_country',
      'kind: full\n',
      `select c.country, count(*) as orders, sum(f.amount) as amount from gold.fact_orders f
       join gold.dim_customer c on c.customer_sk = f.customer_sk group by c.country`,
    ),
    model('gold.dim_date', 'kind: calendar\nover: {table: silver.orders, column: changed_at}\n', null),
  ]
}

interface Row {
  readonly order: number
  readonly customer: number
  readonly country: string
  readonly hour: number
  readonly amount: number
  readonly deleted: boolean
  /** Which of the pieces brings it. */
  readonly piece: number
}

const row: fc.Arbitrary<Row> = fc.record({
  order: fc.integer({ min: 0, max: 5 }),
  customer: fc.integer({ min: 0, max: 2 }),
  country: fc.constantFrom('de', 'fr', ''),
  hour: fc.integer({ min: 0, max: 60 }),
  amount: fc.integer({ min: 1, max: 3 }),
  deleted: fc.constant(false),
  piece: fc.integer({ min: 0, max: 3 }),
})
const rows = fc.array(
  fc.oneof({ weight: 5, arbitrary: row }, { weight: 1, arbitrary: row.map((r) => ({ ...r, deleted: true })) }),
  {
    minLength: 4,
    maxLength: 24,
  },
)

/** Rows as one SELECT; the offset is the place in the whole history, so that a late piece brings earlier offsets too. */
function selectRows(all: readonly Row[], wanted: (row: Row, offset: number) => boolean): string {
  const values = all.flatMap((each, offset) => {
    if (!wanted(each, offset)) return []
    const at = `timestamp '2020-01-01 00:00:00' + interval (${each.hour}) hour`
    const value = each.deleted
      ? `'o${each.order}', 'c${each.customer}', null, null, null, 'd', ${at}`
      : `'o${each.order}', 'c${each.customer}', '${each.country}', ${at}, ${each.amount}.25, 'c', ${at}`
    return [`(${value}, 0, ${offset % 2}, ${offset})`]
  })
  const columns = FIELDS.map((field) => field.name).join(', ')
  if (values.length === 0) return `select ${FIELDS.map((field) => `null as ${field.name}`).join(', ')} where false`
  return `select ${columns} from (values ${values.join(', ')}) as v(${columns})`
}

async function contents(lake: LakeFixture): Promise<Record<string, readonly string[]>> {
  const tables: Record<string, readonly string[]> = {}
  for (const { layer, table } of models()) {
    tables[`${layer}.${table}`] = comparable(await lake.rows(`${layer}.${table}`))
  }
  return tables
}

async function buildWell(lake: LakeFixture): Promise<readonly string[]> {
  const outcomes = await lake.build(models())
  for (const outcome of outcomes) assert.equal(outcome.error, null, outcome.error?.message)
  return outcomes.map(({ model: name, outcome, mode, version }) => `${name} ${outcome} ${mode} ${version}`)
}

async function withLake<T>(work: (lake: LakeFixture) => Promise<T>): Promise<T> {
  const lake = await openLake({ bronze: { orders: ['OrderId'] } })
  try {
    return await work(lake)
  } finally {
    await lake.close()
  }
}

/** The tables as one build over all rows at once leaves them. */
function rebuilt(all: readonly Row[], wanted: (row: Row, offset: number) => boolean = () => true) {
  return withLake(async (lake) => {
    await lake.write('bronze.orders', { sql: selectRows(all, wanted), fields: FIELDS })
    await buildWell(lake)
    return contents(lake)
  })
}

test('I11: rows in any pieces, late or not, leave what one build over all of them does, and a second build commits nothing', async () => {
  await fc.assert(
    fc.asyncProperty(rows, async (all) => {
      const expected = await rebuilt(all)
      await withLake(async (lake) => {
        for (const piece of [2, 0, 3, 1]) {
          await lake.write('bronze.orders', { sql: selectRows(all, (each) => each.piece === piece), fields: FIELDS })
          await buildWell(lake)
        }
        assert.deepEqual(await contents(lake), expected)
        for (const line of await buildWell(lake)) assert.match(line, / unchanged /)
        await lake.build(models(), { fullRefresh: true })
        assert.deepEqual(await contents(lake), expected)
      })
    }),
    { numRuns: 4, endOnFailure: true },
  )
})

test('I11: rows taken away by copy-on-write are taken away downstream, and rewritten ones change nothing', async () => {
  await fc.assert(
    fc.asyncProperty(rows, async (all) => {
      const expected = await rebuilt(all, (each) => each.piece !== 1)
      await withLake(async (lake) => {
        await lake.write('bronze.orders', { sql: selectRows(all, (_, offset) => offset % 2 === 0), fields: FIELDS })
        await lake.write('bronze.orders', { sql: selectRows(all, (_, offset) => offset % 2 === 1), fields: FIELDS })
        await buildWell(lake)
        const removes = [...((await lake.snapshot('bronze.orders'))?.files.keys() ?? [])]
        await lake.write('bronze.orders', { sql: selectRows(all, (each) => each.piece !== 1), fields: FIELDS, removes })
        await buildWell(lake)
        assert.deepEqual(await contents(lake), expected)
        const versions = (await buildWell(lake)).map((line) => line.split(' ').at(-1))
        const again = [...((await lake.snapshot('bronze.orders'))?.files.keys() ?? [])]
        const compaction = {
          sql: selectRows(all, (each) => each.piece !== 1),
          fields: FIELDS,
          removes: again,
          dataChange: false,
        }
        await lake.write('bronze.orders', compaction)
        const after = await buildWell(lake)
        assert.deepEqual(
          after.map((line) => line.split(' ').at(-1)),
          versions,
        )
        for (const line of after) assert.match(line, / unchanged /)
      })
    }),
    { numRuns: 3, endOnFailure: true },
  )
})

test('I11: models built one by one, which find what changed in whole files, and all in one build, which hand it on, come to the same', async () => {
  await fc.assert(
    fc.asyncProperty(rows, async (all) => {
      const piecewise = (one: boolean) =>
        withLake(async (lake) => {
          for (const piece of [1, 3, 0, 2]) {
            await lake.write('bronze.orders', { sql: selectRows(all, (each) => each.piece === piece), fields: FIELDS })
            const turns = one ? models().map(({ layer, table }) => [`${layer}.${table}`]) : [[]]
            for (const select of turns) {
              for (const { error } of await lake.build(models(), { select })) assert.equal(error, null, error?.message)
            }
          }
          return contents(lake)
        })
      assert.deepEqual(await piecewise(true), await piecewise(false))
    }),
    { numRuns: 2, endOnFailure: true },
  )
})
