import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SluiceError } from '../../../src/domain/errors.ts'
import { recordOffset, recordValue, type OutgoingRecord } from '../../../src/domain/record-batch.ts'
import type { FetchOutcome, TopicLog } from '../../../src/ports/topic-log.ts'
import { kafkaMissing, startKafka, type Kafka } from '../../services/kafka.ts'
import { asAdmin, deleteTopics, openLog } from './open-log.ts'

/** What becomes of the log while its brokers do what brokers do. */

const skip = await kafkaMissing()

describe('one broker', { skip }, () => {
  let kafka: Kafka
  before(async () => {
    kafka = await startKafka()
  })
  after(() => kafka.close())

  test('I8 a place that retention passed is out of range, with what the log still holds', async () => {
    const log = openLog(kafka.bootstrap)
    try {
      await log.create('cut', { partitions: 1, retentionMs: null })
      await append(log, 'cut', 10)
      await asAdmin(kafka.bootstrap, (admin) =>
        admin.deleteRecords({ topics: [{ name: 'cut', partitions: [{ partition: 0, offset: 6n }] }] }),
      )
      assert.deepEqual(await fetchAt(log, 'cut', 2n), { kind: 'out_of_range', start: 6n, end: 10n })
      const [partition] = (await log.describe('cut'))!.partitions
      assert.deepEqual([partition!.start, partition!.end, partition!.limit], [6n, 10n, 10n])
      assert.deepEqual(offsets(await fetchAt(log, 'cut', 6n)), [6n, 7n, 8n, 9n])
    } finally {
      await log.close()
    }
  })

  test('I18 a topic that was deleted, or made again under its name, is not read in place of the one that is meant', async () => {
    const log = openLog(kafka.bootstrap)
    try {
      const { source } = await log.create('again', { partitions: 1, retentionMs: null })
      await append(log, 'again', 5)
      assert.deepEqual(offsets(await fetchAt(log, 'again', 3n, source)), [3n, 4n])
      await deleteTopics(kafka.bootstrap, ['again'])
      // The broker goes on serving what is being deleted for a moment.
      while ((await log.describe('again')) !== null || (await fetchAt(log, 'again', 3n, source)).kind === 'batches')
        await sleep(20)
      assert.deepEqual(await fetchAt(log, 'again', 3n, source), { kind: 'no_topic' })
      const made = await log.create('again', { partitions: 1, retentionMs: null })
      await append(log, 'again', 9)
      assert.notEqual(made.source, source)
      assert.deepEqual(await fetchAt(log, 'again', 3n, source), { kind: 'no_topic' })
      assert.equal(offsets(await fetchAt(log, 'again', 3n)).length, 6)
    } finally {
      await log.close()
    }
  })

  test('marks at the end of a log are not records: they count as no lag, and a reader waits for what comes after', async () => {
    const log = openLog(kafka.bootstrap, { stateTopic: '_marks.state' })
    try {
      await log.create('marks', { partitions: 1, retentionMs: null })
      for (const sequence of [0n, 1n]) {
        const state = { source: 'marks', expectedSequence: sequence, set: new Map() }
        await log.append({ batches: [{ topic: 'marks', partition: 0, records: records(3) }], state })
      }
      const [partition] = (await log.describe('marks'))!.partitions
      assert.deepEqual([partition!.end, partition!.limit], [7n, 8n])
      const read = await fetchAt(log, 'marks', 0n)
      assert.ok(read.kind === 'batches')
      assert.equal(read.batches.at(-1)!.next, 8n, 'the mark behind the last record is passed with it')
      assert.deepEqual(await fetchAt(log, 'marks', 7n), { kind: 'empty', end: 7n })
      assert.deepEqual(await fetchAt(log, 'marks', 8n), { kind: 'empty', end: 8n })
      await append(log, 'marks', 1)
      const more = await fetchAt(log, 'marks', 7n)
      assert.ok(more.kind === 'batches')
      assert.deepEqual(more.batches[0]!.skips, [{ first: 7n, next: 8n, reason: 'control' }])
      assert.deepEqual(offsets(more), [8n])
    } finally {
      await log.close()
    }
  })

  test('a broker that is away fails a request as worth a retry; a wait goes on by itself once it is back', async () => {
    const hasty = openLog(kafka.bootstrap, { retryMs: 2_000 })
    const patient = openLog(kafka.bootstrap, { retryMs: 60_000 })
    try {
      await patient.create('away', { partitions: 1, retentionMs: null })
      await append(patient, 'away', 1)
      await kafka.stopBroker(1)
      await assert.rejects(fetchAt(hasty, 'away', 0n), { code: 'LOG_UNAVAILABLE', message: /127\.0\.0\.1:\d+/ })
      await assert.rejects(hasty.describe('away'), { code: 'LOG_UNAVAILABLE' })
      await kafka.startBroker(1)
      assert.deepEqual(offsets(await fetchAt(patient, 'away', 0n)), [0n])
      await kafka.stopBroker(1)
      const waiting = patient.fetch({ topic: 'away', partition: 0, from: 1n, maxBytes: 1e6, waitMs: 90_000 })
      await sleep(1_000)
      await kafka.startBroker(1)
      await append(patient, 'away', 1)
      assert.deepEqual(offsets(await waiting), [1n])
    } finally {
      await hasty.close()
      await patient.close()
    }
  })

  test('I8 a damaged batch stops who reads it, with where it ends, and nobody who asks for the topic or reads on after it', async () => {
    const log = openLog(kafka.bootstrap, { compression: 'none' })
    const young = openLog(kafka.bootstrap)
    try {
      await log.create('damaged', { partitions: 1, retentionMs: null })
      for (let i = 0; i < 3; i += 1) await append(log, 'damaged', 2)
      const { folder } = kafka.places()[0]!
      const file = join(folder, 'broker-1', 'data', 'damaged-0', `${'0'.repeat(20)}.log`)
      const bytes = await readFile(file)
      // Inside the value of the last record, before the count of its headers.
      bytes[bytes.lastIndexOf('value 1')]! ^= 0xff
      await writeFile(file, bytes)
      for (const each of [log, young]) {
        const [partition] = (await each.describe('damaged'))!.partitions
        assert.deepEqual(partition, { partition: 0, start: 0n, end: 6n, limit: 6n, endTimeMs: null })
        assert.ok((await each.topics()).some(({ topic }) => topic === 'damaged'))
        assert.deepEqual(offsets(await fetchAt(each, 'damaged', 0n)), [0n, 1n, 2n, 3n])
        await assert.rejects(fetchAt(each, 'damaged', 4n), {
          code: 'LOG_CORRUPT',
          message: /offset 4 .* offset 6 follows/,
        })
        assert.equal((await fetchAt(each, 'damaged', 6n)).kind, 'empty')
      }
      await append(log, 'damaged', 1)
      assert.deepEqual(offsets(await fetchAt(log, 'damaged', 6n)), [6n])
      assert.equal((await log.describe('damaged'))!.partitions[0]!.end, 7n)
    } finally {
      await log.close()
      await young.close()
    }
  })

  test('a quota makes a reader wait, and is never taken for a topic that is gone or a broker that is away', async () => {
    const clientId = 'frugal'
    const quota = { key: 'consumer_byte_rate', value: 100_000, remove: false } as const
    const entry = { entities: [{ entityType: 'client-id' as const, entityName: clientId }], ops: [quota] }
    await asAdmin(kafka.bootstrap, (admin) => admin.alterClientQuotas({ entries: [entry], validateOnly: false }))
    const writer = openLog(kafka.bootstrap, { compression: 'none' })
    const log = openLog(kafka.bootstrap, { clientId, retryMs: 1_000 })
    try {
      await writer.create('frugal', { partitions: 3, retentionMs: null })
      const record = one(Buffer.alloc(700_000))
      for (const partition of [0, 1, 2]) {
        await writer.append({ batches: [{ topic: 'frugal', partition, records: [record] }], state: null })
      }
      for (const partition of [0, 1, 2]) {
        const read = await log.fetch({ topic: 'frugal', partition, from: 0n, maxBytes: 1e6, waitMs: 0 })
        assert.deepEqual(offsets(read), [0n])
      }
    } finally {
      await log.close()
      await writer.close()
    }
  })

  test('a session shorter than the broker allows is refused by the name of its setting', async () => {
    const log = openLog(kafka.bootstrap, { sessionTimeoutMs: 3_000 })
    try {
      const member = await log.join('short', ['short/0'])
      await assert.rejects(member.poll(), (error: SluiceError) => {
        assert.deepEqual([error.code, error.where.key], ['BROKER_REFUSED', 'broker.session_timeout'])
        assert.match(error.hint, /group\.min\.session\.timeout\.ms/)
        return true
      })
    } finally {
      await log.close()
    }
  })

  test('I18 another cluster in its place is another source, and what a source had reached is gone with the old one', async () => {
    const log = openLog(kafka.bootstrap)
    try {
      const before = await log.create('replaced', { partitions: 1, retentionMs: null })
      const state = { source: 'replaced', expectedSequence: 0n, set: new Map([['at', '1']]) }
      await log.append({ batches: [], state })
      await kafka.replace()
      assert.equal(await log.describe('replaced'), null)
      const made = await log.create('replaced', { partitions: 1, retentionMs: null })
      assert.notEqual(made.source, before.source)
      assert.deepEqual(await log.sourceState('replaced'), { sequence: 0n, entries: new Map() })
      assert.equal((await log.append({ batches: [], state })).kind, 'appended')
    } finally {
      await log.close()
    }
  })
})

