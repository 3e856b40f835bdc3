import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, it } from 'node:test'
import { Kafka as Client, logLevel } from 'kafkajs'
import { registerCodecs } from '../adapters/kafka/kafkajs-codecs.ts'
import { kafkaMissing, startKafka, type Kafka } from '../services/kafka.ts'
import { isStopped } from '../support/is-stopped.ts'
import { makeLines, type MadeLines } from '../support/retail-lines.ts'
import {
  letterIds,
  proveBronze,
  RETAIL_CONFIG,
  retailArgs,
  retailWorld,
  sameModels,
  unread,
  type PassReport,
  type RetailWorld,
} from '../support/retail-world.ts'
import { runSeed } from '../support/random.ts'
import { activeFiles } from '../support/raw-delta.ts'
import { REPOSITORY, sluice, sluiceJson, temporaryFolder, type Ended } from '../support/sluice.ts'

/** The retail example on a real Kafka: nothing but `broker:` differs, and what comes out does not. */

const skip = await kafkaMissing()
const seed = runSeed()
const GROUP = 'sluice.ingest.order_lines'
/** Others take over from a process that was silent for so long; thirty seconds, if not set. */
const SESSION = 'broker.session_timeout=3s'
const KILL_AT = join(REPOSITORY, 'test/support/kill-at.ts')

