import assert from 'node:assert/strict'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { postgresMissing, startPostgres, type Postgres } from '../../../services/postgres.ts'
import { REPOSITORY, sluice, sluiceJson, temporaryFolder } from '../../../support/sluice.ts'

/** `reconcile`, `backfill` and `checkpoint reset --source` as a user meets them, on tables of a database. */

const skip = await postgresMissing()
const ROWS = 25_000
const KILL_AT = [join(REPOSITORY, 'test/support/kill-at.ts')]
let server: Postgres
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let cwd = ''

before(async () => {
  if (skip !== false) return
  folder = await temporaryFolder('databases')
  cwd = folder.path
  server = await startPostgres()
  await server.run(
    'create table orders (order_id int primary key, amount numeric(12,2) not null, updated_at timestamp not null)',
    `insert into orders select i, i * 0.01, '2026-01-01'::timestamp + i * interval '1 minute' from generate_series(1, ${ROWS}) i`,
  )
  await server.run(
    'create table rates (rate numeric(8,2), taken timestamp, seen timestamp default now(), primary key (rate, taken))',
    "insert into rates values (1.5, '2026-01-01'), (20, '2026-01-01 00:00:00.5'), (-0.25, '1969-12-31 23:59')",
  )
  const { host, port, database, user, password, tls } = server.options
  const login = {
    connector: 'redshift',
    host,
    port,
    database,
    user,
    password,
    tls,
    table: 'orders',
    primary_key: ['order_id'],
  }
  const settings = {
    lake: { uri: 'lake' },
    broker: { kind: 'embedded', dir: 'log' },
    registry: { kind: 'embedded', dir: 'registry' },
    sources: {
      orders: { ...login, topic: 'orders', watermark_column: 'updated_at' },
      whole: { ...login, topic: 'whole', load_type: 'full' },
      rates: { ...login, table: 'rates', primary_key: ['rate', 'taken'], topic: 'rates', watermark_column: 'seen' },
    },
    topics: { orders: { partitions: 2 }, whole: { partitions: 1 }, rates: { partitions: 1 } },
    tables: { bronze: { orders: { topic: 'orders' }, whole: { topic: 'whole' }, rates: { topic: 'rates' } } },
  }
  const fields = [
    { name: 'order_id', type: 'int' },
    { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 } },
    { name: 'updated_at', type: { type: 'long', logicalType: 'local-timestamp-micros' } },
  ]
  const contract = JSON.stringify({ type: 'record', name: 'Order', fields })
  const rateFields = [
    { name: 'rate', type: { type: 'bytes', logicalType: 'decimal', precision: 8, scale: 2 } },
    { name: 'taken', type: { type: 'long', logicalType: 'local-timestamp-micros' } },
    { name: 'seen', type: { type: 'long', logicalType: 'local-timestamp-micros' } },
  ]
  const files = {
    'sluice.yaml': JSON.stringify(settings),
    'schemas/orders-value.avsc': contract,
    'schemas/whole-value.avsc': contract,
    'schemas/rates-value.avsc': JSON.stringify({ type: 'record', name: 'Rate', fields: rateFields }),
    'models/silver/orders.sql':
      'select order_id, amount, updated_at, _op, _record_ts, _epoch, _partition, _offset from bronze.orders',
    'models/silver/orders.yaml': 'description: Orders.\nkind: merge\nkey: [order_id]\nsequence_by: updated_at\n',
    'models/silver/rates.sql':
      'select rate, taken, seen, _op, _record_ts, _epoch, _partition, _offset from bronze.rates',
    'models/silver/rates.yaml': 'description: Rates.\nkind: merge\nkey: [rate, taken]\nsequence_by: seen\n',
  }
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(cwd, name, '..'), { recursive: true })
    await writeFile(join(cwd, name), text)
  }
  await sluiceJson(['connect', 'orders', 'rates'], { cwd })
  await sluiceJson(['ingest', 'orders', 'rates'], { cwd })
  await sluiceJson(['build'], { cwd })
})
after(async () => {
  if (skip !== false) return
  await server.close()
  await folder.remove()
})

interface Reconciled {
  readonly source_rows: number
  readonly table_rows: number
  readonly missing: { readonly count: number; readonly keys: readonly string[][] }
  readonly extra: { readonly count: number; readonly keys: readonly string[][] }
}
interface Backfill {
  readonly sources: readonly {
    readonly source: string
    readonly outcome: string
    readonly start: string
    readonly end: string
    readonly resumed: boolean
    readonly batch_id: string | null
    readonly read: number
    readonly appended: number
    readonly refused: number
    readonly changes?: readonly object[]
  }[]
}
interface Checkpoints {
  readonly sources: readonly { readonly source: string; readonly sequence: string; readonly entries: object }[]
}

