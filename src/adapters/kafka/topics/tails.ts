import { SluiceError } from '../../../domain/errors.ts'
import { partitionKey, type TopicPartition } from '../../../domain/position.ts'
import { recordOffset } from '../../../domain/record-batch.ts'
import { PartitionReader } from '../records/partition-reader.ts'
import type { Cluster } from '../wire/cluster.ts'
import type { WireFetcher } from '../fetch/wire-fetcher.ts'

/** Where the readable records of a partition end. */
export interface Tail {
  readonly topicId: string
  /** The last stable offset that this was found out under. */
  readonly limit: bigint
  /** One past the last record; the log's start where there is none. */
  readonly end: bigint
  /** Of the last record, or null where there is none, or none that can be read. */
  readonly timeMs: number | null
}

/**
 * Finds the last readable record: what stands at the end of a log may be marks of transactions, what was aborted, or
 * what compaction left. Looks back from the end, no further than it looked before.
 */
export class Tails {
  readonly #cluster: Cluster
  readonly #wires: WireFetcher
  readonly #tails = new Map<string, Tail>()

  constructor(cluster: Cluster, wires: WireFetcher) {
    this.#cluster = cluster
    this.#wires = wires
  }

  /** `start` and `limit` are the partition's first offset and last stable offset. Null where the topic is gone. */
  async find(
    at: TopicPartition & { topicId: string; source: bigint },
    start: bigint,
    limit: bigint,
  ): Promise<Tail | null> {
    const key = partitionKey(at)
    const known = this.#tails.get(key)
    const before = known !== undefined && known.topicId === at.topicId && known.limit <= limit ? known : null
    if (before !== null && before.limit === limit)
      return before.end < start ? { ...before, end: start, timeMs: null } : before
    const empty: Tail = { topicId: at.topicId, limit, end: start, timeMs: null }
    const floor = before === null || before.limit < start ? start : before.limit
    let last: Tail = before === null || before.end < start ? empty : { ...before, limit }
    let from = limit - 1n
    while (from >= floor) {
      const answer = await this.#wires.now({ ...at, from, maxBytes: 1 })
      if (answer.kind === 'no_topic') return null
      // The log was cut meanwhile: what is left has no record for us, or the next look finds it.
      if (answer.kind === 'out_of_range' || answer.fetched.wire.length === 0) break
      const { wire, aborted } = answer.fetched
      const base = wire.readBigInt64BE(0)
      const bytes = { wire, aborted, from: base, maxUnpackedBytes: this.#cluster.settings.maxBatchBytes }
      const found = lastRecord(at, bytes)
      if (found === 'damaged') {
        last = { topicId: at.topicId, limit, end: limit, timeMs: null }
        break
      }
      if (found !== null) {
        last = { topicId: at.topicId, limit, end: found.offset + 1n, timeMs: found.timeMs }
        break
      }
      from = base - 1n
    }
    this.#tails.set(key, last)
    return last
  }
}

type Bytes = Omit<ConstructorParameters<typeof PartitionReader>[0], keyof TopicPartition>

/**
 * `damaged`: there is something, and whoever reads up to it is told what; here it stops nothing else, not the other
 * partitions, and not the reset that passes it.
 */
function lastRecord(
  at: TopicPartition,
  bytes: Bytes,
): { readonly offset: bigint; readonly timeMs: number } | 'damaged' | null {
  const { topic, partition } = at
  const reader = new PartitionReader({ ...bytes, topic, partition })
  let last: { offset: bigint; timeMs: number } | null = null
  try {
    for (let batch = reader.read(Infinity); batch !== null; batch = reader.read(Infinity)) {
      const index = batch.count - 1
      if (index >= 0) last = { offset: recordOffset(batch, index), timeMs: batch.timestampsMs[index]! }
    }
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'LOG_CORRUPT') return 'damaged'
    throw error
  }
  return last
}
