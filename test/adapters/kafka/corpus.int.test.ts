import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { CompressionTypes, Kafka as Client, logLevel } from 'kafkajs'
import { readHeaders, recordKey, recordOffset, recordValue } from '../../../src/domain/record-batch.ts'
import type { TopicLog } from '../../../src/ports/topic-log.ts'
import { kafkaClassPath, kafkaMissing, startKafka } from '../../services/kafka.ts'
import { runSeed } from '../../support/random.ts'
import { registerCodecs } from './kafkajs-codecs.ts'
import { openLog } from './open-log.ts'

/**
 * Java's own producer, kafkajs and our own write; our reader and kafkajs read alike. Of interleaved transactions Kafka's
 * own consumer is the judge: kafkajs takes the broker's list of aborted ones for sorted and lets some of them through.
 */

const skip = await kafkaMissing()
const run = promisify(execFile)
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
const COMPACTED = {
  'cleanup.policy': 'compact',
  'segment.ms': '100',
  'min.cleanable.dirty.ratio': '0.01',
  'delete.retention.ms': '100',
}
const TRANSACTIONS = 'java-transactions'
const seed = runSeed()

test(`every topic of the corpus is read as kafkajs reads it (SLUICE_SEED=${seed})`, { skip }, async (t) => {
  registerCodecs()
  const kafka = await startKafka({
    properties: { 'log.cleaner.backoff.ms': '200', 'log.segment.delete.delay.ms': '100' },
  })
  t.after(() => kafka.close())
  const client = new Client({ brokers: kafka.bootstrap.split(','), logLevel: logLevel.NOTHING })
  const log = openLog(kafka.bootstrap)
  t.after(() => log.close())
  const javaTopics = [...CODECS.map((codec) => `java-${codec}`), 'java-large', 'java-append-time', 'java-compacted']
  const jsTopics = CODECS.map((codec) => `js-${codec}`)
  const ourTopics = CODECS.map((codec) => `own-${codec}`)
  const topics = [...javaTopics, ...jsTopics, ...ourTopics]
  await createTopics(
    client,
    { 'java-compacted': COMPACTED, 'java-append-time': { 'message.timestamp.type': 'LogAppendTime' } },
    [...topics, TRANSACTIONS],
  )
  await runJava('WriteCorpus.java', kafka.bootstrap, String(seed))
  await produceWithKafkajs(client)
  for (const compression of CODECS) {
    const own = openLog(kafka.bootstrap, { compression })
    const records = Array.from({ length: 3000 }, (_, i) => ({
      key: i % 7 === 0 ? null : Buffer.from(`key-${i}`),
      value: i % 11 === 0 ? null : Buffer.from(`value ${i} `.repeat(i % 30)),
      headers: i % 5 === 0 ? [{ key: 'größe', value: Buffer.from([i % 256]) }] : [],
      timestampMs: Date.now() - i * 1000,
    }))
    await own.append({ batches: [{ topic: `own-${compression}`, partition: 0, records }], state: null })
    await own.close()
  }
  await untilDecided(log, client, [...topics, TRANSACTIONS])
  await untilCleaned(log)

  const reasons = new Set<string>()
  const ours = new Map<string, Plain[]>()
  for (const topic of topics) ours.set(topic, await readAll(log, topic, reasons))
  const committed = await readAll(log, TRANSACTIONS, reasons)
  assert.ok(committed.length > 0)
  assert.deepEqual(committed, await readWithJava(kafka.bootstrap, TRANSACTIONS), TRANSACTIONS)
  assert.deepEqual([...reasons].toSorted(), ['aborted', 'compacted', 'control'])
  const theirs = await readWithKafkajs(client, topics, ours)
  for (const topic of topics) {
    assert.ok(ours.get(topic)!.length > 0, topic)
    assert.deepEqual(ours.get(topic), theirs.get(topic), topic)
  }
  t.diagnostic(`${[...ours.values()].reduce((sum, all) => sum + all.length, 0)} records alike`)
})

type Plain = readonly [offset: string, timeMs: string, key: string | null, value: string | null, headers: string]

async function createTopics(
  client: Client,
  configs: Record<string, Record<string, string>>,
  topics: readonly string[],
): Promise<void> {
  const admin = client.admin()
  await admin.connect()
  await admin.createTopics({
    waitForLeaders: true,
    topics: topics.map((topic) => ({
      topic,
      numPartitions: 1,
      configEntries: Object.entries({ 'max.message.bytes': '5000000', ...configs[topic] }).map(([name, value]) => ({
        name,
        value,
      })),
    })),
  })
  await admin.disconnect()
}

async function produceWithKafkajs(client: Client): Promise<void> {
  const types = {
    none: CompressionTypes.None,
    gzip: CompressionTypes.GZIP,
    snappy: CompressionTypes.Snappy,
    lz4: CompressionTypes.LZ4,
    zstd: CompressionTypes.ZSTD,
  }
  const producer = client.producer()
  await producer.connect()
  for (const codec of CODECS) {
    for (const size of [1, 20, 5000]) {
      const messages = Array.from({ length: size }, (_, i) => ({
        key: i % 7 === 0 ? null : `key-${i}`,
        value: i % 11 === 0 ? null : `value ${i} `.repeat(i % 20),
        headers: i % 5 === 0 ? { 'sluice.op': 'u', größe: Buffer.from([i % 256]) } : {},
      }))
      await producer.send({ topic: `js-${codec}`, compression: types[codec], messages })
    }
  }
  await producer.disconnect()
}

