import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ColumnField } from '../../src/domain/column-batch.ts'
import type { ModelDefinition } from '../../src/domain/model.ts'
import type { ModelOutcome } from '../../src/transform/build.ts'
import { setNullable } from '../support/alter-table.ts'
import { CHANGE_FIELDS, model, openLake } from './lake-fixture.ts'
import type { LakeFixture } from './lake-fixture.ts'

const FIELDS: readonly ColumnField[] = [
  { name: 'Id', type: { kind: 'string' }, nullable: true },
  { name: 'Shop', type: { kind: 'string' }, nullable: true },
  { name: 'ChangedAt', type: { kind: 'timestamp' }, nullable: true },
  { name: 'Amount', type: { kind: 'int32' }, nullable: true },
  ...CHANGE_FIELDS,
]
const CARRIED = '_op, _record_ts, _epoch, _partition, _offset'
const ORDERS = model(
  'silver.orders',
  'kind: merge\nkey: id\nsequence_by: changed_at\n',
  `select Id as id, Shop as shop, ChangedAt as changed_at, Amount as amount, ${CARRIED} from bronze.orders`,
)
const TOTAL = model('gold.total', 'kind: full\n', 'select sum(amount) as amount, count(*) as n from silver.orders')

let offset = 0
/** One change as a SELECT; `day` is of January 2020, null for a tombstone. */
function change(id: string | null, shop: string, day: number | null, amount = 1, op = 'c'): string {
  offset += 1
  const text = id === null ? 'null' : `'${id}'`
  const at = day === null ? 'null' : `timestamp '2020-01-01' + interval (${day - 1}) day`
  const own = day === null ? 'null, null, null' : `'${shop}', ${at}, ${amount}`
  return `select * from (values (${text}, ${own}, '${day === null ? 'd' : op}', timestamp '2020-01-05', 0, 0, ${offset})) v(${FIELDS.map((f) => f.name).join(', ')})`
}

async function withLake(work: (lake: LakeFixture) => Promise<void>): Promise<void> {
  const lake = await openLake({ bronze: { orders: ['Id'] } })
  try {
    await work(lake)
  } finally {
    await lake.close()
  }
}

function land(lake: LakeFixture, ...changes: readonly string[]): Promise<number> {
  return lake.write('bronze.orders', { sql: changes.join(' union all '), fields: FIELDS })
}

function brief(outcomes: readonly ModelOutcome[]): readonly string[] {
  return outcomes.map(({ model: name, outcome, reason }) => `${name} ${outcome}: ${reason}`)
}

function find(outcomes: readonly ModelOutcome[], name: string): ModelOutcome {
  const found = outcomes.find((outcome) => outcome.model === name)
  assert.ok(found)
  return found
}

test('a deleted key keeps its place: an older update that comes late does not bring it back, a newer one does', () =>
  withLake(async (lake) => {
    await land(lake, change('a', 'x', 2), change('b', 'x', 2))
    await lake.build([ORDERS, TOTAL])
    await land(lake, change('a', '', null))
    await lake.build([ORDERS, TOTAL])
    await land(lake, change('a', 'late', 4))
    await lake.build([ORDERS, TOTAL])
    const rows = () => lake.rows('silver.orders', 'select id, shop, _deleted from t order by id')
    assert.deepEqual(await rows(), [
      { id: 'a', shop: null, _deleted: true },
      { id: 'b', shop: 'x', _deleted: false },
    ])
    assert.deepEqual(await lake.rows('gold.total'), [{ amount: '1', n: 1n }])
    await land(lake, change('a', 'new', 6, 5))
    await lake.build([ORDERS, TOTAL])
    assert.deepEqual((await rows())[0], { id: 'a', shop: 'new', _deleted: false })
    assert.deepEqual(await lake.rows('gold.total'), [{ amount: '6', n: 2n }])
  }))

