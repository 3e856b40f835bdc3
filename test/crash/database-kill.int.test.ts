import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import type pg from 'pg'

import { postgresMissing, startPostgres, type Postgres } from '../services/postgres.ts'
import { runSeed, seededRandom } from '../support/random.ts'
import { REPOSITORY, sluice, sluiceJson, temporaryFolder } from '../support/sluice.ts'

/**
 * A database that lives while it is read (PostgreSQL in Redshift's place): transactions that overlap and commit out of
 * order, updates of one time, soft deletes and hard ones. `connect` is killed with SIGKILL at random all the while. Then
 * silver is what the database holds, and the dimension is the history that the writer kept beside its changes, worked
 * out by the database itself.
 */
const skip = await postgresMissing()
const seed = runSeed() % 2 ** 31
const random = seededRandom(seed)
const below = (count: number): number => Math.floor(random() * count)

const ROUNDS = 3
const CUSTOMERS = 40
const KILL_AT = [join(REPOSITORY, 'test/support/kill-at.ts')]
const STEPS = ['source.read', 'source.appended', 'dataset.read']

test(
  `I9: killed at random while a writer changes its tables, a database's silver and SCD2 are its truth (SLUICE_SEED=${seed})`,
  { skip },
  async () => {
    const folder = await temporaryFolder('database-kill')
    const server = await startPostgres()
    try {
      await server.run(
        'create table customers (customer_id int primary key, city text not null, gone boolean not null default false, updated_at timestamptz not null)',
        'create table history (customer_id int, city text, gone boolean, updated_at timestamptz)',
        'create table stock (warehouse text, sku text, amount int not null, updated_at timestamptz not null, primary key (warehouse, sku))',
      )
      const config = await makeProject(folder.path, server)
      for (let round = 0; round < ROUNDS; round += 1) {
        const writing = { done: false }
        await Promise.all([writeRound(server).finally(() => (writing.done = true)), connectKilled(config, writing)])
        // every state of this round is told before the next one changes it
        await sluiceJson(['connect', '--config', config])
      }
      await sluiceJson(['run', '--config', config])
      await assertTruth(config, server)
      const idle = await sluiceJson<{ sources: { read: number }[] }>(['run', '--config', config])
      assert.deepEqual(
        idle.sources.map(({ read }) => read),
        [0, 0],
      )
      const proof = await sluiceJson<{ ok: boolean }>(['verify', '--against-log', '--config', config])
      assert.equal(proof.ok, true)
    } finally {
      await server.close()
      await folder.remove()
    }
  },
)

/** Each customer changes at most once a round, in one of two sessions at a time; the one that began first may end last. */
async function writeRound(server: Postgres): Promise<void> {
  const ids = Array.from({ length: CUSTOMERS }, (_, id) => id).filter(() => random() < 0.6)
  const sessions = await Promise.all([server.connect(), server.connect(), server.connect()])
  const [one, two, three] = sessions
  try {
    await Promise.all([
      writeCustomers(
        one,
        ids.filter((id) => id % 2 === 0),
      ),
      writeCustomers(
        two,
        ids.filter((id) => id % 2 === 1),
      ),
      writeStock(three),
    ])
  } finally {
    for (const session of sessions) await session.end()
  }
}

async function writeCustomers(client: pg.Client, ids: readonly number[]): Promise<void> {
  for (let at = 0; at < ids.length;) {
    const together = ids.slice(at, (at += 1 + below(4)))
    // now() is the time at which the transaction began: all of it is stamped alike, and before what commits meanwhile
    await client.query('begin')
    for (const id of together) {
      const values = [id, ['Oslo', 'Bern', 'Rome'][below(3)], random() < 0.2]
      const row = 'values ($1::int, $2::text, $3::boolean, now())'
      await client.query(`insert into history ${row}`, values)
      await client.query(
        `insert into customers ${row} on conflict (customer_id) do update set city = excluded.city, gone = excluded.gone, updated_at = excluded.updated_at`,
        values,
      )
    }
    await sleep(100 + below(900))
    await client.query('commit')
  }
}

async function writeStock(client: pg.Client): Promise<void> {
  for (let change = 0; change < 20; change += 1) {
    const key = [`w${below(3)}`, `s${below(12)}`]
    if (random() < 0.4) await client.query('delete from stock where warehouse = $1 and sku = $2', key)
    else
      await client.query(
        'insert into stock values ($1, $2, $3, now()) on conflict (warehouse, sku) do update set amount = excluded.amount, updated_at = excluded.updated_at',
        [...key, below(100)],
      )
    await sleep(below(100))
  }
}

