import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ColumnField } from '../../../src/domain/column-batch.ts'
import type { ModelDefinition } from '../../../src/domain/model.ts'
import { prepareRestore, restoreTable, type RestoreWorld } from '../../../src/operate/restore/restore-table.ts'
import { CHANGE_FIELDS, comparable, model, openLake, type LakeFixture } from '../../transform/lake-fixture.ts'

/** `table restore` on silver and gold: the next build catches up, as if the table had never been further (I11). */

const FIELDS: readonly ColumnField[] = [
  { name: 'Id', type: { kind: 'string' }, nullable: true },
  { name: 'Shop', type: { kind: 'string' }, nullable: true },
  { name: 'ChangedAt', type: { kind: 'timestamp' }, nullable: true },
  ...CHANGE_FIELDS,
]
const CARRIED = '_op, _record_ts, _epoch, _partition, _offset'
const MODELS: readonly ModelDefinition[] = [
  model(
    'silver.orders',
    'kind: merge\nkey: id\nsequence_by: changed_at\n',
    `select Id as id, Shop as shop, ChangedAt as changed_at, ${CARRIED} from bronze.orders`,
  ),
  model(
    'gold.dim_shop',
    'kind: scd2\nkey: shop\nsequence_by: changed_at\ntie_break: [id]\ntrack: id\nsurrogate_key: shop_sk\n',
    `select Shop as shop, Id as id, ChangedAt as changed_at, ${CARRIED} from bronze.orders where Shop <> 'none'`,
  ),
  model(
    'gold.fact_orders',
    'kind: merge\nkey: id\nlookups:\n  - {dimension: gold.dim_shop, on: {shop: shop}, at: changed_at, as: shop_sk}\n',
    'select id, shop, changed_at from silver.orders',
  ),
]

let offset = 0
function change(id: string, shop: string, day: number): string {
  offset += 1
  return `select '${id}' as Id, '${shop}' as Shop, timestamp '2020-01-01' + interval (${day}) day as ChangedAt, 'c' as _op, timestamp '2020-01-05' as _record_ts, 0 as _epoch, 0 as _partition, ${offset} as _offset`
}

async function withLake(work: (lake: LakeFixture) => Promise<void>): Promise<void> {
  const lake = await openLake({ bronze: { orders: ['Id'] } })
  try {
    await work(lake)
  } finally {
    await lake.close()
  }
}
const land = (lake: LakeFixture, ...changes: readonly string[]): Promise<number> =>
  lake.write('bronze.orders', { sql: changes.join(' union all '), fields: FIELDS })
async function contents(lake: LakeFixture): Promise<unknown> {
  const tables: unknown[] = []
  for (const { layer, table } of MODELS) tables.push(comparable(await lake.rows(`${layer}.${table}`)))
  return tables
}
async function restore(lake: LakeFixture, table: string, version: number): Promise<number> {
  const world = { ...lake.world, log: {} } as unknown as RestoreWorld
  return restoreTable(world, await prepareRestore(world, table, { version }))
}
async function build(lake: LakeFixture): Promise<readonly string[]> {
  return (await lake.build(MODELS)).map(({ model: name, outcome, mode, error }) => {
    assert.equal(error, null, error?.message)
    return `${name} ${outcome} ${mode}`
  })
}

test('I11: after a restore the next build catches up by increment, and leaves what stood before', () =>
  withLake(async (lake) => {
    await land(lake, change('a', 'x', 1), change('b', 'y', 2))
    await build(lake)
    await land(lake, change('a', 'z', 3), change('c', 'x', 4))
    await build(lake)
    const before = await contents(lake)
    for (const table of ['silver.orders', 'gold.fact_orders', 'gold.dim_shop']) {
      await restore(lake, table, 0)
      assert.notDeepEqual(await contents(lake), before)
      const lines = await build(lake)
      assert.ok(lines.includes(`${table} built increment`), lines.join('; '))
      assert.deepEqual(await contents(lake), before)
      for (const line of await build(lake)) assert.match(line, / unchanged /)
    }
  }))

test('a table that goes back past a change of its inputs’ tables is rebuilt', () =>
  withLake(async (lake) => {
    await land(lake, change('a', 'x', 1))
    await build(lake)
    const { rm } = await import('node:fs/promises')
    await rm(`${lake.folder}/lake/bronze/orders`, { recursive: true })
    await land(lake, change('q', 'x', 1))
    await build(lake)
    const before = await contents(lake)
    await restore(lake, 'silver.orders', 0)
    const outcomes = await lake.build(MODELS)
    const orders = outcomes.find((each) => each.model === 'silver.orders')!
    assert.deepEqual([orders.mode, orders.reason], ['rebuild', 'the table was restored to other inputs'])
    assert.deepEqual(await contents(lake), before)
  }))

test('a dimension that goes back to before its unknown member gets it again', () =>
  withLake(async (lake) => {
    await land(lake, change('a', 'x', 1))
    await build(lake)
    await land(lake, change('b', 'none', 2))
    await build(lake)
    const before = await contents(lake)
    assert.deepEqual(await lake.rows('gold.dim_shop', "select count(*) as n from t where shop_sk = '-1'"), [{ n: 1n }])
    await restore(lake, 'gold.dim_shop', 0)
    await build(lake)
    assert.deepEqual(await contents(lake), before)
  }))
