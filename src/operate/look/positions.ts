import { positionedPartitions, readPosition } from '../../ingest/lane/lane-position.ts'

/** Where a table's lanes stand, decoded from its `txn` actions. */
export interface LanePosition {
  readonly topic: string
  readonly partition: number
  readonly epoch: number
  /** Exclusive. */
  readonly next: bigint
}

const OFFSET_APP_ID = /^sluice\/([^/]+)\/\d+$/

export function decodePositions(txns: ReadonlyMap<string, bigint>): LanePosition[] {
  const topics = new Set([...txns.keys()].flatMap((appId) => OFFSET_APP_ID.exec(appId)?.[1] ?? []))
  return [...topics].sort().flatMap((topic) =>
    positionedPartitions(txns, topic).flatMap((partition) => {
      const position = readPosition(txns, { topic, partition })
      return position === null ? [] : [{ topic, partition, epoch: position.epoch, next: position.next }]
    }),
  )
}