test('a model that fails names its file and the engine’s words; what is downstream is skipped by name, others go on', () =>
  withLake(async (lake) => {
    await land(lake, change('a', 'secret', 1))
    const broken = model('silver.broken', 'kind: full\n', 'select nope from bronze.orders')
    const below = model('gold.below', 'kind: full\n', 'select * from silver.broken')
    const lower = model('gold.lower', 'kind: full\n', 'select * from gold.below')
    const outcomes = await lake.build([ORDERS, broken, below, lower, TOTAL])
    assert.equal(find(outcomes, 'silver.broken').error?.code, 'MODEL_SQL')
    assert.match(find(outcomes, 'silver.broken').error?.message ?? '', /^silver.broken.sql: Binder Error: .*nope/)
    assert.equal(find(outcomes, 'silver.broken').error?.where.file, 'silver.broken.sql')
    assert.equal(find(outcomes, 'gold.below').reason, 'silver.broken failed')
    assert.equal(find(outcomes, 'gold.lower').reason, 'gold.below was skipped')
    assert.equal(find(outcomes, 'gold.total').outcome, 'built')
    const syntax = await lake.build([model('silver.syntax', 'kind: full\n', 'select a, from from bronze.orders')])
    assert.equal(syntax[0]?.error?.code, 'MODEL_SQL')
    const value = await lake.build([
      model('silver.v', 'kind: full\n', 'select cast(Shop as int) as s from bronze.orders'),
    ])
    assert.match(value[0]?.error?.message ?? '', /silver.v.sql: Conversion Error/)
    assert.doesNotMatch(value[0]?.error?.message ?? '', /secret/, 'I13: no value of a record')
  }))

test('a NOT NULL that another engine set on a result stays, through new columns too; a null there is refused by name', () =>
  withLake(async (lake) => {
    const table = join(lake.folder, 'lake/silver/orders')
    const wider = model(
      'silver.orders',
      'kind: merge\nkey: id\nsequence_by: changed_at\n',
      `select Id as id, Shop as shop, ChangedAt as changed_at, Amount as amount, Amount + 1 as more, ${CARRIED} from bronze.orders`,
    )
    await land(lake, change('a', 'x', 1))
    await lake.build([ORDERS])
    await setNullable(table, 'amount', false)
    await land(lake, change('b', 'x', 2))
    assert.equal(find(await lake.build([wider]), 'silver.orders').outcome, 'built')
    const fields = async () =>
      (await lake.snapshot('silver.orders'))!.metadata.fields.map(({ name, nullable }) => `${name} ${nullable}`)
    assert.deepEqual((await fields()).slice(0, 5), [
      'id true',
      'shop true',
      'changed_at true',
      'amount false',
      'more true',
    ])
    const before = await lake.snapshot('silver.orders')
    await land(lake, change('a', '', null))
    const { outcome, error } = find(await lake.build([wider]), 'silver.orders')
    assert.deepEqual([outcome, error?.code], ['failed', 'COLUMN_NOT_NULL'])
    assert.match(error!.message, /^column amount of .*silver\/orders takes no nulls/)
    assert.equal((await lake.snapshot('silver.orders'))!.version, before!.version)
    await setNullable(table, 'amount', true)
    assert.equal(find(await lake.build([wider]), 'silver.orders').outcome, 'built')
    assert.deepEqual(await lake.rows('silver.orders', 'select id, amount, _deleted from t order by id'), [
      { id: 'a', amount: null, _deleted: true },
      { id: 'b', amount: 1, _deleted: false },
    ])
  }))

test('I10: the gate judges the staged result before its commit, and what it blocks is not committed', () =>
  withLake(async (lake) => {
    await land(lake, change('a', 'x', 1))
    const judged: string[] = []
    const outcomes = await lake.build([ORDERS, TOTAL], {
      judge: async ({ node, rows, files }) => {
        assert.equal(await lake.snapshot(node.name), null)
        judged.push(`${node.name} ${rows} ${files.length}`)
        return { kind: 'blocked', reason: 'too few rows' }
      },
    })
    assert.deepEqual(judged, ['silver.orders 1 1'])
    assert.deepEqual(brief(outcomes), [
      'silver.orders blocked: too few rows',
      'gold.total skipped: silver.orders was blocked',
    ])
    assert.equal(outcomes[0]?.error?.code, 'GATE_BLOCKED')
    assert.equal(await lake.snapshot('silver.orders'), null)
  }))