const progress = async (): Promise<unknown> =>
  (await sluiceJson<Checkpoints>(['checkpoint', 'show', '--source', 'orders'], { cwd })).sources[0]
const BACKFILL = ['backfill', '--table', 'orders', '--start', '2026-01-02', '--end', '2026-01-16']

test('what a source and its silver table hold is compared by key, and what differs is named', { skip }, async () => {
  const same = await sluiceJson<Reconciled>(['reconcile', 'silver.orders'], { cwd })
  assert.deepEqual([same.source_rows, same.table_rows, same.missing.count, same.extra.count], [ROWS, ROWS, 0, 0])
  // one that came too late for any overlap, one that is gone without a trace
  await server.run(
    "insert into orders values (0, 1, '2026-01-03'), (-1, 1, '2026-01-16 23:59')",
    'delete from orders where order_id = 7',
  )
  await sluiceJson(['connect', 'orders'], { cwd })
  const differs = await sluiceJson<Reconciled>(['reconcile', 'orders', '--limit', '1'], { cwd, exit: 1 })
  assert.deepEqual(
    [differs.missing.count, differs.missing.keys, differs.extra],
    [2, [['-1']], { count: 1, keys: [['7']] }],
  )
})

test('keys are compared by their types, not by how each side writes them', { skip }, async () => {
  const same = await sluiceJson<Reconciled>(['reconcile', 'silver.rates'], { cwd })
  assert.deepEqual([same.source_rows, same.table_rows, same.missing.count, same.extra.count], [3, 3, 0, 0])
  await server.run("insert into rates values (1.55, '2026-01-01')")
  const differs = await sluiceJson<Reconciled>(['reconcile', 'silver.rates'], { cwd, exit: 1 })
  assert.deepEqual([differs.missing.keys, differs.extra.count], [[['1.55', '2026-01-01T00:00:00Z']], 0])
})

test(
  'I9: a backfill reads a range again under one batch id, is killed and goes on, and leaves the watermark alone',
  { skip },
  async () => {
    const stood = await progress()
    assert.equal((await sluice(BACKFILL, { cwd })).code, 2)
    // by the database itself: 15 days, the last one included, and the two rows that came late
    const [counted] = await server.run(
      "select count(*)::int as n from orders where updated_at >= '2026-01-02' and updated_at < '2026-01-17'",
    )
    const { n } = counted!.rows[0] as { readonly n: number }
    const planned = await sluiceJson<Backfill>([...BACKFILL, '--dry-run'], { cwd })
    assert.deepEqual(planned.sources, [
      {
        source: 'orders',
        outcome: 'planned',
        start: '2026-01-02T00:00:00.000Z',
        end: '2026-01-17T00:00:00.000Z',
        resumed: false,
        batch_id: null,
        read: n,
        appended: n,
        refused: 0,
        changes: [
          {
            table: 'bronze.orders',
            key: ['order_id'],
            refused: 0,
            new: { count: 2, keys: [['-1'], ['0']] },
            changed: { count: 0, keys: [] },
            older: { count: 0, keys: [] },
            same: n - 2,
            gone: { count: 0, keys: [] },
            not_compared: null,
          },
        ],
      },
    ])
    const killed = await sluice([...BACKFILL, '--yes'], {
      cwd,
      preload: KILL_AT,
      env: { SLUICE_KILL: 'source.appended:2' },
    })
    assert.equal(killed.signal, 'SIGKILL')
    const { sources } = await sluiceJson<Backfill>([...BACKFILL, '--yes'], { cwd })
    const [done] = sources
    assert.deepEqual([done!.outcome, done!.resumed], ['caught_up', true])
    assert.equal(done!.read, n - 20_000)
    assert.deepEqual(await progress(), stood)
    await sluiceJson(['ingest', 'orders'], { cwd })
    const rows = await sluiceJson<{ n: number; k: number }[]>(
      [
        'query',
        `select count(*)::int as n, count(distinct order_id)::int as k from bronze.orders where _batch_id = '${done!.batch_id}'`,
      ],
      { cwd },
    )
    assert.deepEqual(rows, [{ n, k: n }])
    await sluiceJson(['build'], { cwd })
    const reconciled = await sluiceJson<Reconciled>(['reconcile', 'orders'], { cwd, exit: 1 })
    assert.deepEqual([reconciled.missing.count, reconciled.extra.count], [0, 1])
    assert.equal((await sluiceJson<{ ok: boolean }>(['verify', 'orders', '--against-log'], { cwd })).ok, true)
  },
)

