import type { produceV11 } from '@platformatic/kafka'
import { SluiceError } from '../../../domain/errors.ts'
import { partitionKey, type TopicPartition } from '../../../domain/position.ts'
import type { OutgoingRecord } from '../../../domain/record-batch.ts'
import type { AppendedRange, PartitionAppend } from '../../../ports/topic-log.ts'
import type { TopicViews } from '../topics/topic-views.ts'
import { CODE, codeError, isFenced, leaderMoved } from '../wire/broker-error.ts'
import type { Node } from '../wire/any-broker.ts'
import { AGAIN, type Cluster } from '../wire/cluster.ts'
import { encodeBatch } from './encode-batch.ts'
import { rawProduceApi, type PlacedBatch } from './produce-api.ts'
import type { ProducerIdentity } from './producer-identity.ts'

/** Records of one batch on the wire, before they are packed; a record that is larger alone stands alone. */
const BATCH_BYTES = 900_000
const BATCH_RECORDS = 10_000
/** Batches of one request. */
const REQUEST_BYTES = 8 * 1024 * 1024

export interface ProduceParts {
  readonly cluster: Cluster
  readonly views: TopicViews
}

interface Chunk extends TopicPartition {
  readonly records: readonly OutgoingRecord[]
  readonly bytes: number
}

/** Another producer of the same transactional id has begun: nothing of this one's open transaction will stand. */
export class Fenced extends Error {}

/**
 * Writes every part in order, each partition's batches one after the other, and answers where they stand. Throws
 * `Fenced`, or what the broker said; then the identity must not be used again.
 */
export async function produceParts(
  parts: ProduceParts,
  identity: ProducerIdentity,
  appends: readonly PartitionAppend[],
): Promise<readonly AppendedRange[]> {
  const queues = new Map<string, Chunk[]>()
  for (const append of appends) {
    const key = partitionKey(append)
    queues.set(key, [...(queues.get(key) ?? []), ...chunksOf(append)])
  }
  const bases = new Map<Chunk, bigint>()
  for (;;) {
    const heads = [...queues.values()].flatMap(([head]) => (head === undefined ? [] : [head]))
    if (heads.length === 0) break
    for (const group of groupsOf(heads)) await produceChunks(parts, { identity, chunks: group, bases })
    for (const queue of queues.values()) queue.shift()
  }
  return rangesOf(appends, bases)
}

interface Sending {
  readonly identity: ProducerIdentity
  readonly chunks: readonly Chunk[]
  readonly bases: Map<Chunk, bigint>
}

/** One batch a partition. A reply that was lost is asked for again: the broker knows a batch that it has by its sequence. */
async function produceChunks({ cluster, views }: ProduceParts, { identity, chunks, bases }: Sending): Promise<void> {
  let code: number = CODE.leaderNotAvailable
  const topics = [...new Set(chunks.map(({ topic }) => topic))].join(', ')
  const fault = { asked: `to append to ${topics}`, brokers: cluster.settings.brokers, where: { topic: topics } }
  await cluster.retrying<'done'>(
    async () => {
      const left = chunks.filter((chunk) => !bases.has(chunk))
      const groups = new Map<Node, Chunk[]>()
      for (const chunk of left) {
        const view = await views.known(chunk)
        const leader = view.leaders[chunk.partition]!
        if (leader === null) views.forget(chunk.topic)
        else groups.set(leader, [...(groups.get(leader) ?? []), chunk])
      }
      for (const [node, group] of groups) {
        const response = await send(cluster, node, { identity, chunks: group })
        for (const { name, partitionResponses } of response.responses) {
          for (const { index, errorCode, baseOffset, errorMessage } of partitionResponses) {
            const chunk = group.find(({ topic, partition }) => topic === name && partition === index)!
            code = errorCode
            if (errorCode === CODE.none || errorCode === CODE.duplicateSequence) {
              // A duplicate that is too old to be known by its offset answers -1: it is there, its place is not told.
              bases.set(chunk, baseOffset)
              advance(identity, chunk)
            } else if (leaderMoved(errorCode) || errorCode === CODE.unknownTopic) views.forget(name)
            else if (isFenced(errorCode)) throw new Fenced(`${name}/${index}`)
            else throw codeError(errorCode, { ...fault, where: { topic: name, partition: index } }, errorMessage)
          }
        }
      }
      return chunks.every((chunk) => bases.has(chunk)) ? 'done' : AGAIN
    },
    { late: () => codeError(code, fault) },
  )
}

