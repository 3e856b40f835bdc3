/**
 * Where a lane stands. Offsets are `bigint` and every position is the NEXT offset, exclusive (I2): a lane that has
 * read offsets 0..9 stands at 10, and one that has read nothing stands at 0. No "-1" and no special first case.
 */

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** The position of one topic-partition as its bronze table states it. */
export interface PartitionPosition {
  /** Next offset to read, exclusive. */
  readonly next: bigint
  /** How many incarnations of the topic an operator has accepted; 0 for the first. */
  readonly epoch: number
  /** Hash of cluster id and topic id as a non-negative 63-bit integer; null while the lane has committed nothing. */
  readonly source: bigint | null
}

export const START: PartitionPosition = { next: 0n, epoch: 0, source: null }

/** A stable text key for maps: `topic/partition`. Topic names cannot hold a slash (see `identifier.ts`). */
export function partitionKey({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

/** The inverse of `partitionKey`; null for what is none. */
export function parsePartitionKey(key: string): TopicPartition | null {
  const [, topic, partition] = /^([^/]+)\/(\d{1,9})$/.exec(key) ?? []
  return topic === undefined ? null : { topic, partition: Number(partition) }
}
