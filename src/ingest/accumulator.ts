import type { Skip } from '../domain/dead-letter.ts'
import { partitionKey, type PartitionPosition, type TopicPartition } from '../domain/position.ts'
import type { RecordBatch } from '../domain/record-batch.ts'
import type { FlushDecoding } from '../ports/decode-pool.ts'
import { lastRecord, type KnownRecord, type ReachedPartition } from './lane/ledger/known-record.ts'
import type { PositionMove } from './lane/lane-position.ts'

/** Of a batch, what positions need, and what its last record is known by. */
export type BatchSpan = Pick<
  RecordBatch,
  'topic' | 'partition' | 'first' | 'next' | 'count' | 'skips' | 'offsetDeltas' | 'timestampsMs' | 'keptBack'
>

const SKIP_BYTES = 128

/**
 * What a lane holds between two commits: how far it reaches and what it skips; rows and letters are with the decoding.
 * Batches of one partition must join up: a hole throws, since a hole that got in here would be committed (I4).
 */
export class Accumulator {
  readonly #moves = new Map<string, Move>()
  readonly decoding: FlushDecoding
  readonly skips: Skip[] = []
  /** Offsets passed by skips. */
  skipped = 0n
  openedMs: number | null = null

  constructor(decoding: FlushDecoding) {
    this.decoding = decoding
  }

  /** Where a partition stands with what is held, or as `begin` stated. */
  next(at: TopicPartition): bigint | null {
    return this.#moves.get(partitionKey(at))?.to.next ?? null
  }

  /** Where a partition will stand once what is held is committed. */
  position(at: TopicPartition): PartitionPosition | null {
    return this.#moves.get(partitionKey(at))?.to ?? null
  }

  /** States where a partition's reading begins; `startSkip` covers what the log no longer had before the lane began. */
  begin(
    at: TopicPartition,
    start: { readonly from: PartitionPosition | null; readonly at: PartitionPosition; readonly startSkip: Skip | null },
  ): void {
    this.#moves.set(partitionKey(at), { from: start.from, to: start.at, at, records: 0, last: null })
    if (start.startSkip !== null) this.#hold([start.startSkip])
  }

  /** A batch goes to the decoding: every offset of `[first, next)` becomes a row, a letter or a skip. */
  add(batch: BatchSpan, epoch: number, nowMs: number): void {
    const { topic, partition, first, next, count, skips } = batch
    const move = this.#moves.get(partitionKey(batch))
    if (move === undefined || move.to.next !== first) {
      throw new Error(`${partitionKey(batch)}: a batch at ${first} does not join up with ${move?.to.next ?? 'nothing'}`)
    }
    move.to = { ...move.to, next }
    move.records += count
    // Of what the log kept back neither the records' places nor their times are known.
    if (batch.keptBack === undefined) move.last = lastRecord(batch) ?? move.last
    this.#hold(skips.map((skip): Skip => ({ topic, partition, epoch, ...skip })))
    this.openedMs ??= nowMs
  }

  /** Forgets a partition and all that is held of it: another process reads it now. */
  drop(at: TopicPartition): void {
    const key = partitionKey(at)
    this.#moves.delete(key)
    this.decoding.drop(at)
    const skips = this.skips.filter((skip) => partitionKey(skip) !== key)
    this.skips.length = 0
    this.skipped = 0n
    this.#hold(skips)
    if (this.heldRecords === 0) this.openedMs = null
  }

  /** Records and skips. */
  get heldRecords(): number {
    let records = this.skips.length
    for (const move of this.#moves.values()) records += move.records
    return records
  }

  /** I12. */
  get heldBytes(): number {
    return this.decoding.heldBytes + this.skips.length * SKIP_BYTES
  }

  /** Moves of the partitions that went forward, or began. */
  moves(): PositionMove[] {
    return [...this.#moves.values()].flatMap(({ from, to, at }) =>
      from !== null && from.next === to.next ? [] : [{ ...at, from, to }],
    )
  }

  /** Where partitions stand once what is held is committed, and the last record that was read of each. */
  reached(): ReachedPartition[] {
    return [...this.#moves.values()].flatMap(({ to, at: { partition }, last }) =>
      last === null ? [] : [{ partition, position: to, last }],
    )
  }

  #hold(skips: readonly Skip[]): void {
    for (const skip of skips) {
      this.skips.push(skip)
      this.skipped += skip.next - skip.first
    }
  }
}

interface Move {
  readonly from: PartitionPosition | null
  to: PartitionPosition
  readonly at: TopicPartition
  records: number
  last: KnownRecord | null
}
