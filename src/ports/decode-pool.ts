import type { ColumnField } from '../domain/column-batch.ts'
import type { ColumnRoom } from '../domain/column-room.ts'
import type { ColumnStats } from '../domain/column-stats.ts'
import type { DeadLetter } from '../domain/dead-letter.ts'
import type { TopicPartition } from '../domain/position.ts'
import type { RecordBatch } from '../domain/record-batch.ts'
import type { BronzeTableSettings } from '../domain/settings.ts'
import type { PackedRecords } from '../domain/packed-records.ts'
import type { RegisteredSchema } from './schema-registry.ts'

/**
 * Where batches become rows: judged under the contract, held, and written as Parquet files, on this thread or on others.
 * `test/conformance/decode-pool.ts` states its promises; every implementation passes it.
 *
 * Guarantees: batches of one partition are judged in the order in which they were handed over, under the terms of the
 * flush and no others; a flush has at most one file a thread; what comes out does not depend on how many threads there
 * are, but for which file holds a row. A thread that ends in the middle of its work fails every flush that it had a part
 * in with WORKER_DIED; others go on, and the next flush finds a new thread. Nothing that a flush holds is durable: a
 * flush that fails is read again from the log (I4).
 */
export interface DecodePool {
  /** Whether batches of one flush are judged while another one is written; else handing them over early gains nothing. */
  readonly worksBeside: boolean
  /** Says that batches of so many partitions come soon: what takes time to begin may begin now. Nothing has to follow. */
  expect(partitions: number): void
  openFlush(terms: FlushTerms): FlushDecoding
  /** Flushes still open fail. */
  close(): Promise<void>
}

/** What a flush is judged under; fixed for all of it. Plain values: they may cross to another thread. */
export interface FlushTerms {
  readonly table: BronzeTableSettings
  /** The contract in force as the flush began. */
  readonly schema: RegisteredSchema
  /** The columns that the table has; null where there is no table yet. */
  readonly tableFields: readonly ColumnField[] | null
  /** `privacy.hash_key`. Where the contract hashes and it is null, the flush fails: HASH_KEY_MISSING. */
  readonly hashKey: string | null
  readonly sealKey: string | null
  readonly runId: string
  readonly batchId: string
  /** A record of more bytes is refused unseen. */
  readonly maxRecordBytes: number
  /** Whether the letters are asked for beside their lines. */
  readonly keepLetters: boolean
  /** Whether copies for the error topic are asked for. */
  readonly copyLetters: boolean
}

/** What is told of batches that are handed over. */
export interface BatchFacts {
  readonly epoch: number
  readonly nowMs: number
  /** Holds every writer id of the batches. */
  readonly writers: ReadonlyMap<number, RegisteredSchema>
}

export interface FlushDecoding {
  /** Bytes of what was handed over and is not let go: in flight, as rows, as letters (I12). */
  readonly heldBytes: number
  /**
   * Takes the batches of one fetch, all of one partition. Their buffers are the pool's from here on: a caller reads
   * them no more. Resolves once there is room for another; rejects with what failed, then or before.
   */
  take(batches: readonly RecordBatch[], facts: BatchFacts): Promise<void>
  /**
   * Room for the batches of the next fetch that is to be taken; what lies in the room that was given before must have
   * been taken. Undefined where batches are better off in buffers of their own, that can move.
   */
  fetchRoom(): ColumnRoom | undefined
  /** Forgets all that was taken of a partition. */
  drop(at: TopicPartition): void
  /** Waits until all that was taken is judged. */
  settle(): Promise<SettledFlush>
  /** Once, after `settle`: writes the rows as files. */
  stage(order: StageOrder): Promise<readonly StagedRows[]>
  /** Lets go of all; files that nobody took are removed. Again, and after `stage`, it does nothing to what was taken. */
  abandon(): Promise<void>
}

/** What a flush holds once all of it is judged. */
export interface SettledFlush {
  readonly landed: number
  /** Of the rows: the contract's columns in order, those that mode evolve brought, ours but for `_ingest_ts`. */
  readonly fields: readonly ColumnField[]
  readonly letters: SettledLetters
}

export interface SettledLetters {
  readonly count: number
  /** Whole lines of the error lane's form; none where the letters must be sealed and there is no key. */
  readonly lines: readonly Uint8Array[]
  /** Of the same letters as the lines. Empty unless the terms ask for them. */
  readonly copies: readonly PackedRecords[]
  /** Empty unless the terms ask for them. */
  readonly records: readonly DeadLetter[]
}

export interface StageOrder {
  /** The table's columns by the time of the commit. Rows are cast to them. */
  readonly fields: readonly ColumnField[]
  /** Left out of the files. */
  readonly partitionColumns: readonly string[]
  /** `_ingest_ts`. */
  readonly nowMs: number
}

export interface StagedRows {
  /** Finished, not synced; whoever takes it may move it away. */
  readonly localFile: string
  readonly rows: number
  readonly bytes: number
  readonly stats: readonly ColumnStats[]
}

/** The work of one thread for one flush, without a thread: what an implementation of the pool runs. */
export interface FlushWork {
  readonly heldBytes: number
  take(batches: readonly RecordBatch[], facts: BatchFacts): void
  /** As `FlushDecoding.fetchRoom`. */
  fetchRoom(): ColumnRoom
  drop(at: TopicPartition): void
  settle(): SettledFlush
  /** Yields the bytes of a Parquet file in order; returns null where there are no rows. */
  stage(order: StageOrder): Generator<readonly Uint8Array[], Omit<StagedRows, 'localFile' | 'bytes'> | null>
  /** Lets go of the rows; nothing may be asked after it, and a second time it does nothing. */
  close(): void
}

export type OpenFlushWork = (terms: FlushTerms) => FlushWork
