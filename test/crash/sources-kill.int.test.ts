import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, it } from 'node:test'
import { Kafka as Client, logLevel } from 'kafkajs'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { openEmbeddedLog } from '../../src/adapters/embedded-log/embedded-log.ts'
import type { TopicLog } from '../../src/ports/topic-log.ts'
import { registerCodecs } from '../adapters/kafka/kafkajs-codecs.ts'
import { openLog } from '../adapters/kafka/open-log.ts'
import { readAll } from '../connectors/kafka/kafka-promises.ts'
import { kafkaMissing, startKafka, type Kafka } from '../services/kafka.ts'
import { postgresMissing, startPostgres, type Postgres } from '../services/postgres.ts'
import { runSeed, seededRandom } from '../support/random.ts'
import { REPOSITORY, sluice, sluiceJson, temporaryFolder } from '../support/sluice.ts'

/**
 * The law of I9 for each kind of source: killed with SIGKILL before, inside and after an append, again and again, a
 * source's records are in the topic once each. On a real Kafka an append is a transaction over the topic's partitions
 * and the state topic; what a reader of committed records (kafkajs) finds is compared with the input, and with what an
 * unkilled run leaves in the embedded log.
 */
const skip = await kafkaMissing()
const skipPostgres = skip === false ? await postgresMissing() : skip
const seed = runSeed() % 2 ** 31
const KILL = join(REPOSITORY, 'test/support/kill-at.ts')
/** Three appends of a source. */
const ROWS = 24_000
const ABORTED = 300
const PARTITIONS = 3
/** Just before an append, somewhere inside one (its transaction takes some 50 ms), just after one. */
const STEPS = ['source.read:1', 'source.read:2+', 'source.appended:1'] as const

interface Sent {
  readonly key: string | null
  readonly value: string
}

describe(`sources killed while they append (SLUICE_SEED=${seed})`, { skip }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let kafka: Kafka
  let postgres: Postgres | null = null
  before(async () => {
    folder = await temporaryFolder('sources-kill')
    kafka = await startKafka()
    registerCodecs()
    await mkdir(join(folder.path, 'schemas'))
    await mkdir(join(folder.path, 'models'))
    await mkdir(join(folder.path, 'data'))
    const fields = [
      { name: 'id', type: 'int' },
      { name: 'note', type: ['null', 'string'], default: null },
    ]
    const schema = JSON.stringify({ type: 'record', name: 'Row', fields })
    for (const topic of ['from_files', 'from_kafka', 'from_tables'])
      await writeFile(join(folder.path, `schemas/${topic}-value.avsc`), schema)
    const orders = join(REPOSITORY, 'schemas/orders-value.avsc')
    await writeFile(join(folder.path, 'schemas/from_simulator-value.avsc'), await readFile(orders))
    for (const file of [0, 1, 2]) {
      const lines = Array.from({ length: ROWS / 3 }, (_, i) => `${file * (ROWS / 3) + i},note ${i}`)
      await writeFile(join(folder.path, `data/${file}.csv`), `id,note\n${lines.join('\n')}\n`)
    }
    await fillUpstream(kafka)
    if (skipPostgres !== false) return
    postgres = await startPostgres()
    await postgres.run(
      'create table rows (id int primary key, note text, updated_at timestamptz not null)',
      `insert into rows select i, 'note ' || i, timestamptz '2024-01-01' + i / 7 * interval '1 second' from generate_series(0, ${ROWS - 1}) i`,
    )
  })
  after(async () => {
    await kafka.close()
    await postgres?.close()
    await folder.remove()
  })

  /** `name` is of the project: its own log, and state that it begins without. */
  async function projectOf(name: string, broker: string): Promise<string> {
    const own = (each: string): string => JSON.stringify(join(folder.path, name, each))
    const tables =
      postgres === null
        ? ''
        : `  tables: {connector: redshift, ${flow(postgres.options)}, table: rows, primary_key: [id], watermark_column: updated_at, topic: from_tables}\n`
    const topics = ['from_files', 'from_kafka', 'from_simulator', 'from_tables']
    const config = join(folder.path, `${name}.yaml`)
    await writeFile(
      config,
      `lake: {uri: ${own('lake')}}
broker: ${broker === 'embedded' ? `{dir: ${own('log')}}` : `{kind: kafka, brokers: "${broker}"}`}
registry: {dir: ${own('registry')}}
paths: {schemas: schemas, models: models}
sources:
  files: {connector: files, path: data, topic: from_files, key: [id]}
  kafka: {connector: kafka, brokers: "${kafka.bootstrap}", from_topics: [upstream], values: json, envelope: debezium, topic: from_kafka, key: [id]}
  simulator: {connector: simulator, stream: orders, rows: 6000, bad_rate: 0, topic: from_simulator, key: [order_line_id]}
${tables}topics:
${topics.map((topic) => `  ${topic}: {partitions: ${PARTITIONS}, retention: forever}\n`).join('')}`,
    )
    return config
  }

  let runs = 0
  /** Each run has a lake of its own, so that none waits until the session of the one that died is over. */
  const connect = (source: string, config: string): readonly string[] => {
    runs += 1
    return ['connect', source, '--config', config, '--set', `lake.uri=${join(folder.path, `lake-${runs}`)}`]
  }

  for (const [index, source] of (['files', 'kafka', 'simulator', 'tables'] as const).entries()) {
    const without = source === 'tables' ? skipPostgres : false
    it(
      `I9: ${source} on Kafka: each record is committed once, whenever its connector dies`,
      { skip: without },
      async () => {
        const random = seededRandom(seed + index)
        const config = await projectOf(`killed-${source}`, kafka.bootstrap)
        let killed = 0
        for (const step of STEPS) {
          const at = step.endsWith('+') ? `${step}${Math.floor(random() * 60)}` : step
          const ended = await sluice(connect(source, config), { env: { SLUICE_KILL: at }, preload: [KILL] })
          if (ended.signal === 'SIGKILL') killed += 1
          else assert.equal(ended.code, 0, ended.stderr)
        }
        assert.ok(killed >= 2, `it was killed ${killed} times`)
        await sluiceJson(connect(source, config))
        const days = await daysOf(kafka, source)
        const straight = await projectOf(`straight-${source}`, 'embedded')
        for (let pass = 0; pass < days; pass += 1) await sluiceJson(connect(source, straight))

        const wanted = await unkilled(join(folder.path, `straight-${source}/log`), `from_${source}`)
        if (source !== 'simulator') {
          assert.equal(wanted.length, ROWS)
          assert.deepEqual(new Set(wanted.map(({ key }) => key)).size, ROWS)
        }
        const committed = await readCommitted(kafka, `from_${source}`, wanted.length)
        assert.deepEqual(counted(committed), counted(wanted))
        if (source === 'simulator') return
        const idle = await sluiceJson<{ sources: { read: number }[] }>(connect(source, config))
        assert.equal(idle.sources[0]!.read, 0)
      },
    )
  }
})

