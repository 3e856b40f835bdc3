import type { ColumnRoom } from '../../../domain/column-room.ts'
import { SluiceError } from '../../../domain/errors.ts'
import { keptBackBatch, type BatchSkip, type RecordBatch } from '../../../domain/record-batch.ts'
import type { TopicPartition } from '../../../domain/position.ts'
import { AbortedTransactions, type AbortedTransaction } from './aborted-transactions.ts'
import { checkCount, corruptBatch, readFrame, type BatchFrame } from './batch-frame.ts'
import { RecordColumns, type CutColumns } from './record-columns.ts'
import { ownRoom, ScratchRoom } from './room.ts'
import { unpackBatch } from './unpack.ts'
import { walkRecords, withinTime } from './walk-records.ts'

/** Batches of the wire are put together up to this size: what follows has a price for every batch. */
const JOINED_BYTES = 256 * 1024
/** Offsets of a batch are 32-bit deltas. */
const MOST_OFFSETS = 0x4000_0000n
/** Offsets of a batch that is kept back come in parts, since each of them becomes a letter of about so many bytes. */
const KEPT_BACK_OFFSETS = 10_000n
const KEPT_BACK_BYTES = 256
/** No producer writes so many into one batch. */
const MOST_KEPT_BACK = 20_000_000n

export interface PartitionBytes extends TopicPartition {
  /** Record batches as a fetch answered them: the first may begin before `from`, the last may be cut off. */
  readonly wire: Buffer
  readonly aborted: readonly AbortedTransaction[]
  readonly from: bigint
  /** Skips that an earlier reader kept back; they end at `from`. */
  readonly before?: { readonly first: bigint; readonly skips: readonly BatchSkip[] }
  /** A record batch that is, or unpacks to, more is kept back: its records are not read. */
  readonly maxUnpackedBytes: number
}

interface Unpacked {
  readonly frame: BatchFrame
  readonly payload: Buffer
}

interface KeptBack {
  readonly frame: BatchFrame
  readonly payload: null
}

/** Where records are unpacked, and where they are to lie; in a buffer of their own where that is not said. */
interface Rooms {
  readonly room: ScratchRoom
  readonly resting?: ColumnRoom | undefined
}

