import type { ColumnRoom } from '../domain/column-room.ts'
import type { PackedRecords } from '../domain/packed-records.ts'
import type { TopicPartition } from '../domain/position.ts'
import type { OutgoingRecord, RecordBatch } from '../domain/record-batch.ts'

/**
 * A partitioned, durable, ordered log. `test/conformance/topic-log.ts` states its promises; every adapter passes it.
 *
 * Guarantees: an append that returned is durable; offsets of a partition ascend and are never reused; a reader sees
 * whole appends of a source or nothing of them; records of one partition keep the order of their appends.
 * Non-guarantees: order across partitions; that offsets are dense (the end of a transaction takes one); that an append
 * which threw is absent (its reply may have been lost: the source's sequence tells); that an append of no source is
 * whole where it threw.
 */
export interface TopicLog {
  /** All topics, by name. */
  topics(): Promise<readonly TopicDescription[]>
  /** Null where there is no such topic. */
  describe(topic: string): Promise<TopicDescription | null>
  /** Creates the topic if it is missing; never changes one that exists. */
  create(topic: string, options: TopicOptions): Promise<TopicDescription>
  /** Waits up to `waitMs` for the first record. Batches are in order and join up; the first begins at `from`. */
  fetch(request: FetchRequest): Promise<FetchOutcome>
  /** Appends to several partitions and moves the source's state, all or nothing (I9). Without a source: at least once. */
  append(request: AppendRequest): Promise<AppendOutcome>
  /** What the last successful append of a source left; sequence 0 and no entries before the first. */
  sourceState(source: string): Promise<SourceState>
  /**
   * Offset of the first record at or after `timeMs`; the end where there is none. By append time, or by the records' own
   * times where the log goes by those (Kafka's CreateTime).
   */
  offsetAtTime(at: TopicPartition, timeMs: number): Promise<bigint>
  close(): Promise<void>
}

export interface TopicDescription {
  readonly topic: string
  /** Hash of cluster id and topic id, 63 bits, not negative: a topic that was deleted and made again has another (I18). */
  readonly source: bigint
  readonly retentionMs: number | null
  /** By partition number, from 0, without gaps. */
  readonly partitions: readonly PartitionDescription[]
}

export interface PartitionDescription {
  readonly partition: number
  /** The first offset still held. */
  readonly start: bigint
  /** One past the last readable record, exclusive; past what is damaged where that comes last. */
  readonly end: bigint
  /** Where the next record will stand at the least: past `end` where marks of transactions or aborted records follow it. */
  readonly limit: bigint
  /** Time of the last record in ms, by which `offsetAtTime` finds it; null where there is none, or it cannot be read. */
  readonly endTimeMs: number | null
}

export interface TopicOptions {
  readonly partitions: number
  /** Null keeps records for ever. */
  readonly retentionMs: number | null
}

export interface FetchRequest extends TopicPartition {
  readonly from: bigint
  /** Only this incarnation of the topic: one that was made again under its name is `no_topic` (I18). Any, if not stated. */
  readonly source?: bigint | undefined
  /** At least one batch comes even if it is larger. */
  readonly maxBytes: number
  /**
   * A stored batch that is, or unpacks to, more than this comes without its records (`keptBack`), and is never held. By
   * default there is no bound.
   */
  readonly maxBatchBytes?: number
  readonly waitMs: number
  readonly signal?: AbortSignal
  /**
   * Where batches may lie that have to be put together. The log writes there until it answers and never after; without
   * it they lie in buffers of their own.
   */
  readonly room?: ColumnRoom | undefined
}

export type FetchOutcome =
  | { readonly kind: 'batches'; readonly batches: readonly RecordBatch[]; readonly end: bigint }
  /** No record stands at or after `from`: none came within `waitMs`. */
  | { readonly kind: 'empty'; readonly end: bigint }
  /** `from` is before `start` or past the log's limit. Never answered by reading elsewhere. */
  | { readonly kind: 'out_of_range'; readonly start: bigint; readonly end: bigint }
  | { readonly kind: 'no_topic' }

export interface AppendRequest {
  readonly batches: readonly PartitionAppend[]
  /** Null for appends that belong to no source, such as copies of dead letters. */
  readonly state: SourceStateChange | null
}

export interface PartitionAppend extends TopicPartition {
  readonly records: readonly OutgoingRecord[]
  /** The same records, where they are packed: a log that takes them so need not make objects of them. */
  readonly packed?: readonly PackedRecords[]
}

/** Progress of a source as small named entries: a watermark, or one entry a file. */
export interface SourceState {
  /** Grows by one with every append of this source. */
  readonly sequence: bigint
  readonly entries: ReadonlyMap<string, string>
}

export interface SourceStateChange {
  readonly source: string
  /** Compare-and-set: the append happens only if the source still stands at this sequence. */
  readonly expectedSequence: bigint
  /** Entries to set; null removes one. Entries not named stay. */
  readonly set: ReadonlyMap<string, string | null>
}

export type AppendOutcome =
  | { readonly kind: 'appended'; readonly sequence: bigint | null; readonly firsts: readonly AppendedRange[] }
  /** Another writer moved the source; nothing was appended. */
  | { readonly kind: 'conflicted'; readonly sequence: bigint }

export interface AppendedRange extends TopicPartition {
  readonly first: bigint
  /** Exclusive. */
  readonly next: bigint
}
