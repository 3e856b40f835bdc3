import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
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
    },
    topics: { orders: { partitions: 2 }, whole: { partitions: 1 } },
    tables: { bronze: { orders: { topic: 'orders' }, whole: { topic: 'whole' } } },
  }
  const fields = [
    { name: 'order_id', type: 'int' },
    { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 } },
    { name: 'updated_at', type: { type: 'long', logicalType: 'local-timestamp-micros' } },
  ]
  const contract = JSON.stringify({ type: 'record', name: 'Order', fields })
  const files = {
    'sluice.yaml': JSON.stringify(settings),
    'schemas/orders-value.avsc': contract,
    'schemas/whole-value.avsc': contract,
    'models/silver/orders.sql':
      'select order_id, amount, updated_at, _op, _record_ts, _epoch, _partition, _offset from bronze.orders',
    'models/silver/orders.yaml': 'description: Orders.\nkind: merge\nkey: [order_id]\nsequence_by: updated_at\n',
  }
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(cwd, name, '..'), { recursive: true })
    await writeFile(join(cwd, name), text)
  }
  await sluiceJson(['connect', 'orders'], { cwd })
  await sluiceJson(['ingest', 'orders'], { cwd })
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
