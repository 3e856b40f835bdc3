import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'

import { kafkaMissing, startKafka, type Kafka } from '../services/kafka.ts'
import { postgresMissing, startPostgres, type Postgres } from '../services/postgres.ts'
import { snowflakeMissing, startSnowflake, type SnowflakeStandIn } from '../services/snowflake.ts'
import { runSeed } from '../support/random.ts'
import { tablesOf } from '../support/shop-truth.ts'
import { assertTables } from '../support/shop-world.ts'
import { REPOSITORY, sluice, sluiceJson, temporaryFolder } from '../support/sluice.ts'
import { drawOf, type Draw } from './live-shop/draw.ts'
import { FX_TOPIC, KafkaSide } from './live-shop/kafka-side.ts'
import { PostgresSide } from './live-shop/postgres-side.ts'
import { SnowflakeSide } from './live-shop/snowflake-side.ts'

/**
 * The default shop's contracts and models over sources that live while they are read: customers (soft deletes) and
 * orders (`load_type: full`, hard deletes) in Snowflake's stand-in, behavior and products in Redshift's (PostgreSQL),
 * exchange rates in a topic of another Kafka cluster. `connect` and `run` are killed with SIGKILL at random all the
 * while. Then all ten tables are what plain code makes of the sources as they themselves say they stand, and the
 * dimension is the history of what the writer did.
 */
const skip = (await snowflakeMissing()) || (await postgresMissing()) || (await kafkaMissing())
const seed = runSeed() % 2 ** 31
const ROUNDS = 3
const KILL_AT = [join(REPOSITORY, 'test/support/kill-at.ts')]
const CONNECT_STEPS = ['source.read', 'source.appended', 'dataset.read']
const RUN_STEPS = [...CONNECT_STEPS, 'fetch.done', 'data_file.written', 'commit.done', 'model.staged', 'model.done']
const SECRET = 'SNOWFLAKE_PASSWORD'

interface Services {
  readonly snowflake: SnowflakeStandIn
  readonly postgres: Postgres
  readonly kafka: Kafka
}

interface Project {
  readonly config: string
  readonly env: Readonly<Record<string, string>>
}

test(
  `I9: killed at random while Snowflake's, Redshift's and Kafka's stand-ins change, the shop's silver and gold are their truth (SLUICE_SEED=${seed})`,
  { skip },
  async () => {
    const folder = await temporaryFolder('shop-sources')
    const started = await Promise.allSettled([startSnowflake(), startPostgres(), startKafka()])
    const [snowflake, postgres, kafka] = started
    try {
      assert.ok(snowflake.status === 'fulfilled' && postgres.status === 'fulfilled' && kafka.status === 'fulfilled')
      await prove(folder.path, { snowflake: snowflake.value, postgres: postgres.value, kafka: kafka.value })
    } finally {
      for (const each of started) if (each.status === 'fulfilled') await each.value.close()
      await folder.remove()
    }
  },
)

async function prove(folder: string, services: Services): Promise<void> {
  const warehouse = new SnowflakeSide(services.snowflake, seed)
  const site = new PostgresSide(services.postgres, seed + 2)
  const bank = new KafkaSide(services.kafka, seed + 4)
  const draw = drawOf(seed + 5)
  for (const each of [warehouse, site, bank]) await each.create()
  try {
    const project = await makeProject(folder, services)
    const args = ['--config', project.config]
    let killed = 0
    for (let round = 0; round < ROUNDS; round += 1) {
      await warehouse.bringBack()
      const writing = { done: false }
      const writers = Promise.all([warehouse.writeCustomers(), warehouse.writeOrders(), site.write(), bank.write()])
      const [, kills] = await Promise.all([
        writers.finally(() => (writing.done = true)),
        killAll(project, draw, writing),
      ])
      killed += kills
      // Every state of this round is told before the next one changes it.
      await sluiceJson(['connect', ...args], project)
    }
    assert.ok(killed >= ROUNDS, `it was killed ${killed} times`)
    await sluiceJson(['run', ...args], project)

    const stands = {
      customers: await warehouse.customers(),
      products: await site.products(),
      orders: await warehouse.orders(),
      behavior: await site.behavior(),
      fx_rates: await bank.rates(),
    }
    for (const [stream, rows] of Object.entries(stands)) assert.ok(rows.length > 3, `${stream} has ${rows.length} rows`)
    const truth = tablesOf({ stands: (stream) => stands[stream], customerChanges: warehouse.customerChanges() })
    assert.ok(truth['gold.dim_customer']!.length > stands.customers.length)
    await assertTables(join(folder, 'lake'), truth)

    const idle = await sluiceJson<{ sources: { read: number }[] }>(['run', ...args], project)
    assert.deepEqual(
      idle.sources.map(({ read }) => read),
      [0, 0, 0, 0, 0],
    )
    const letters = await sluiceJson<{ records: unknown[] }>(['errors', 'list', ...args], project)
    assert.deepEqual(letters.records, [])
    const proof = await sluiceJson<{ ok: boolean }>(['verify', '--against-log', ...args], project)
    assert.equal(proof.ok, true)
  } finally {
    await bank.close()
  }
}

