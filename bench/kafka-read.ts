import { Consumer } from '@platformatic/kafka'
import { Kafka as Client, logLevel } from 'kafkajs'
import { systemClock } from '../src/adapters/clock/system-clock.ts'
import { openKafkaLog } from '../src/adapters/kafka/kafka-log.ts'
import { KAFKA_DEFAULTS, type KafkaCompression } from '../src/adapters/kafka/kafka-settings.ts'
import { recordValue } from '../src/domain/record-batch.ts'
import { registerCodecs } from '../test/adapters/kafka/kafkajs-codecs.ts'
import { startKafka } from '../test/services/kafka.ts'
import { measureHere } from './measure-here.ts'

/**
 * `node bench/kafka-read.ts`: what it costs to bring records from a Kafka on this machine to where their values can be
 * looked at, in the same run and process: kafkajs eachBatch, @platformatic/kafka's stream, and our own reading; and to
 * append them by ours. CPU microseconds a record, medians of three.
 */
const RECORDS = Number(process.env['SLUICE_BENCH_RECORDS'] ?? 500_000)
const ROUNDS = 3
const CODECS: readonly KafkaCompression[] = ['none', 'lz4', 'zstd']

registerCodecs()
const kafka = await startKafka()
try {
  for (const compression of CODECS) {
    const topic = `bench-${compression}`
    const settings = { ...KAFKA_DEFAULTS, brokers: kafka.bootstrap.split(','), membersGroup: 'bench', compression }
    const log = openKafkaLog({ settings, clock: systemClock })
    await log.create(topic, { partitions: 1, retentionMs: null })
    const wrote = await measureHere(async () => {
      for (let from = 0; from < RECORDS; from += 10_000) {
        // Batches of about 49 KB.
        for (let part = 0; part < 10_000; part += 290) {
          const count = Math.min(290, 10_000 - part)
          const records = Array.from({ length: count }, (_, i) => order(from + part + i))
          await log.append({ batches: [{ topic, partition: 0, records }], state: null })
        }
      }
    })
    const ways = {
      'kafkajs eachBatch': () => readWithKafkajs(topic),
      "the library's stream": () => readWithStream(topic),
      ours: () => readWithOurs(log, topic),
    }
    const took = new Map<string, number[]>(Object.keys(ways).map((way) => [way, []]))
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [way, read] of Object.entries(ways)) took.get(way)!.push(await measureHere(read))
    }
    process.stdout.write(`${compression}: appended by ours ${(wrote / RECORDS).toFixed(2)}`)
    for (const [way, all] of took)
      process.stdout.write(`, ${way} ${(all.toSorted((a, b) => a - b)[1]! / RECORDS).toFixed(2)}`)
    process.stdout.write(' CPU µs a record\n')
    await log.close()
  }
} finally {
  await kafka.close()
}

function order(i: number): { key: Buffer; value: Buffer; headers: []; timestampMs: number } {
  const value = `{"order_id":${i},"customer":"customer-${i % 9973}","status":"shipped","currency":"EUR","amount":${(i * 17.31).toFixed(2)},"note":"${((i * 2654435761) % 1e9).toString(36)}"}`
  return {
    key: Buffer.from(`order-${i}`),
    value: Buffer.from(value.padEnd(160, ' ')),
    headers: [],
    timestampMs: 1_700_000_000_000 + i,
  }
}

async function readWithOurs(log: ReturnType<typeof openKafkaLog>, topic: string): Promise<number> {
  let seen = 0
  let bytes = 0
  for (let from = 0n; seen < RECORDS;) {
    const read = await log.fetch({ topic, partition: 0, from, maxBytes: 4 * 1024 * 1024, waitMs: 1000 })
    if (read.kind !== 'batches') throw new Error(read.kind)
    for (const batch of read.batches) {
      for (let i = 0; i < batch.count; i += 1) bytes += recordValue(batch, i)?.length ?? 0
      seen += batch.count
      from = batch.next
    }
  }
  return bytes
}

async function readWithKafkajs(topic: string): Promise<number> {
  const client = new Client({ brokers: kafka.bootstrap.split(','), logLevel: logLevel.NOTHING })
  const consumer = client.consumer({ groupId: `kafkajs-${Math.random()}`, maxBytesPerPartition: 4 * 1024 * 1024 })
  let seen = 0
  let bytes = 0
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await new Promise<void>((resolve) => {
    void consumer.run({
      eachBatch: async ({ batch }) => {
        for (const { value } of batch.messages) bytes += value?.length ?? 0
        seen += batch.messages.length
        if (seen >= RECORDS) resolve()
      },
    })
  })
  await consumer.disconnect()
  return bytes
}

async function readWithStream(topic: string): Promise<number> {
  const consumer = new Consumer({
    clientId: 'bench',
    groupId: `stream-${Math.random()}`,
    bootstrapBrokers: kafka.bootstrap.split(','),
  })
  const stream = await consumer.consume({
    topics: [topic],
    mode: 'earliest',
    autocommit: false,
    maxBytes: 4 * 1024 * 1024,
  })
  let seen = 0
  let bytes = 0
  await new Promise<void>((resolve) => {
    stream.on('data', ({ value }: { value: Buffer | undefined }) => {
      bytes += value?.length ?? 0
      seen += 1
      if (seen >= RECORDS) resolve()
    })
  })
  await stream.close()
  await consumer.close(true)
  return bytes
}
