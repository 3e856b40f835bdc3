import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SluiceError } from '../../../src/domain/errors.ts'
import { runQuery, type QueryRequest, type QueryWorld } from '../../../src/operate/look/query.ts'
import type { PlainRow } from '../../../src/operate/look/plain-rows.ts'
import { commitTransaction } from '../../../src/lake/commit.ts'
import { storePath } from '../../../src/lake/log/file-key.ts'
import { openSnapshot } from '../../../src/lake/snapshot.ts'
import { orders, produce, registerOrders } from '../../support/orders.ts'
import { ingestAll, scratchWorld } from '../../support/scratch-world.ts'
import type { TestWorld } from '../../support/world.ts'

const ask = (world: QueryWorld, sql: string, more: Partial<QueryRequest> = {}): Promise<PlainRow[]> =>
  runQuery(world, { sql, asOfMs: null, places: new Map(), maxRows: null, ...more })

const refusal = async (asked: Promise<unknown>): Promise<SluiceError> => {
  const error: unknown = await asked.then(
    () => assert.fail('it was answered'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof SluiceError)
  return error
}

async function withOrders(world: TestWorld, count = 5): Promise<void> {
  const schema = await registerOrders(world)
  await produce(world, orders(schema, count))
  await ingestAll(world)
}

test('a table of the lake is read under its own name, its own columns only', async (t) => {
  const world = await scratchWorld(t)
  await withOrders(world)
  assert.deepEqual(await ask(world, 'select count(*) as c, sum(n) as s from bronze.orders'), [{ c: 5, s: 10 }])
  assert.deepEqual(await ask(world, 'select BRONZE.Orders.id, orders.n from Bronze.ORDERS where n > 3'), [
    { id: 'k4', n: 4 },
  ])
  const [row] = await ask(world, 'select * from bronze.orders o limit 1')
  assert.ok(!Object.hasOwn(row!, '_file'))
  assert.ok(Object.hasOwn(row!, '_offset'))
})

test('values are plain JSON without loss', async (t) => {
  const world = await scratchWorld(t)
  const sql = `select 9007199254740991::bigint as safe, 9007199254740993::bigint as big, 1.50::decimal(9,2) as price,
    timestamp '2026-01-02 03:04:05.000006' as at, 'nan'::double as odd, [1::bigint, null] as list, {'a': 2::bigint} as st, null as none`
  assert.deepEqual(await ask(world, sql), [
    {
      safe: 9007199254740991,
      big: '9007199254740993',
      price: '1.50',
      at: '2026-01-02T03:04:05.000006Z',
      odd: 'NaN',
      list: [1, null],
      st: { a: 2 },
      none: null,
    },
  ])
})

test('a table is read as of a time, and refused by name before its first commit', async (t) => {
  const world = await scratchWorld(t)
  await withOrders(world, 2)
  const between = world.clock.nowMs()
  await world.clock.sleep(5)
  const schema = await registerOrders(world)
  await produce(world, orders(schema, 3, 2))
  await ingestAll(world)
  const sql = 'select count(*) as c from bronze.orders'
  assert.deepEqual(await ask(world, sql, { asOfMs: between }), [{ c: 2 }])
  assert.deepEqual(await ask(world, sql), [{ c: 5 }])
  assert.equal((await refusal(ask(world, sql, { asOfMs: 0 }))).code, 'VERSION_UNKNOWN')
})

test('a version that a vacuum cut is refused by its code', async (t) => {
  const world = await scratchWorld(t)
  await withOrders(world, 2)
  const schema = await registerOrders(world)
  await produce(world, orders(schema, 3, 2))
  await ingestAll(world)
  const sql = 'select count(*) as c from bronze.orders'
  const store = world.lake.at('bronze/orders')
  const now = (await openSnapshot(store))!
  const [first] = now.files.values()
  const operation = { name: 'DELETE', parameters: {}, metrics: {} }
  const none = { txns: new Map(), expectTxns: new Map(), adds: [], operation, clock: world.clock }
  await commitTransaction({
    store,
    snapshot: now,
    ...none,
    removes: [first!],
    reads: 'removed-files',
    dataChange: true,
  })
  assert.deepEqual(await ask(world, sql, { versions: new Map([['bronze.orders', 1]]) }), [{ c: 5 }])
  await store.delete([storePath(first!.path)])
  const gone = await refusal(ask(world, sql, { versions: new Map([['bronze.orders', 1]]) }))
  assert.equal(gone.code, 'VERSION_VACUUMED')
  assert.match(gone.hint, /table history/)
  assert.equal((await ask(world, sql)).length, 1)
})

test('any Delta table is read by its place, also without a lake', async (t) => {
  const world = await scratchWorld(t)
  await withOrders(world)
  const places = new Map([['mine', `${world.lake.uri}/bronze/orders`]])
  assert.deepEqual(await ask({ ...world, lake: null }, 'select count(*) as c from mine', { places }), [{ c: 5 }])
  assert.deepEqual(await ask(world, 'select count(*) as c from mine join bronze.orders using (id)', { places }), [
    { c: 5 },
  ])
  const none = await refusal(ask(world, 'select 1 from x', { places: new Map([['x', world.folder]]) }))
  assert.deepEqual([none.code, none.row.exit], ['TABLE_UNSUPPORTED', 2])
  assert.match(none.message, /is no Delta table/)
  const unknown = await refusal(ask({ ...world, lake: null }, 'select 1 from silver.x', { places }))
  assert.equal(unknown.code, 'TABLE_UNKNOWN')
  assert.match(unknown.message, /only mine is named by --table/)
})

test('an unknown table is named with the nearest', async (t) => {
  const world = await scratchWorld(t)
  await withOrders(world)
  for (const [sql, message] of [
    ['select * from bronze.order', /no table bronze\.order; did you mean bronze\.orders\?/],
    ['select * from orders', /no table orders; did you mean bronze\.orders\?/],
    ['select * from silver.orders', /no table silver\.orders; did you mean bronze\.orders\?/],
  ] as const) {
    const error = await refusal(ask(world, sql))
    assert.deepEqual([error.code, error.row.exit], ['TABLE_UNKNOWN', 2])
    assert.match(error.message, message)
  }
})

test('a bronze table that held data and is gone stops the question loudly (I8)', async (t) => {
  const world = await scratchWorld(t)
  await withOrders(world)
  await ingestAll(world)
  const files: string[] = []
  for await (const { path } of world.lake.list('bronze/orders/')) files.push(path)
  await world.lake.delete(files)
  assert.equal((await refusal(ask(world, 'select * from bronze.orders'))).code, 'TABLE_MISSING')
})

test('SQL reads tables and nothing else', async (t) => {
  const world = await scratchWorld(t)
  await withOrders(world)
  for (const sql of [
    'drop table x',
    'delete from bronze.orders',
    'select 1; select 2',
    "copy (select 1) to '/tmp/sluice-never.csv'",
    "select * from read_csv('/etc/passwd')",
    "attach '/tmp/sluice-never.db'",
    'selec 1',
    'select nope from bronze.orders',
  ]) {
    const error = await refusal(ask(world, sql))
    assert.deepEqual([error.code, error.row.exit], ['QUERY_INVALID', 2], sql)
  }
})

test('a long answer is handed on in pieces, waits for each, and ends where no more is wanted', async (t) => {
  const world = await scratchWorld(t)
  const seen = { names: [] as readonly string[], rows: 0, most: 0, pieces: 0, open: false }
  const take = (wanted: number): QueryRequest['into'] => ({
    columns: (names) => void (seen.names = names),
    async rows(rows) {
      assert.equal(seen.open, false)
      seen.open = true
      await new Promise((done) => setImmediate(done))
      seen.open = false
      seen.rows += rows.length
      seen.most = Math.max(seen.most, rows.length)
      seen.pieces += 1
      return seen.rows < wanted
    },
  })
  const sql = 'select i, i * 2 as twice from range(300000) r(i)'
  assert.deepEqual(await ask(world, sql, { into: take(Number.POSITIVE_INFINITY)! }), [])
  assert.deepEqual([seen.names, seen.rows], [['i', 'twice'], 300_000])
  assert.ok(seen.most <= 4096, `${seen.most} rows at once`)
  Object.assign(seen, { rows: 0, pieces: 0 })
  await ask(world, sql, { into: take(1)! })
  assert.equal(seen.pieces, 1)
  Object.assign(seen, { rows: 0 })
  await ask(world, sql, { into: take(Number.POSITIVE_INFINITY)!, maxRows: 5000 })
  assert.equal(seen.rows, 5000)
})

test('a table is read at a version of its own beside others as they are now', async (t) => {
  const world = await scratchWorld(t)
  await withOrders(world, 2)
  const schema = await registerOrders(world)
  await produce(world, orders(schema, 3, 2))
  await ingestAll(world)
  const sql = 'select count(*) as c from bronze.orders'
  const version = 1
  assert.deepEqual(await ask(world, sql, { versions: new Map([['Bronze.Orders', version - 1]]) }), [{ c: 2 }])
  assert.deepEqual(await ask(world, sql, { versions: new Map([['bronze.orders', version]]) }), [{ c: 5 }])
  const beyond = await refusal(ask(world, sql, { versions: new Map([['bronze.orders', 99]]) }))
  assert.equal(beyond.code, 'VERSION_UNKNOWN')
  const unread = await refusal(ask(world, sql, { versions: new Map([['silver.orders', 0]]) }))
  assert.equal(unread.code, 'USAGE')
})
