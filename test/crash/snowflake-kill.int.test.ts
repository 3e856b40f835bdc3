import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'

import { snowflakeMissing, startSnowflake, type SnowflakeStandIn } from '../services/snowflake.ts'
import { runSeed, seededRandom } from '../support/random.ts'
import { REPOSITORY, sluice, sluiceJson, temporaryFolder } from '../support/sluice.ts'

/**
 * A table of Snowflake's stand-in (fakesnow) that lives while it is read: inserts, updates that share a time, soft
 * deletes, rows stamped before others that are there already. `connect` is killed with SIGKILL at random all the while.
 * Each version of a row has a number of its own: of each there is one in the log at most, and the last ones are the table.
 */
const skip = await snowflakeMissing()
const seed = runSeed() % 2 ** 31
const random = seededRandom(seed)
const below = (count: number): number => Math.floor(random() * count)

const KEYS = 30
const CHANGES = 60
const KILL_AT = [join(REPOSITORY, 'test/support/kill-at.ts')]
const STEPS = ['source.read', 'source.appended', 'dataset.read']
const SECRET = 'SNOWFLAKE_PASSWORD'

test(
  `I9: killed at random while a table of Snowflake's stand-in changes, the log has its state, nothing twice (SLUICE_SEED=${seed})`,
  { skip },
  async () => {
    const folder = await temporaryFolder('snowflake-kill')
    const server = await startSnowflake()
    try {
      await server.run(
        'create table orders (order_id int not null, "Version" int not null, note varchar, gone boolean not null, updated_at timestamp_ntz(9) not null, primary key (order_id))',
      )
      const config = await makeProject(folder.path, server)
      const env = { [SECRET]: server.options['password']! }
      const writing = { done: false }
      await Promise.all([write(server).finally(() => (writing.done = true)), connectKilled({ config, env, writing })])
      await sluiceJson(['run', '--config', config], { env })
      const query = (sql: string): Promise<unknown[]> => sluiceJson(['query', sql, '--config', config], { env })
      const [truth = []] = await server.run('select order_id, "Version", note, gone from orders order by order_id')
      assert.ok(truth.length > 10)
      assert.deepEqual(
        await query(
          'select order_id, arg_max(version, version) as version, arg_max(struct_pack(n := note), version).n as note, arg_max(_op, version) as op from bronze.orders group by 1 order by 1',
        ),
        truth.map(([id, version, note, gone]) => ({
          order_id: Number(id),
          version: Number(version),
          note,
          op: gone === '1' ? 'd' : 'r',
        })),
      )
      assert.deepEqual(await query('select version from bronze.orders group by 1 having count(*) > 1'), [])
      const idle = await sluiceJson<{ sources: { read: number }[] }>(['run', '--config', config], { env })
      assert.deepEqual(
        idle.sources.map(({ read }) => read),
        [0],
      )
    } finally {
      await server.close()
      await folder.remove()
    }
  },
)

async function write(server: SnowflakeStandIn): Promise<void> {
  const start = Date.now()
  for (let version = 1; version <= CHANGES; version += 1) {
    const id = below(KEYS)
    // Of one second, as a clock without fractions stamps them; a quarter are late by up to eight.
    const late = random() < 0.25 ? below(8) : 0
    const at = new Date(Math.floor(Date.now() / 1000 - late) * 1000).toISOString().slice(0, 19).replace('T', ' ')
    const note = ['null', "'NULL'", "''", "'é😀'"][below(4)]
    const gone = random() < 0.15
    const values = `select ${id} as order_id, ${version} as version, ${note} as note, ${gone} as gone, '${at}'::timestamp_ntz as updated_at`
    await server.run(
      `merge into orders t using (${values}) s on t.order_id = s.order_id when matched then update set "Version" = s.version, note = s.note, gone = s.gone, updated_at = s.updated_at when not matched then insert (order_id, "Version", note, gone, updated_at) values (s.order_id, s.version, s.note, s.gone, s.updated_at)`,
    )
    await sleep(20 + below(120))
    if (version >= KEYS && Date.now() - start > 20_000) return
  }
}

interface Killing {
  readonly config: string
  readonly env: Readonly<Record<string, string>>
  readonly writing: { readonly done: boolean }
}

/** One run after another while the writer writes: of four one dies at a step, two at any time. */
async function connectKilled({ config, env, writing }: Killing): Promise<void> {
  while (!writing.done) {
    const fate = below(4)
    const step = `${STEPS[below(STEPS.length)]!}:${1 + below(2)}`
    const ended = await sluice(['connect', '--config', config], {
      env: { ...env, ...(fate === 0 ? { SLUICE_KILL: step } : {}) },
      ...(fate === 0 ? { preload: KILL_AT } : {}),
      started: (child) => {
        if (fate === 1 || fate === 2) setTimeout(() => child.kill('SIGKILL'), 400 + below(1500)).unref()
      },
    })
    assert.ok(ended.signal === 'SIGKILL' || ended.code === 0, ended.stderr)
  }
}

async function makeProject(folder: string, { options }: SnowflakeStandIn): Promise<string> {
  const { account, host, user, database } = options
  const files: Readonly<Record<string, string>> = {
    'sluice.yaml': `
lake: {uri: lake}
broker: {kind: embedded, dir: log}
registry: {kind: embedded, dir: registry}
sources:
  orders:
    connector: snowflake
    account: ${account}
    host: ${host}
    user: ${user}
    password: "\${${SECRET}}"
    database: ${database}
    table: orders
    topic: orders
    primary_key: [order_id]
    watermark_column: updated_at
    soft_delete_column: gone
    overlap: 30s
    batch_rows: 7
topics: {orders: {partitions: 2}}
tables: {bronze: {orders: {topic: orders}}}
`,
    'schemas/orders-value.avsc': JSON.stringify({
      type: 'record',
      name: 'Order',
      fields: [
        { name: 'order_id', type: 'int' },
        { name: 'Version', type: 'int' },
        { name: 'note', type: ['null', 'string'] },
        { name: 'gone', type: 'boolean' },
        { name: 'updated_at', type: { type: 'long', logicalType: 'timestamp-micros' } },
      ],
    }),
  }
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return join(folder, 'sluice.yaml')
}
