import type { PartitionPosition } from '../../../domain/position.ts'
import { recordOffset, type RecordBatch } from '../../../domain/record-batch.ts'

/** By what a log is known to be the same (I18): a record that was read of it, or that landed. */
export interface KnownRecord {
  readonly offset: bigint
  /** As in `_record_ts`: microseconds. */
  readonly recordTs: bigint
}

/** What a flush committed of a partition, and the last record that it read of it. */
export interface ReachedPartition {
  readonly partition: number
  readonly position: PartitionPosition
  readonly last: KnownRecord
}

type Placed = Pick<RecordBatch, 'first' | 'offsetDeltas' | 'timestampsMs'>

export function knownRecord(batch: Placed, index: number): KnownRecord {
  return { offset: recordOffset(batch, index), recordTs: BigInt(Math.floor(batch.timestampsMs[index]!)) * 1000n }
}

/** Null where there is none, or its time is no number. */
export function lastRecord(batch: Placed & Pick<RecordBatch, 'count'>): KnownRecord | null {
  const last = batch.count - 1
  return last >= 0 && Number.isFinite(batch.timestampsMs[last]) ? knownRecord(batch, last) : null
}