function send(
  cluster: Cluster,
  node: Node,
  { identity, chunks }: Omit<Sending, 'bases'>,
): Promise<produceV11.ProduceResponse> {
  const { producerId, producerEpoch, transactionalId, sequences } = identity
  const batches = chunks.map(({ topic, partition, records }): PlacedBatch => ({
    topic,
    partition,
    bytes: encodeBatch({
      records,
      compression: cluster.settings.compression,
      producerId,
      producerEpoch,
      sequence: sequences.get(partitionKey({ topic, partition })) ?? 0,
      transactional: transactionalId !== null,
    }),
  }))
  const asked = `to append to ${[...new Set(chunks.map(({ topic }) => topic))].join(', ')}`
  return cluster.send('Produce', [transactionalId, batches], { asked, node, lane: 'write', own: rawProduceApi })
}

function advance({ sequences }: ProducerIdentity, { topic, partition, records }: Chunk): void {
  const key = partitionKey({ topic, partition })
  // 32 bits, wrapping to 0 (KIP-98).
  const next = (sequences.get(key) ?? 0) + records.length
  sequences.set(key, next > 2 ** 31 - 1 ? next - 2 ** 31 : next)
}

function chunksOf({ topic, partition, records }: PartitionAppend): Chunk[] {
  const chunks: Chunk[] = []
  let start = 0
  let bytes = 0
  const cut = (end: number): void => {
    if (end > start) chunks.push({ topic, partition, records: records.slice(start, end), bytes })
    start = end
    bytes = 0
  }
  for (const [i, record] of records.entries()) {
    const size = sizeOf(record)
    if (i > start && (bytes + size > BATCH_BYTES || i - start >= BATCH_RECORDS)) cut(i)
    bytes += size
  }
  cut(records.length)
  return chunks
}

function sizeOf(record: OutgoingRecord): number {
  const own = (record.key?.length ?? 0) + (record.value?.length ?? 0) + 16
  if (record.encodedHeaders !== undefined) return own + record.encodedHeaders.length
  return record.headers.reduce((sum, header) => sum + header.key.length + header.value.length + 4, own)
}

/** Chunks of different partitions, as many as one request takes. */
function groupsOf(chunks: readonly Chunk[]): Chunk[][] {
  const groups: Chunk[][] = []
  let bytes = Infinity
  for (const chunk of chunks) {
    if (bytes + chunk.bytes > REQUEST_BYTES) {
      groups.push([])
      bytes = 0
    }
    groups.at(-1)!.push(chunk)
    bytes += chunk.bytes
  }
  return groups
}

/** Where each append stands: batches of one partition that follow each other are one range. */
function rangesOf(appends: readonly PartitionAppend[], bases: ReadonlyMap<Chunk, bigint>): AppendedRange[] {
  const placed = new Map<string, { readonly chunk: Chunk; readonly base: bigint }[]>()
  for (const [chunk, base] of bases) {
    const key = partitionKey(chunk)
    placed.set(key, [...(placed.get(key) ?? []), { chunk, base }])
  }
  return appends.map(({ topic, partition, records }) => {
    const queue = placed.get(partitionKey({ topic, partition })) ?? []
    let left = records.length
    let first: bigint | null = null
    let next: bigint | null = null
    while (left > 0) {
      const head = queue.shift()
      if (head === undefined) throw new SluiceError('BUG', `an append to ${topic}/${partition} has no place`)
      first ??= head.base
      next = head.base + BigInt(head.chunk.records.length)
      left -= head.chunk.records.length
    }
    return { topic, partition, first: first ?? -1n, next: next ?? -1n }
  })
}