test('three brokers: records, transactions and groups go on while leaders move', { skip }, async () => {
  const kafka = await startKafka({ brokers: 3 })
  const log = openLog(kafka.bootstrap, { retryMs: 60_000 })
  try {
    await log.create('moving', { partitions: 6, retentionMs: null })
    const member = await log.join('g', ['moving/0', 'moving/1'])
    assert.equal((await member.poll()).size, 2)
    let sequence = 0n
    for (const node of [1, 2, 3]) {
      await kafka.killBroker(node)
      const value = Buffer.from(`${sequence}`)
      const batches = [0, 1, 2, 3, 4, 5].map((partition) => ({ topic: 'moving', partition, records: [one(value)] }))
      const outcome = await log.append({ batches, state: { source: 's', expectedSequence: sequence, set: new Map() } })
      assert.equal(outcome.kind, 'appended', `without broker ${node}`)
      sequence += 1n
      for (let partition = 0; partition < 6; partition += 1) {
        assert.equal((await readValues(log, { topic: 'moving', partition })).at(-1), value.toString())
      }
      assert.equal((await member.poll()).size, 2)
      await kafka.startBroker(node)
    }
    for (let partition = 0; partition < 6; partition += 1) {
      assert.deepEqual(await readValues(log, { topic: 'moving', partition }), ['0', '1', '2'])
    }
    assert.equal((await log.sourceState('s')).sequence, 3n)
  } finally {
    await log.close()
    await kafka.close()
  }
})