test('a source can be set to a watermark, whose rows come first', { skip }, async () => {
  const args = ['checkpoint', 'reset', '--source', 'orders', '--to', '2026-01-18 08:00:00']
  assert.equal((await sluice(args, { cwd })).code, 2)
  await sluiceJson([...args, '--yes'], { cwd })
  const [counted] = await server.run("select count(*)::int as n from orders where updated_at >= '2026-01-18 08:00:00'")
  const { sources } = await sluiceJson<{ sources: { read: number }[] }>(['connect', 'orders'], { cwd })
  assert.equal(sources[0]!.read, (counted!.rows[0] as { n: number }).n)
})

test('a dry run tells by key what a backfill would change, and writes nothing', { skip }, async () => {
  await sluiceJson(['ingest', 'orders'], { cwd })
  const range = ['backfill', '--table', 'orders', '--start', '2026-01-04', '--end', '2026-01-04']
  await server.run(
    'update orders set amount = amount + 1 where order_id between 4400 and 4409',
    'delete from orders where order_id in (4500, 4501)',
    "update orders set updated_at = updated_at - interval '1 minute' where order_id = 4600",
    // what no decimal holds: it is refused, and not gone
    "update orders set amount = 'NaN' where order_id = 4700",
    // it left the range
    "update orders set updated_at = '2026-03-01' where order_id = 4800",
    "insert into orders values (-10, 1, '2026-01-04'), (-11, 1, '2026-01-04 23:59:59.999999')",
  )
  const [counted] = await server.run(
    "select count(*)::int as n from orders where updated_at >= '2026-01-04' and updated_at < '2026-01-05'",
  )
  const { n } = counted!.rows[0] as { readonly n: number }
  const stands = async (): Promise<unknown> => [
    await progress(),
    await listFiles(join(cwd, 'lake')),
    (await sluiceJson<{ partitions: object[] }>(['lag'], { cwd })).partitions,
  ]
  const stood = await stands()
  const [planned] = (await sluiceJson<Backfill>([...range, '--dry-run'], { cwd })).sources
  assert.deepEqual([planned!.read, planned!.refused], [n, 1])
  assert.deepEqual(planned!.changes, [
    {
      table: 'bronze.orders',
      key: ['order_id'],
      refused: 0,
      new: { count: 2, keys: [['-11'], ['-10']] },
      changed: { count: 10, keys: [['4400'], ['4401'], ['4402']] },
      older: { count: 1, keys: [['4600']] },
      same: n - 1 - 2 - 10 - 1,
      gone: { count: 3, keys: [['4500'], ['4501'], ['4800']] },
      not_compared: null,
    },
  ])
  const { stdout } = await sluice([...range, '--dry-run'], { cwd })
  assert.match(stdout, /bronze\.orders changed: 4400, 4401, 4402, …/)
  assert.deepEqual(await stands(), stood)
})

test('of a paused source nothing is read again', { skip }, async () => {
  const range = ['backfill', '--table', 'orders', '--start', '2026-01-06', '--end', '2026-01-06']
  await sluiceJson(['pause', 'source.orders', '--reason', 'its database moves'], { cwd })
  for (const how of ['--yes', '--dry-run']) {
    const { code, stdout } = await sluice([...range, how, '--json'], { cwd })
    const { error } = JSON.parse(stdout) as { error: { code: string; message: string } }
    assert.deepEqual([code, error.code], [6, 'SOURCE_PAUSED'])
    assert.match(error.message, /its database moves/)
  }
  await sluiceJson(['resume', 'source.orders'], { cwd })
  const { sources } = await sluiceJson<Backfill>([...range, '--yes'], { cwd })
  assert.equal(sources[0]!.outcome, 'caught_up')
})

/** Of the tables, without what a live process keeps of itself. */
async function listFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true })
  return names.filter((name) => !name.startsWith('_staging')).sort()
}

test(
  'a range is asked for in vain where there is none: no watermark, no table, no time between',
  { skip },
  async () => {
    const code = async (args: readonly string[]): Promise<string> => {
      const { stdout } = await sluice([...args, '--json'], { cwd })
      return (JSON.parse(stdout) as { error: { code: string } }).error.code
    }
    const range = ['--start', '2026-01-02', '--end', '2026-01-03']
    assert.equal(await code(['backfill', '--table', 'whole', ...range, '--yes']), 'SOURCE_NO_RANGE')
    assert.equal(await code(['checkpoint', 'reset', '--source', 'whole', '--to', '5', '--yes']), 'SOURCE_NO_RANGE')
    assert.equal(await code(['backfill', '--table', 'ordres', ...range, '--yes']), 'TABLE_UNKNOWN')
    assert.equal(
      await code(['backfill', '--table', 'orders', '--start', '2026-01-03', '--end', '2026-01-02', '--yes']),
      'USAGE',
    )
    assert.equal(await code(['reconcile', 'silver.ordres']), 'MODEL_UNKNOWN')
  },
)