/** One pass after another while the writers write, and until one died: of four one dies at a step, two at any time. How many died. */
async function killAll({ config, env }: Project, draw: Draw, writing: { readonly done: boolean }): Promise<number> {
  let killed = 0
  while (!writing.done || killed === 0) {
    const verb = draw.chance(0.3) ? 'run' : 'connect'
    const fate = writing.done ? 1 : draw.below(4)
    const step = `${draw.one(verb === 'run' ? RUN_STEPS : CONNECT_STEPS)}:${1 + draw.below(4)}`
    const ended = await sluice([verb, '--config', config], {
      env: { ...env, ...(fate === 0 ? { SLUICE_KILL: step } : {}) },
      ...(fate === 0 ? { preload: KILL_AT } : {}),
      started: (child) => {
        if (fate === 1 || fate === 2) setTimeout(() => child.kill('SIGKILL'), 400 + draw.below(1600)).unref()
      },
    })
    if (ended.signal === 'SIGKILL') killed += 1
    else assert.equal(ended.code, 0, ended.stdout + ended.stderr)
  }
  return killed
}

async function makeProject(folder: string, { snowflake, postgres, kafka }: Services): Promise<Project> {
  const { password, ...login } = snowflake.options
  const config = join(folder, 'sluice.yaml')
  await writeFile(
    config,
    `lake: {uri: lake}
broker: {kind: embedded, dir: log}
registry: {kind: embedded, dir: registry}
paths: {schemas: "${join(REPOSITORY, 'schemas')}", models: "${join(REPOSITORY, 'models')}"}
sources:
  customers: {connector: snowflake, ${flow(login)}, password: "\${${SECRET}}", table: customers, topic: customers, primary_key: [customer_id], watermark_column: updated_at, soft_delete_column: gone, overlap: 30s, batch_rows: 7}
  orders: {connector: snowflake, ${flow(login)}, password: "\${${SECRET}}", table: orders, topic: orders, primary_key: [order_line_id], load_type: full, batch_rows: 6}
  behavior: {connector: redshift, ${flow(postgres.options)}, table: public.behavior, topic: behavior, primary_key: [event_id], watermark_column: written_at, overlap: 30s, batch_rows: 5}
  products: {connector: redshift, ${flow(postgres.options)}, table: public.products, topic: products, primary_key: [product_id], watermark_column: updated_at}
  fx_rates: {connector: kafka, brokers: "${kafka.bootstrap}", from_topics: [${FX_TOPIC}], values: json, envelope: debezium, topic: fx_rates, key: [currency, rate_date]}
topics: {customers: {partitions: 2}, products: {partitions: 1}, orders: {partitions: 2}, behavior: {partitions: 2}, fx_rates: {partitions: 2}}
tables:
  bronze: {customers: {topic: customers}, products: {topic: products}, orders: {topic: orders}, behavior: {topic: behavior}, fx_rates: {topic: fx_rates}}
errors: {seal_key: of-this-test}
`,
  )
  return { config, env: { [SECRET]: password! } }
}

function flow(options: Readonly<Record<string, string | number>>): string {
  return Object.entries(options)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
    .join(', ')
}
