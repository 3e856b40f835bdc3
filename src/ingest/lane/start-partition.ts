import type { Skip } from '../../domain/dead-letter.ts'
import type { SluiceError } from '../../domain/errors.ts'
import type { PartitionPosition } from '../../domain/position.ts'
import type { Snapshot } from '../../lake/snapshot.ts'
import type { TopicDescription } from '../../ports/topic-log.ts'
import { checkLane, type LaneCheck } from './check-lane.ts'
import { readPosition } from './lane-position.ts'
import { outOfRange, sourceChanged } from './read-lane.ts'

/** Where the reading of one partition begins, or why it cannot. */
export type PartitionStart =
  | {
      readonly kind: 'open'
      readonly epoch: number
      /** What the table says now; null where it says nothing of this partition. */
      readonly from: PartitionPosition | null
      readonly at: PartitionPosition
      readonly startSkip: Skip | null
    }
  | { readonly kind: 'stop'; readonly error: SluiceError }

export interface StartRequest {
  /** The bronze table's name. */
  readonly table: string
  readonly topic: TopicDescription
  readonly partition: number
  readonly snapshot: Snapshot | null
}

/** From the table alone (I1), and only where the log still has what comes next in the same topic (I8, I18). Pure. */
export function startPartition({ table, topic, partition, snapshot }: StartRequest): PartitionStart {
  const at = { topic: topic.topic, partition }
  const bronze = `bronze.${table}`
  const log = topic.partitions[partition]
  const from = snapshot === null ? null : readPosition(snapshot.txns, at)
  const check: LaneCheck =
    log === undefined
      ? { kind: 'source_changed', next: from?.next ?? 0n, held: null }
      : checkLane({ position: from, source: topic.source, log })
  if (check.kind === 'source_changed') return { kind: 'stop', error: sourceChanged({ ...at, table: bronze }, check) }
  if (check.kind === 'out_of_range') return { kind: 'stop', error: outOfRange({ ...at, table: bronze }, check) }
  const epoch = from?.epoch ?? 0
  const startSkip: Skip | null = check.startSkip === null ? null : { ...at, epoch, ...check.startSkip, reason: 'start' }
  return { kind: 'open', epoch, from, at: { next: check.from, epoch, source: topic.source }, startSkip }
}