test(
  'three brokers: one that hangs, and is the first to be asked, holds up what the others have for a moment only',
  { skip },
  async () => {
    const kafka = await startKafka({ brokers: 3 })
    const ways = [kafka.bootstrap, kafka.bootstrap.split(',')[0]!]
    const logs = ways.map((bootstrap) => openLog(bootstrap, { retryMs: 4_000 }))
    try {
      const [log] = logs
      await log!.create('hung', { partitions: 6, retentionMs: null })
      // All of them are known to each, and have been spoken to.
      for (const each of logs) assert.equal((await each.describe('hung'))!.partitions.length, 6)
      const leaders = await asAdmin(kafka.bootstrap, (admin) => admin.metadata({ topics: ['hung'] }))
      const elsewhere = Object.values(leaders.topics.get('hung')!.partitions).flatMap(({ leader }, partition) =>
        leader === 1 ? [] : [partition],
      )
      assert.ok(elsewhere.length > 0)
      for (const partition of elsewhere) {
        await log!.append({ batches: [{ topic: 'hung', partition, records: [one(Buffer.from('x'))] }], state: null })
      }
      kafka.pause(1)
      const young = openLog(kafka.bootstrap, { retryMs: 4_000 })
      logs.push(young)
      for (const each of logs) {
        for (const partition of elsewhere) {
          assert.deepEqual(await readValues(each, { topic: 'hung', partition }), ['x'])
        }
      }
    } finally {
      kafka.resume(1)
      await Promise.all(logs.map((log) => log.close()))
      await kafka.close()
    }
  },
)

function one(value: Buffer): OutgoingRecord {
  return { key: null, value, headers: [], timestampMs: Date.now() }
}

function records(count: number): OutgoingRecord[] {
  return Array.from({ length: count }, (_, i) => one(Buffer.from(`value ${i}`)))
}

async function append(log: TopicLog, topic: string, count: number): Promise<void> {
  await log.append({ batches: [{ topic, partition: 0, records: records(count) }], state: null })
}

function fetchAt(log: TopicLog, topic: string, from: bigint, source?: bigint): Promise<FetchOutcome> {
  return log.fetch({ topic, partition: 0, from, maxBytes: 1e6, waitMs: 0, source })
}

function offsets(outcome: FetchOutcome): bigint[] {
  assert.ok(outcome.kind === 'batches', outcome.kind)
  return outcome.batches.flatMap((batch) => Array.from({ length: batch.count }, (_, i) => recordOffset(batch, i)))
}

async function readValues(log: TopicLog, at: { topic: string; partition: number }): Promise<string[]> {
  const values: string[] = []
  for (let from = 0n; ;) {
    const read = await log.fetch({ ...at, from, maxBytes: 1e6, waitMs: 0 })
    if (read.kind !== 'batches') return values
    for (const batch of read.batches) {
      for (let i = 0; i < batch.count; i += 1) values.push(Buffer.from(recordValue(batch, i)!).toString('utf8'))
      from = batch.next
    }
  }
}
