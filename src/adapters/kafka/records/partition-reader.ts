import { SluiceError } from '../../../domain/errors.ts'
import type { BatchSkip, RecordBatch } from '../../../domain/record-batch.ts'
import type { TopicPartition } from '../../../domain/position.ts'
import { AbortedTransactions, type AbortedTransaction } from './aborted-transactions.ts'
import { checkCount, corruptBatch, readFrame, type BatchFrame } from './batch-frame.ts'
import { RecordColumns } from './record-columns.ts'
import { unpackBatch } from './unpack.ts'
import { walkRecords } from './walk-records.ts'

/** Batches of the wire are put together up to this size: what follows has a price for every batch. */
const JOINED_BYTES = 256 * 1024
/** Offsets of a batch are 32-bit deltas. */
const MOST_OFFSETS = 0x4000_0000n

export interface PartitionBytes extends TopicPartition {
  /** Record batches as a fetch answered them: the first may begin before `from`, the last may be cut off. */
  readonly wire: Buffer
  readonly aborted: readonly AbortedTransaction[]
  readonly from: bigint
  /** Skips that an earlier reader kept back; they end at `from`. */
  readonly before?: { readonly first: bigint; readonly skips: readonly BatchSkip[] }
  /** No record batch may unpack to more. */
  readonly maxUnpackedBytes: number
}

interface Unpacked {
  readonly frame: BatchFrame
  readonly payload: Buffer
}

/**
 * One partition's share of a fetch, read forward into record batches. Offsets that hold no record for us (control,
 * aborted, compacted) become skips of the batch that follows them, or of the one before where none follows.
 *
 * State: how far the wire was read, and what was unpacked and not yet given. Throws LOG_CORRUPT at the first batch that
 * is not what it states; what came before has then been given.
 */
export class PartitionReader {
  readonly #source: PartitionBytes
  readonly #aborted: AbortedTransactions
  #at = 0
  #next: bigint
  #ahead: Unpacked | null = null
  #failed: SluiceError | null = null
  #skips: BatchSkip[] = []
  /** Where skips began that no batch carries yet. */
  #skipsFrom: bigint

  constructor(source: PartitionBytes) {
    this.#source = source
    this.#aborted = new AbortedTransactions(source.aborted)
    this.#next = source.from
    this.#skipsFrom = source.before?.first ?? source.from
    this.#skips = [...(source.before?.skips ?? [])]
  }

  /** Where reading goes on: past the last whole batch that was looked at. */
  get next(): bigint {
    return this.#next
  }

  get wireBytes(): number {
    return this.#source.wire.length
  }

  /** Wire bytes not yet read. */
  get leftBytes(): number {
    return this.#source.wire.length - this.#at
  }

