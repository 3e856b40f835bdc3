import { SluiceError } from '../../domain/errors.ts'
import type { OffsetRange } from '../../domain/offset-range.ts'
import { partitionKey, type PartitionPosition, type TopicPartition } from '../../domain/position.ts'
import type { TopicDescription } from '../../ports/topic-log.ts'
import { requirePartition } from '../repair/find-partition.ts'

export interface ReplayFacts {
  /** `bronze.<table>`. */
  readonly table: string
  readonly topic: TopicDescription
  readonly partition: number
  readonly position: PartitionPosition | null
  readonly from: bigint
  /** Exclusive; null for all up to the position. */
  readonly to: bigint | null
}

/** One partition's range, which the log still holds and the lane has passed. */
export interface PartitionReplay extends TopicPartition, OffsetRange {
  readonly epoch: number
  /** The topic that the range was planned in. */
  readonly source: bigint
}

/**
 * The range is cut at the table's position (I16): what comes after it is ingest's to read. Null where nothing is left.
 * Throws SOURCE_CHANGED, and OFFSET_OUT_OF_RANGE where the log no longer holds the range whole: rows that cannot be read
 * again must not be taken out. Pure.
 */
export function planReplay({ table, topic, partition, position, from, to }: ReplayFacts): PartitionReplay | null {
  const at = { topic: topic.topic, partition }
  const log = requirePartition(topic, partition)
  if (to !== null && to < from) throw new SluiceError('USAGE', `the range [${from},${to}) ends before it begins`)
  if (position === null) return null
  if (position.source !== null && position.source !== topic.source) {
    throw new SluiceError(
      'SOURCE_CHANGED',
      `${partitionKey(at)} is not the topic that ${table} read: its records cannot be read again`,
      { where: { ...at, table } },
    )
  }
  const next = to === null || to > position.next ? position.next : to
  if (from >= next) return null
  if (from < log.start || next > log.limit) {
    throw new SluiceError(
      'OFFSET_OUT_OF_RANGE',
      `${partitionKey(at)} holds offsets [${log.start},${log.limit}), so [${from},${next}) cannot be read again whole`,
      {
        where: { ...at, offset: String(from < log.start ? from : log.limit), table },
        hint: `Replay from ${log.start} on; what is older must come from its source again.`,
      },
    )
  }
  return { ...at, epoch: position.epoch, source: topic.source, first: from, next }
}