/** One run after another while the writer writes: a quarter of them die at a step, a quarter at any time. */
async function connectKilled(config: string, writing: { readonly done: boolean }): Promise<void> {
  while (!writing.done) {
    const fate = below(4)
    const step = `${STEPS[below(STEPS.length)]!}:${1 + below(3)}`
    const ended = await sluice(['connect', '--config', config], {
      ...(fate === 0 ? { env: { SLUICE_KILL: step }, preload: KILL_AT } : {}),
      started: (child) => {
        if (fate === 1) setTimeout(() => child.kill('SIGKILL'), 300 + below(600)).unref()
      },
    })
    assert.ok(ended.signal === 'SIGKILL' || ended.code === 0, ended.stderr)
  }
}

async function assertTruth(config: string, server: Postgres): Promise<void> {
  const query = (sql: string): Promise<unknown[]> => sluiceJson(['query', sql, '--config', config])
  const truth = async (sql: string): Promise<unknown[]> => (await server.run(sql))[0]!.rows as unknown[]
  assert.deepEqual(
    await query(
      'select customer_id, city, epoch_us(updated_at)::text as at from silver.customers where not _deleted order by 1',
    ),
    await truth(
      'select customer_id, city, (extract(epoch from updated_at) * 1000000)::bigint::text as at from customers where not gone order by 1',
    ),
  )
  assert.deepEqual(
    await query('select warehouse, sku, amount from silver.stock where not _deleted order by 1, 2'),
    await truth('select warehouse, sku, amount from stock order by 1, 2'),
  )
  assert.deepEqual(
    await query(
      "select customer_id, city, epoch_us(valid_from)::text as since, epoch_us(valid_to)::text as until from gold.dim_customer where customer_sk <> '-1' order by 1, 3",
    ),
    await truth(`
      with told as (
        select *, lag(city) over w as city_before, lag(gone) over w as gone_before
        from history window w as (partition by customer_id order by updated_at)
      ), moved as (
        select * from told where gone_before is null or gone <> gone_before or (not gone and city <> city_before)
      ), spans as (
        select *, lead(updated_at) over (partition by customer_id order by updated_at) as until_at from moved
      )
      select customer_id, city, (extract(epoch from updated_at) * 1000000)::bigint::text as since,
        (extract(epoch from until_at) * 1000000)::bigint::text as until
      from spans where not gone order by 1, 3`),
  )
}

async function makeProject(folder: string, { options }: Postgres): Promise<string> {
  const { host, port, database, user, password, tls } = options
  const login = `connector: redshift, host: ${host}, port: ${port}, database: ${database}, user: ${user}, password: ${password}, tls: "${tls}"`
  const files: Readonly<Record<string, string>> = {
    'sluice.yaml': `
lake: {uri: lake}
broker: {kind: embedded, dir: log}
registry: {kind: embedded, dir: registry}
sources:
  customers: {${login}, table: public.customers, topic: customers, primary_key: [customer_id], watermark_column: updated_at, soft_delete_column: gone, overlap: 30s, batch_rows: 5}
  stock: {${login}, table: public.stock, topic: stock, primary_key: [warehouse, sku], load_type: full, batch_rows: 4}
topics: {customers: {partitions: 2}, stock: {partitions: 2}}
tables: {bronze: {customers: {topic: customers}, stock: {topic: stock}}}
`,
    'schemas/customers-value.avsc': record('Customer', [
      ['customer_id', 'int'],
      ['city', 'string'],
      ['gone', 'boolean'],
      ['updated_at', { type: 'long', logicalType: 'timestamp-micros' }],
    ]),
    'schemas/stock-value.avsc': record('Stock', [
      ['warehouse', 'string'],
      ['sku', 'string'],
      ['amount', 'int'],
      ['updated_at', { type: 'long', logicalType: 'timestamp-micros' }],
    ]),
    'models/silver/customers.sql':
      'select customer_id, city, updated_at, _op, _record_ts, _epoch, _partition, _offset from bronze.customers',
    'models/silver/customers.yaml':
      'description: Customers as they are.\nkind: merge\nkey: [customer_id]\nsequence_by: updated_at\n',
    'models/silver/stock.sql':
      'select warehouse, sku, amount, updated_at, _op, _record_ts, _epoch, _partition, _offset from bronze.stock',
    'models/silver/stock.yaml':
      'description: Stock as it is.\nkind: merge\nkey: [warehouse, sku]\nsequence_by: updated_at\n',
    'models/gold/dim_customer.sql':
      'select customer_id, city, updated_at, _op, _record_ts, _epoch, _partition, _offset from bronze.customers',
    'models/gold/dim_customer.yaml':
      'description: Customers over time.\nkind: scd2\nkey: [customer_id]\nsequence_by: updated_at\ntrack: [city]\nsurrogate_key: customer_sk\n',
  }
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return join(folder, 'sluice.yaml')
}

function record(name: string, fields: readonly (readonly [string, unknown])[]): string {
  return JSON.stringify({ type: 'record', name, fields: fields.map(([field, type]) => ({ name: field, type })) })
}