  /** What the whole batch takes that the wire ends inside of; null where it ends between two, or in the first's head. */
  get cutBytes(): number | null {
    const { wire } = this.#source
    return this.leftBytes < 12 ? null : wire.readInt32BE(this.#at + 8) + 12
  }

  /** Bytes of the next batch of records, unpacked; null where none follows. Throws LOG_CORRUPT. */
  get aheadBytes(): number | null {
    if (this.#failed !== null) throw this.#failed
    return this.#nextUnpacked()?.payload.length ?? null
  }

  /**
   * The next records, in at most `maxBytes` where one batch of the wire fits in them; null where none follow. A batch
   * without records comes only where a skip is too long for 32-bit deltas.
   */
  read(maxBytes: number): RecordBatch | null {
    if (this.#failed !== null) throw this.#failed
    const first = this.#skipsFrom
    const most = Math.min(maxBytes, JOINED_BYTES)
    const joined: Unpacked[] = []
    const columns = new RecordColumns()
    let bytes = 0
    try {
      for (;;) {
        const ahead = this.#nextUnpacked()
        if (ahead === null) break
        const { frame } = ahead
        const far = frame.lastOffset - first > MOST_OFFSETS
        if (far && joined.length === 0 && frame.baseOffset > first) {
          this.#skipTo(frame.baseOffset, 'compacted')
          return this.#give(first, columns, Buffer.alloc(0))
        }
        const base = baseOf(joined, ahead, bytes)
        const size = base + ahead.payload.length
        if (joined.length > 0 && (far || size > most || !joins(joined.at(-1)!, ahead))) break
        const before = columns.count
        this.#walk(ahead, { columns, base, first })
        this.#ahead = null
        if (columns.count === before) continue
        joined.push(ahead)
        bytes = size
      }
    } catch (error) {
      if (joined.length === 0 || !(error instanceof SluiceError)) throw error
      // What came before it is good.
      this.#failed = error
    }
    return joined.length === 0 ? null : this.#give(first, columns, bytesOf(this.#source.wire, joined))
  }

  /** Skips that no record followed: kept back, since a log whose last records are no records has no more to give. */
  get trailing(): { readonly first: bigint; readonly skips: readonly BatchSkip[] } {
    return { first: this.#skipsFrom, skips: this.#skips }
  }

  /** The next batch that holds records for us, unpacked; those that hold none become skips. */
  #nextUnpacked(): Unpacked | null {
    const { wire, maxUnpackedBytes } = this.#source
    while (this.#ahead === null) {
      const frame = readFrame(wire, this.#at, this.#source)
      if (frame === null) return null
      if (frame.lastOffset < this.#next) {
        // Still asked: it may open or close a transaction.
        this.#aborted.isAborted(frame, this.#isAbortMarker(frame))
        this.#at = frame.end
        continue
      }
      if (this.#aborted.isAborted(frame, this.#isAbortMarker(frame)) || frame.control) {
        this.#skipTo(frame.baseOffset, 'compacted')
        this.#skipTo(frame.lastOffset + 1n, frame.control ? 'control' : 'aborted')
        this.#at = frame.end
        continue
      }
      const payload = unpackBatch(wire, frame, this.#source, maxUnpackedBytes)
      checkCount(frame, payload.length, this.#source)
      if (frame.count === 0) {
        this.#skipTo(frame.lastOffset + 1n, 'compacted')
        this.#at = frame.end
        continue
      }
      this.#ahead = { frame, payload }
    }
    return this.#ahead
  }

  #walk({ frame, payload }: Unpacked, place: { columns: RecordColumns; base: number; first: bigint }): void {
    const { columns, base, first } = place
    this.#skipTo(frame.baseOffset, 'compacted')
    const gaps: [number, number][] = []
    try {
      walkRecords({
        payload,
        frame,
        columns,
        base,
        fromDelta: Number(this.#next - frame.baseOffset),
        deltaShift: Number(frame.baseOffset - first),
        gap: (from, to) => gaps.push([from, to]),
      })
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      throw corruptBatch(this.#source, frame.baseOffset, error.message, error)
    }
    for (const [from, to] of gaps) {
      this.#skip(frame.baseOffset + BigInt(from), frame.baseOffset + BigInt(to), 'compacted')
    }
    this.#next = frame.lastOffset + 1n
    this.#at = frame.end
  }

  #skipTo(next: bigint, reason: BatchSkip['reason']): void {
    if (next <= this.#next) return
    this.#skip(this.#next, next, reason)
    this.#next = next
  }

  #skip(first: bigint, next: bigint, reason: BatchSkip['reason']): void {
    const last = this.#skips.at(-1)
    if (last !== undefined && last.reason === reason && last.next === first) {
      this.#skips[this.#skips.length - 1] = { ...last, next }
    } else {
      this.#skips.push({ first, next, reason })
    }
  }

  #give(first: bigint, columns: RecordColumns, bytes: Uint8Array): RecordBatch {
    const { topic, partition } = this.#source
    const skips = this.#skips
    this.#skips = []
    this.#skipsFrom = this.#next
    return { topic, partition, first, next: this.#next, bytes, skips, ...columns.cut() }
  }

  /** The first record of a control batch has a key of version and type, both i16; type 0 is abort (KIP-98). */
  #isAbortMarker(frame: BatchFrame): boolean {
    if (!frame.control || frame.codec !== 0 || frame.count === 0) return false
    return readControlType(this.#source.wire, frame) === 0
  }
}

/** Type of a control batch: 0 abort, 1 commit; null where it is neither or cannot be read. */
export function readControlType(wire: Buffer, frame: BatchFrame): number | null {
  const columns = new RecordColumns()
  const payload = wire.subarray(frame.payloadStart, frame.end)
  if (frame.count * 7 > payload.length) return null
  try {
    walkRecords({ payload, frame, columns, base: 0, fromDelta: 0, deltaShift: 0, gap: () => undefined })
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
  const start = columns.keyStarts[0] ?? -1
  return start < 0 || columns.keyEnds[0]! - start < 4 ? null : payload.readInt16BE(start + 2)
}

/** Plain batches stay where they are in the wire; packed ones are put one behind the other. */
function joins(last: Unpacked, next: Unpacked): boolean {
  return (last.frame.codec === 0) === (next.frame.codec === 0)
}

/** What to add to a payload's positions so that they count from the start of the joined bytes. */
function baseOf(joined: readonly Unpacked[], { frame }: Unpacked, bytes: number): number {
  if (frame.codec !== 0) return bytes
  return frame.payloadStart - (joined[0] ?? { frame }).frame.payloadStart
}

function bytesOf(wire: Buffer, joined: readonly Unpacked[]): Uint8Array {
  const [first] = joined
  if (joined.length === 1) return first!.payload
  if (first!.frame.codec === 0) return wire.subarray(first!.frame.payloadStart, joined.at(-1)!.frame.end)
  return Buffer.concat(joined.map(({ payload }) => payload))
}