test('without its input a model is skipped, and a dry run says what it would do and does nothing', () =>
  withLake(async (lake) => {
    assert.deepEqual(brief(await lake.build([ORDERS, TOTAL])), [
      'silver.orders skipped: bronze.orders has no table yet',
      'gold.total skipped: silver.orders was skipped',
    ])
    await land(lake, change('a', 'x', 1))
    await lake.build([ORDERS, TOTAL])
    await land(lake, change('b', 'x', 1))
    assert.deepEqual(brief(await lake.build([ORDERS, TOTAL], { dryRun: true })), [
      'silver.orders planned: bronze.orders changed',
      'gold.total planned: silver.orders would change',
    ])
    assert.equal((await lake.snapshot('silver.orders'))?.version, 0)
  }))

test('I11: a changed definition, a table made anew and vacuumed files each make a rebuild, and it says so', () =>
  withLake(async (lake) => {
    await land(lake, change('a', 'x', 1))
    await land(lake, change('b', 'x', 1))
    await lake.build([ORDERS])
    const wider = model(
      'silver.orders',
      'kind: merge\nkey: id\nsequence_by: changed_at\n',
      ORDERS.sql.replace('Amount as amount', 'Amount as amount, Amount * 2 as twice'),
    )
    assert.deepEqual(brief(await lake.build([wider])), ['silver.orders built: the definition changed'])
    assert.deepEqual(await lake.rows('silver.orders', 'select id, twice from t order by id'), [
      { id: 'a', twice: 2 },
      { id: 'b', twice: 2 },
    ])
    const files = [...((await lake.snapshot('bronze.orders'))?.files.keys() ?? [])]
    await lake.write('bronze.orders', { sql: change('c', 'y', 3), fields: FIELDS, removes: files })
    for (const path of files) await rm(join(lake.folder, 'lake/bronze/orders', path))
    assert.deepEqual(brief(await lake.build([wider])), ['silver.orders built: files that came or went were vacuumed'])
    assert.deepEqual(await lake.rows('silver.orders', 'select id from t'), [{ id: 'c' }])
    await rm(join(lake.folder, 'lake/bronze/orders'), { recursive: true })
    await land(lake, change('d', 'y', 3))
    assert.deepEqual(brief(await lake.build([wider])), [
      'silver.orders built: bronze.orders is another table than before',
    ])
    assert.deepEqual(await lake.rows('silver.orders', 'select id from t'), [{ id: 'd' }])
  }))

test('a key that a SELECT gives twice is refused, and rows without a whole key are told', () =>
  withLake(async (lake) => {
    await land(lake, change('a', 'x', 1), change('b', 'x', 1), change(null, 'x', 1))
    const perShop = model('gold.shops', 'kind: merge\nkey: shop\n', 'select shop, id from silver.orders')
    const outcomes = await lake.build([ORDERS, perShop])
    assert.equal(find(outcomes, 'gold.shops').error?.code, 'MODEL_INVALID')
    assert.match(find(outcomes, 'gold.shops').reason, /1 keys \(shop\) have more than one row/)
    const warning = lake.events.find((event) => event.type === 'warning')
    assert.ok(warning?.type === 'warning')
    assert.equal(warning.message, 'silver.orders left out 1 rows without a whole key')
    const latest = model('gold.shops', 'kind: merge\nkey: shop\nsequence_by: id\n', perShop.sql)
    await lake.build([ORDERS, latest])
    assert.deepEqual(await lake.rows('gold.shops'), [{ shop: 'x', id: 'b' }])
  }))