/** A producer's commit returns before its marks stand everywhere: until no transaction is open any more. */
async function untilDecided(log: TopicLog, client: Client, topics: readonly string[]): Promise<void> {
  const admin = client.admin()
  await admin.connect()
  try {
    for (const topic of topics) {
      for (let looks = 0; ; looks += 1) {
        const [written] = await admin.fetchTopicOffsets(topic)
        const decided = (await log.describe(topic))?.partitions[0]?.limit ?? 0n
        if (decided >= BigInt(written!.high)) break
        assert.ok(looks < 150, `${topic} stays undecided at ${decided} of ${written!.high}`)
        await sleep(200)
      }
    }
  } finally {
    await admin.disconnect()
  }
}

/** Cleaning runs by itself: until records of the compacted topic are gone. */
async function untilCleaned(log: TopicLog): Promise<void> {
  for (let looks = 0; looks < 300; looks += 1) {
    const read = await log.fetch({ topic: 'java-compacted', partition: 0, from: 0n, maxBytes: 1e6, waitMs: 0 })
    if (
      read.kind === 'batches' &&
      read.batches.some(({ skips }) => skips.some(({ reason }) => reason === 'compacted'))
    ) {
      // Passes that follow change what is there: until two looks agree.
      const before = JSON.stringify(await readAll(log, 'java-compacted', new Set()))
      await sleep(1_000)
      if (JSON.stringify(await readAll(log, 'java-compacted', new Set())) === before) return
    }
    await sleep(200)
  }
  assert.fail('the broker did not clean the compacted topic')
}

/** Every offset from 0 is a record or lies in a skip, in fetches of a size that cuts transactions. */
async function readAll(log: TopicLog, topic: string, reasons: Set<string>): Promise<Plain[]> {
  const read: Plain[] = []
  for (let from = 0n; ;) {
    const fetched = await log.fetch({ topic, partition: 0, from, maxBytes: 20_000, waitMs: 0 })
    if (fetched.kind !== 'batches') return read
    for (const batch of fetched.batches) {
      assert.equal(batch.first, from)
      let covered = BigInt(batch.count)
      for (const skip of batch.skips) {
        reasons.add(skip.reason)
        covered += skip.next - skip.first
      }
      assert.equal(covered, batch.next - batch.first)
      for (let i = 0; i < batch.count; i += 1) {
        const headers = readHeaders(batch, i).map(({ key, value }) => [key, hex(value)] as const)
        const time = String(batch.timestampsMs[i])
        read.push([
          String(recordOffset(batch, i)),
          time,
          hex(recordKey(batch, i)),
          hex(recordValue(batch, i)),
          plainHeaders(headers),
        ])
      }
      from = batch.next
    }
  }
}

async function readWithKafkajs(
  client: Client,
  topics: readonly string[],
  ours: ReadonlyMap<string, Plain[]>,
): Promise<Map<string, Plain[]>> {
  const read = new Map<string, Plain[]>(topics.map((topic) => [topic, []]))
  const consumer = client.consumer({ groupId: 'oracle', maxBytes: 20_000_000 })
  await consumer.connect()
  await consumer.subscribe({ topics: [...topics], fromBeginning: true })
  await consumer.run({
    eachBatchAutoResolve: true,
    eachBatch: async ({ batch }) => {
      for (const { offset, timestamp, key, value, headers } of batch.messages) {
        const pairs = Object.entries(headers ?? {}).map(
          ([name, bytes]) => [name, hex(bytes as Buffer | null) ?? ''] as const,
        )
        read.get(batch.topic)!.push([offset, timestamp, hex(key), hex(value), plainHeaders(pairs)])
      }
    },
  })
  const enough = (): boolean => topics.every((topic) => read.get(topic)!.length >= ours.get(topic)!.length)
  for (let waits = 0; waits < 600 && !enough(); waits += 1) await sleep(100)
  // One more than there should be would come right behind.
  await sleep(500)
  await consumer.disconnect()
  return read
}

/** What ReadCommitted.java prints: Kafka's own consumer, read_committed. */
async function readWithJava(bootstrap: string, topic: string): Promise<Plain[]> {
  const bytes = (text: string): string | null => (text === '-' ? null : text)
  return (await runJava('ReadCommitted.java', bootstrap, topic))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [offset, time, key, value, ...headers] = line.split('\t')
      const pairs = headers.map((each) => each.split('=') as [string, string])
      return [
        offset!,
        time!,
        bytes(key!),
        bytes(value!),
        plainHeaders(pairs.map(([name, text]) => [name, bytes(text)] as const)),
      ] as const
    })
}

async function runJava(program: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run('java', ['-cp', await kafkaClassPath(), join(import.meta.dirname, program), ...args], {
    maxBuffer: 64 * 1024 * 1024,
  })
  return stdout
}

/** kafkajs keeps headers in a map, null as an empty text. */
function plainHeaders(pairs: readonly (readonly [string, string | null])[]): string {
  return JSON.stringify(pairs.map(([name, value]) => `${name}=${value ?? ''}`).toSorted((a, b) => (a < b ? -1 : 1)))
}

function hex(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('hex')
}