/** What is being put together, in all readers of the process: none is at it across calls. */
const gathered = new RecordColumns()

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
  #ahead: Unpacked | KeptBack | null = null
  #failed: SluiceError | null = null
  /** Whether a batch that was given stands in the wire's own bytes. */
  #lent = false
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
    const ahead = this.#nextAhead(null)
    if (ahead === null) return null
    return ahead.payload?.length ?? keptBackBytes(this.#nextKeptBack(ahead.frame) - this.#next)
  }

  /**
   * The next records, in at most `maxBytes` where one batch of the wire fits in them, put together in `resting` where
   * there is one; null where none follow. A batch
   * without records comes only where a skip is too long for 32-bit deltas, or comes before records that are kept back.
   */
  read(maxBytes: number, resting?: ColumnRoom): RecordBatch | null {
    if (this.#failed !== null) throw this.#failed
    const first = this.#skipsFrom
    const most = Math.min(maxBytes, JOINED_BYTES)
    const joined: Unpacked[] = []
    const room = new ScratchRoom()
    gathered.clear()
    let bytes = 0
    try {
      for (;;) {
        const ahead = this.#nextAhead(room)
        if (ahead === null) break
        const { frame, payload } = ahead
        const far = frame.lastOffset - first > MOST_OFFSETS
        if (joined.length === 0 && (far || payload === null) && frame.baseOffset > first) {
          this.#skipTo(frame.baseOffset, 'compacted')
          return this.#give(first, [], { room })
        }
        if (payload === null) {
          if (joined.length > 0) break
          return this.#skips.length > 0 ? this.#give(first, [], { room }) : this.#keepBack(frame)
        }
        const base = baseOf(joined, ahead, bytes)
        const size = base + payload.length
        if (joined.length > 0 && (far || size > most || !joins(joined.at(-1)!, ahead))) break
        const before = gathered.count
        this.#walk(ahead, { base, first })
        this.#ahead = null
        if (gathered.count === before) continue
        room.keep(payload)
        joined.push(ahead)
        this.#lent ||= frame.codec === 0
        bytes = size
      }
    } catch (error) {
      if (joined.length === 0 || !(error instanceof SluiceError)) throw error
      // What came before it is good.
      this.#failed = error
    } finally {
      this.#settleAhead(room)
    }
    return joined.length === 0 ? null : this.#give(first, joined, { room, resting })
  }

  /**
   * Nothing is read afterwards, and the wire's buffer is let go of at once unless a batch stands in it: left to the
   * garbage collector it has the whole heap looked through for every 64 MB. For whoever has that buffer to itself.
   */
  close(): void {
    const { buffer } = this.#source.wire
    if (!this.#lent && buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0)
  }

  /** Skips that no record followed: kept back, since a log whose last records are no records has no more to give. */
  get trailing(): { readonly first: bigint; readonly skips: readonly BatchSkip[] } {
    return { first: this.#skipsFrom, skips: this.#skips }
  }

  /** The next batch that holds records for us, unpacked in `room`; those that hold none become skips. */
  #nextAhead(room: ScratchRoom | null): Unpacked | KeptBack | null {
    const { wire, maxUnpackedBytes: maxBytes } = this.#source
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
      const payload = unpackBatch(wire, frame, { at: this.#source, maxBytes, roomFor: room?.roomFor ?? ownRoom })
      if (payload !== null) checkCount(frame, payload.length, this.#source)
      else if (BigInt(frame.lastOffsetDelta) >= MOST_KEPT_BACK) {
        throw corruptBatch(this.#source, frame.baseOffset, `it states ${frame.lastOffsetDelta + 1} offsets`)
      }
      if (frame.count === 0) {
        this.#skipTo(frame.lastOffset + 1n, 'compacted')
        this.#at = frame.end
        continue
      }
      this.#ahead = payload === null ? { frame, payload } : { frame, payload }
    }
    return this.#ahead
  }

  /** What waits for the next look must not stand where others unpack meanwhile. */
  #settleAhead(room: ScratchRoom): void {
    const ahead = this.#ahead
    if (ahead === null || ahead.payload === null || !room.holds(ahead.payload)) return
    this.#ahead = { frame: ahead.frame, payload: Buffer.from(ahead.payload) }
  }

  /** Some of the offsets of a batch whose records are not read; those that compaction took out count with them. */
  #keepBack(frame: BatchFrame): RecordBatch {
    const { topic, partition, maxUnpackedBytes: maxBytes } = this.#source
    const [first, next] = [this.#next, this.#nextKeptBack(frame)]
    this.#next = next
    this.#skipsFrom = next
    if (next > frame.lastOffset) {
      this.#ahead = null
      this.#at = frame.end
    }
    const bytes = frame.codec === 0 ? frame.end - frame.payloadStart : null
    const timestampMs = withinTime(frame.maxTimestampMs)
    return keptBackBatch({ topic, partition, first, next, timestampMs, bytes, maxBytes })
  }

  #nextKeptBack({ baseOffset, lastOffset }: BatchFrame): bigint {
    const part = (this.#next > baseOffset ? this.#next : baseOffset) + KEPT_BACK_OFFSETS
    return part > lastOffset ? lastOffset + 1n : part
  }

  #walk({ frame, payload }: Unpacked, { base, first }: { readonly base: number; readonly first: bigint }): void {
    this.#skipTo(frame.baseOffset, 'compacted')
    const gaps: [number, number][] = []
    try {
      walkRecords({
        payload,
        frame,
        columns: gathered,
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

  #give(first: bigint, joined: readonly Unpacked[], rooms: Rooms): RecordBatch {
    const { topic, partition, wire } = this.#source
    const skips = this.#skips
    this.#skips = []
    this.#skipsFrom = this.#next
    return { topic, partition, first, next: this.#next, skips, ...batchOf(wire, joined, rooms) }
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

/**
 * The records that were gathered, in as few buffers as can be: what was unpacked stands with its positions in the room
 * for it, else in a buffer that can be handed to another thread whole; plain batches, and one that is large, stay where
 * they are.
 */
function batchOf(
  wire: Buffer,
  joined: readonly Unpacked[],
  { room, resting }: Rooms,
): { readonly bytes: Uint8Array } & CutColumns {
  const [first] = joined
  const plain = first === undefined || first.frame.codec === 0
  if (plain || (joined.length === 1 && !room.holds(first.payload))) {
    const columns = gathered.copyTo(new ArrayBuffer(gathered.byteLength), 0)
    if (first === undefined) return { bytes: Buffer.alloc(0), ...columns }
    const whole = plain ? wire.subarray(first.frame.payloadStart, joined.at(-1)!.frame.end) : first.payload
    return { bytes: whole, ...columns }
  }
  const size = joined.reduce((sum, { payload }) => sum + payload.length, 0)
  const columnsStart = Math.ceil(size / 8) * 8
  const length = columnsStart + gathered.byteLength
  const whole = resting?.span(length) ?? new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
  const bytes = resting === undefined ? whole : whole.subarray(0, size)
  let at = 0
  for (const { payload } of joined) {
    bytes.set(payload, at)
    at += payload.length
  }
  return { bytes, ...gathered.copyTo(whole.buffer, whole.byteOffset + columnsStart) }
}

function keptBackBytes(offsets: bigint): number {
  return Number(offsets) * KEPT_BACK_BYTES
}

/** What a batch takes of a fetch's bytes. */
export function fetchedBytes({ bytes, count, keptBack }: RecordBatch): number {
  return keptBack === undefined ? bytes.byteLength : keptBackBytes(BigInt(count))
}