describe(`the retail example on Kafka (SLUICE_SEED=${seed})`, { skip }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let kafka: Kafka
  let made: MadeLines
  let straight: RetailWorld
  let worlds = 0
  before(async () => {
    folder = await temporaryFolder('kafka')
    kafka = await startKafka({ properties: { 'group.min.session.timeout.ms': '1000' } })
    made = makeLines(seed, 5, 300)
    straight = await retailWorld(join(folder.path, 'straight'), made.files)
    await sluiceJson(['run', '--config', RETAIL_CONFIG], { env: straight.env })
  })
  after(async () => {
    await kafka.close()
    await folder.remove()
  })

  /** Begins on an empty cluster. */
  const worldOf = async (): Promise<RetailWorld & { readonly config: string }> => {
    worlds += 1
    if (worlds > 1) await kafka.replace()
    const world = await retailWorld(join(folder.path, `world-${worlds}`), made.files)
    const config = join(folder.path, `kafka-${worlds}.yaml`)
    await writeFile(config, `extends: ${RETAIL_CONFIG}\nbroker: {kind: kafka, brokers: "\${KAFKA_BROKERS}"}\n`)
    return { ...world, config, env: { ...world.env, KAFKA_BROKERS: kafka.bootstrap } }
  }
  const start = (world: RetailWorld, verb: string): Promise<Ended> =>
    sluice([...retailArgs(verb, 0.02, world.config), '--json'], { env: world.env })
  const commits = async (world: RetailWorld): Promise<number> => {
    const log = await readdir(join(world.lake, 'bronze/order_lines/_delta_log')).catch(() => [])
    return log.filter((name) => name.endsWith('.json')).length
  }
  const landed = (ended: readonly Ended[]): number =>
    ended
      .flatMap((each) => (JSON.parse(each.stdout) as PassReport).tables)
      .reduce((sum, table) => sum + table.landed, 0)

  it('two ingest processes land all of it once; silver and gold are those of the embedded broker', async () => {
    const world = await worldOf()
    await sluiceJson(['connect', '--config', world.config], { env: world.env })
    const checks = await sluiceJson<object>(['doctor', '--config', world.config], { env: world.env, exit: 0 })
    assert.ok(JSON.stringify(checks).includes(kafka.bootstrap), 'doctor names the broker')
    const ended = await Promise.all([start(world, 'ingest'), start(world, 'ingest')])
    for (const each of ended) assert.equal(each.code, 0, each.stdout + each.stderr)
    assert.equal(landed(ended), made.good)
    assert.equal(await unread(world), 0)
    await proveBronze(world, made)
    await sluiceJson(['build', '--config', world.config], { env: world.env })
    await sameModels(world, straight)
    const versions = await commits(world)
    await sluiceJson(['run', '--config', world.config], { env: world.env })
    assert.equal(await commits(world), versions, 'a run with nothing new commits nothing')
    const status = await sluiceJson<{ lanes: { lag: unknown }[] }>(['status', '--config', world.config], {
      env: world.env,
    })
    assert.deepEqual(
      status.lanes.map(({ lag }) => Number(lag)),
      [0, 0, 0, 0],
    )
    await assertTold(world)
  })

  it('I3: one that fell asleep in the middle of a flush wakes past its session to find that done, and abandons its own', async () => {
    const world = await worldOf()
    await sluiceJson(['connect', '--config', world.config], { env: world.env })
    const args = [...retailArgs('ingest', 0.02, world.config), '--set', SESSION, '--json']
    const asleep = Promise.withResolvers<ChildProcess>()
    const first = sluice(args, {
      env: { ...world.env, SLUICE_KILL: 'data_file.written:2', SLUICE_KILL_SIGNAL: 'SIGSTOP' },
      preload: [KILL_AT],
      started: asleep.resolve,
    })
    const sleeper = await asleep.promise
    while (!(await isStopped(sleeper))) await sleep(50)
    const done = await sluice(args, { env: world.env })
    assert.equal(done.code, 0, done.stdout + done.stderr)
    assert.equal(await unread(world), 0)
    assert.ok(await isStopped(sleeper), 'it slept all the while')
    sleeper.kill('SIGCONT')
    const woken = await first
    assert.equal(woken.code, 0, woken.stdout + woken.stderr)
    assert.equal(landed([done, woken]), made.good)
    await proveBronze(world, made)
    const table = join(world.lake, 'bronze/order_lines')
    const written = (await readdir(table, { recursive: true })).filter((name) => /^_run_date.*\.parquet$/.test(name))
    assert.ok(written.length > (await activeFiles(table)).length, 'the file of the abandoned flush is in no commit')
  })

  /** What other tools see: the group's offsets are the table's, and the copies of what was refused. */
  async function assertTold(world: RetailWorld): Promise<void> {
    registerCodecs()
    const client = new Client({ brokers: kafka.bootstrap.split(','), logLevel: logLevel.NOTHING })
    const admin = client.admin()
    await admin.connect()
    const [told] = await admin.fetchOffsets({ groupId: GROUP, topics: ['order_lines'] })
    const { partitions } = await sluiceJson<{ partitions: { partition: number; next: string; group_next: string }[] }>(
      ['lag', '--config', world.config!],
      { env: world.env },
    )
    assert.deepEqual(
      new Map(told!.partitions.map(({ partition, offset }) => [partition, offset])),
      new Map(partitions.map(({ partition, next }) => [partition, String(next)])),
    )
    for (const { next, group_next: group } of partitions) assert.equal(group, next, 'lag shows what the group was told')
    const [end] = await admin.fetchTopicOffsets('order_lines.errors')
    await admin.disconnect()
    const copies = await readCopies(client, Number(end!.offset))
    assert.deepEqual(new Set(copies.map((copy) => copy['sluice.row_id'])), await letterIds(world))
    for (const copy of copies) {
      assert.equal(copy['__connect.errors.topic'], 'order_lines')
      assert.match(copy['__connect.errors.offset']!, /^\d+$/)
      assert.match(copy['__connect.errors.exception.message']!, /CustomerID/)
    }
  }

  async function readCopies(client: Client, count: number): Promise<Record<string, string>[]> {
    const consumer = client.consumer({ groupId: 'copies' })
    const copies: Record<string, string>[] = []
    await consumer.connect()
    await consumer.subscribe({ topic: 'order_lines.errors', fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ message }) => {
        const headers = Object.entries(message.headers ?? {})
        copies.push(Object.fromEntries(headers.map(([key, value]) => [key, String(value)])))
      },
    })
    while (copies.length < count) await sleep(20)
    await consumer.disconnect()
    return copies
  }
})