/** What is copied: rows in Debezium's envelope, and records of a transaction that was given up. */
async function fillUpstream(kafka: Kafka): Promise<void> {
  const log = openLog(kafka.bootstrap)
  try {
    const topic = 'upstream'
    await log.create(topic, { partitions: 2, retentionMs: null })
    for (const partition of [0, 1]) {
      const records = Array.from({ length: ROWS / 2 }, (_, i) => {
        const row = { id: i * 2 + partition, note: `note ${i}` }
        const value = Buffer.from(JSON.stringify({ before: null, after: row, op: 'c', source: {}, ts_ms: i }))
        return { key: Buffer.from(String(row.id)), value, headers: [], timestampMs: 1_700_000_000_000 + i }
      })
      const middle = records.length / 2
      await log.append({ batches: [{ topic, partition, records: records.slice(0, middle) }], state: null })
      if (partition === 0) await giveUp(kafka, topic)
      await log.append({ batches: [{ topic, partition, records: records.slice(middle) }], state: null })
    }
  } finally {
    await log.close()
  }
}

async function giveUp(kafka: Kafka, topic: string): Promise<void> {
  const client = new Client({ brokers: kafka.bootstrap.split(','), logLevel: logLevel.NOTHING })
  const producer = client.producer({ transactionalId: 'upstream-writer', maxInFlightRequests: 1, idempotent: true })
  await producer.connect()
  const transaction = await producer.transaction()
  const messages = Array.from({ length: ABORTED }, (_, i) => ({
    key: `aborted-${i}`,
    value: '{"op":"c","after":{"id":-1}}',
    partition: 0,
  }))
  await transaction.send({ topic, messages })
  await transaction.abort()
  await producer.disconnect()
}

async function daysOf(kafka: Kafka, source: string): Promise<number> {
  const log: TopicLog = openLog(kafka.bootstrap)
  try {
    const { entries } = await log.sourceState(source)
    return Number(entries.get('days') ?? 1)
  } finally {
    await log.close()
  }
}

async function unkilled(dir: string, topic: string): Promise<Sent[]> {
  const log = await openEmbeddedLog({ dir, clock: systemClock })
  try {
    return (await readAll(log, topic)).map(({ key, value }) => sent(key, value))
  } finally {
    await log.close()
  }
}

/** Committed records alone, by a client that knows nothing of ours; a little longer than until all are there. */
async function readCommitted(kafka: Kafka, topic: string, count: number): Promise<Sent[]> {
  const client = new Client({ brokers: kafka.bootstrap.split(','), logLevel: logLevel.NOTHING })
  const consumer = client.consumer({ groupId: `count-${topic}`, readUncommitted: false })
  const records: Sent[] = []
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachBatch: async ({ batch }) => {
      for (const { key, value } of batch.messages) records.push(sent(key, value))
    },
  })
  const untilMs = Date.now() + 30_000
  while (records.length < count && Date.now() < untilMs) await sleep(20)
  await sleep(500)
  await consumer.disconnect()
  return records
}

function sent(key: Uint8Array | null, value: Uint8Array | null): Sent {
  return {
    key: key === null ? null : Buffer.from(key).toString(),
    value: value === null ? 'none' : Buffer.from(value).toString('base64'),
  }
}

/** Each record and how often it is there; sorted, so that a difference is told by what differs. */
function counted(records: readonly Sent[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { key, value } of records) counts.set(`${key} ${value}`, (counts.get(`${key} ${value}`) ?? 0) + 1)
  return new Map([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function flow(options: Readonly<Record<string, string | number>>): string {
  return Object.entries(options)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
    .join(', ')
}
