import { Kafka as Client, logLevel, type Consumer, type EachBatchPayload } from 'kafkajs'
import type { RecordBatch } from '../../src/domain/record-batch.ts'
import type { FetchOutcome, FetchRequest, TopicLog } from '../../src/ports/topic-log.ts'
import { registerCodecs } from '../../test/adapters/kafka/kafkajs-codecs.ts'

const FETCH_BYTES = 4 * 1024 * 1024
/** Batches that wait for each partition to be asked for. */
const AHEAD = 2

/**
 * `fetch` by kafkajs eachBatch, all else by `log`. What kafkajs hands out as objects is put into one buffer a batch, which
 * is what stands behind it. Reads one topic from its start, and forward alone; offsets must be dense.
 */
export async function withKafkajs(log: TopicLog, brokers: string, topic: string): Promise<TopicLog> {
  registerCodecs()
  const client = new Client({ brokers: brokers.split(','), logLevel: logLevel.NOTHING })
  const consumer: Consumer = client.consumer({
    groupId: `kafkajs-${process.pid}-${Date.now()}`,
    sessionTimeout: 120_000,
    maxBytesPerPartition: FETCH_BYTES,
    maxBytes: 4 * FETCH_BYTES,
  })
  const queues = new Map<number, RecordBatch[]>()
  let wake = Promise.withResolvers<void>()
  const changed = (): void => {
    wake.resolve()
    wake = Promise.withResolvers<void>()
  }
  // kafkajs fetches no more before all that a fetch brought was taken: what is asked for may be behind what is not.
  let starving = false
  const eachBatch = async ({ batch }: EachBatchPayload): Promise<void> => {
    const queue = queues.get(batch.partition) ?? []
    queues.set(batch.partition, queue)
    queue.push(recordBatchOf(batch))
    changed()
    while (queue.length > AHEAD && !starving) await wake.promise
  }
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({ autoCommit: false, partitionsConsumedConcurrently: 4, eachBatch })

  const given = new Map<number, bigint>()
  const fetch = async (request: FetchRequest): Promise<FetchOutcome> => {
    const { partition, from, signal } = request
    // A look back at the last record that landed.
    if (from < (given.get(partition) ?? 0n)) return log.fetch(request)
    for (;;) {
      signal?.throwIfAborted()
      const head = queues.get(partition)?.shift()
      starving = head === undefined
      changed()
      if (head === undefined) {
        await Promise.race([wake.promise, new Promise((go) => setTimeout(go, 5))])
        continue
      }
      if (head.first !== from) throw new Error(`kafkajs is at ${head.first}, and ${from} is asked for`)
      given.set(partition, head.next)
      return { kind: 'batches', batches: [head], end: head.next }
    }
  }
  return {
    ...log,
    fetch,
    close: async () => {
      await consumer.disconnect()
      await log.close()
    },
  }
}

function recordBatchOf({ topic, partition, messages }: EachBatchPayload['batch']): RecordBatch {
  const count = messages.length
  const first = BigInt(messages[0]!.offset)
  const ints = (): Int32Array => new Int32Array(count)
  const [offsetDeltas, keyStarts, keyEnds, valueStarts, valueEnds] = [ints(), ints(), ints(), ints(), ints()]
  const timestampsMs = new Float64Array(count)
  const parts: Buffer[] = []
  let at = 0
  let row = 0
  const put = (part: Buffer | null, starts: Int32Array, ends: Int32Array): void => {
    starts[row] = part === null ? -1 : at
    if (part !== null) {
      parts.push(part)
      at += part.length
    }
    ends[row] = part === null ? -1 : at
  }
  for (const { offset, timestamp, key, value } of messages) {
    offsetDeltas[row] = Number(BigInt(offset) - first)
    timestampsMs[row] = Number(timestamp)
    put(key, keyStarts, keyEnds)
    put(value, valueStarts, valueEnds)
    row += 1
  }
  return {
    topic,
    partition,
    first,
    next: BigInt(messages.at(-1)!.offset) + 1n,
    count,
    bytes: Buffer.concat(parts),
    offsetDeltas,
    timestampsMs,
    keyStarts,
    keyEnds,
    valueStarts,
    valueEnds,
    headersStarts: ints(),
    headersEnds: ints(),
    skips: [],
  }
}