test('the unknown member stands in a dimension exactly while a fact needs it, over rebuilds too', () =>
  withLake(async (lake) => {
    const shops = model(
      'gold.dim_shop',
      'kind: scd2\nkey: shop\nsequence_by: at_time\ntie_break: id\ntrack: amount\nsurrogate_key: shop_sk\n',
      `select Shop as shop, ChangedAt as at_time, Id as id, Amount as amount, ${CARRIED} from bronze.orders where Amount > 1 or _op = 'd'`,
    )
    const fact = model(
      'gold.fact',
      'kind: merge\nkey: id\nlookups:\n  - {dimension: gold.dim_shop, on: {shop: shop}, at: changed_at, as: shop_sk}\n',
      'select id, shop, changed_at from silver.orders',
    )
    const models = [ORDERS, shops, fact]
    const members = async (): Promise<readonly (string | boolean)[]> =>
      (await lake.rows('gold.dim_shop', `select coalesce(shop, shop_sk) as m from t order by 1`)).map((row) =>
        JSON.stringify(row['m']),
      )
    await land(lake, change('a', 'x', 2, 5), change('b', 'y', 2, 1))
    await lake.build(models)
    assert.deepEqual(await members(), ['"-1"', '"x"'])
    const [unknown] = await lake.rows('gold.dim_shop', `select * from t where shop_sk = '-1'`)
    assert.deepEqual(unknown, {
      shop_sk: '-1',
      shop: null,
      amount: null,
      valid_from: null,
      valid_to: null,
      is_current: true,
    })
    assert.deepEqual(await lake.rows('gold.fact', `select id from t where shop_sk = '-1'`), [{ id: 'b' }])
    await lake.build(models, { select: ['gold.dim_shop'], fullRefresh: true })
    assert.deepEqual(await members(), ['"-1"', '"x"'])
    // the shop becomes known from before the sale on: no fact is on the unknown member any more
    await land(lake, change('c', 'y', 1, 7))
    await lake.build(models)
    assert.deepEqual(await members(), ['"x"', '"y"'])
    assert.equal((await lake.rows('gold.fact', `select id from t where shop_sk = '-1'`)).length, 0)
    const versions = async () =>
      Promise.all(models.map(async ({ layer, table }) => (await lake.snapshot(`${layer}.${table}`))?.version))
    const before = await versions()
    await lake.build(models)
    assert.deepEqual(await versions(), before)
  }))

test('a dimension without versions is looked up by its key alone, and a deleted member is unknown', () =>
  withLake(async (lake) => {
    const dimension = model(
      'gold.dim_id',
      'kind: merge\nkey: id\nsurrogate_key: id_sk\nsequence_by: changed_at\n',
      ORDERS.sql,
    )
    const fact = model(
      'gold.fact',
      'kind: merge\nkey: id\nlookups:\n  - {dimension: gold.dim_id, on: {shop: id}, as: parent_sk}\n',
      'select id, shop from silver.orders',
    )
    const models: readonly ModelDefinition[] = [ORDERS, dimension, fact]
    await land(lake, change('a', 'a', 1), change('b', 'a', 1))
    await lake.build(models)
    const unknown = () => lake.rows('gold.fact', `select id from t where parent_sk = '-1' order by id`)
    assert.deepEqual(await unknown(), [])
    await land(lake, change('a', '', null))
    await lake.build(models)
    assert.deepEqual(await unknown(), [{ id: 'b' }])
    assert.deepEqual(await lake.rows('gold.dim_id', `select id, _deleted from t order by id`), [
      { id: 'a', _deleted: true },
      { id: 'b', _deleted: false },
      { id: null, _deleted: false },
    ])
  }))

test('I3: of builds at one time each commits once or finds nothing to do, and the rows are right', () =>
  withLake(async (lake) => {
    await land(lake, change('a', 'x', 1))
    await lake.build([ORDERS, TOTAL])
    await land(lake, change('b', 'x', 1, 3))
    const builds = await Promise.all([1, 2, 3].map(() => lake.build([ORDERS, TOTAL])))
    for (const outcomes of builds) for (const { error } of outcomes) assert.equal(error, null, error?.message)
    assert.equal((await lake.snapshot('silver.orders'))?.version, 1)
    assert.equal((await lake.snapshot('gold.total'))?.version, 1)
    assert.deepEqual(await lake.rows('gold.total'), [{ amount: '4', n: 2n }])
  }))

test('a SELECT that groups is worked out again whole, and only what differs is written', () =>
  withLake(async (lake) => {
    const perShop = model(
      'gold.shops',
      'kind: merge\nkey: shop\npartition_by: shop\n',
      'select shop, count(*) as n from silver.orders group by shop',
    )
    await land(lake, change('a', 'x', 1), change('b', 'y', 1))
    await lake.build([ORDERS, perShop])
    const before = (await lake.snapshot('gold.shops'))?.files
    await land(lake, change('c', 'y', 1))
    await lake.build([ORDERS, perShop])
    const after = (await lake.snapshot('gold.shops'))?.files
    assert.deepEqual(await lake.rows('gold.shops', 'select shop, n from t order by shop'), [
      { shop: 'x', n: 1n },
      { shop: 'y', n: 2n },
    ])
    const kept = [...(before?.keys() ?? [])].filter((path) => after?.has(path))
    assert.equal(kept.length, 1)
    assert.match(kept[0] ?? '', /shop=x/)
  }))
