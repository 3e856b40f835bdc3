import type { BatchFrame } from './batch-frame.ts'
import type { RecordColumns } from './record-columns.ts'

/** ECMAScript's own bound of a time, either side of 1970. */
const MOST_TIME_MS = 8.64e15

/**
 * The records of an unpacked batch (KIP-98, "Record"): zigzag varints of length, time and offset deltas, then key, value
 * and headers, each with its length before it (-1 = null).
 */
export interface Walk {
  readonly payload: Uint8Array
  readonly frame: BatchFrame
  readonly columns: RecordColumns
  /** What to add to positions in `payload`. */
  readonly base: number
  /** Records of smaller offset deltas are passed over. */
  readonly fromDelta: number
  /** What to add to offset deltas. */
  readonly deltaShift: number
  /** Told each run of offsets of the batch, from `fromDelta` on, that has no record. */
  readonly gap: (firstDelta: number, nextDelta: number) => void
}

/** Fills `columns` with what the payload holds. Throws RangeError where it is not what its frame states. */
export function walkRecords({ payload, frame, columns, base, fromDelta, deltaShift, gap }: Walk): void {
  const { count, lastOffsetDelta, logAppendTime, baseTimestampMs, maxTimestampMs } = frame
  columns.reserve(count)
  const { offsetDeltas, timestampsMs, keyStarts, keyEnds, valueStarts, valueEnds, headersStarts, headersEnds } = columns
  const cursor = new Cursor(payload)
  let row = columns.count
  let expected = fromDelta
  let least = 0
  for (let i = 0; i < count; i += 1) {
    const length = cursor.varint()
    const start = cursor.at
    const end = start + length
    if (length < 0 || end > payload.length) throw new RangeError('a record reaches past its batch')
    cursor.at = start + 1
    const timeDelta = cursor.varlong()
    const offsetDelta = cursor.varint()
    if (offsetDelta < least || offsetDelta > lastOffsetDelta) throw new RangeError('its offsets do not ascend')
    least = offsetDelta + 1
    const keyBytes = cursor.varint()
    const keyStart = cursor.at
    if (keyBytes > 0) cursor.at = keyStart + keyBytes
    const valueBytes = cursor.varint()
    const valueStart = cursor.at
    if (valueBytes > 0) cursor.at = valueStart + valueBytes
    const headersStart = cursor.at
    // A value that ends past the record leaves no byte for the count of headers.
    if (keyBytes < -1 || valueBytes < -1 || headersStart >= end) throw new RangeError('a record reaches past its end')
    cursor.at = end
    if (offsetDelta < fromDelta) continue
    if (offsetDelta > expected) gap(expected, offsetDelta)
    expected = offsetDelta + 1
    offsetDeltas[row] = offsetDelta + deltaShift
    timestampsMs[row] = withinTime(logAppendTime ? maxTimestampMs : baseTimestampMs + timeDelta)
    keyStarts[row] = keyBytes < 0 ? -1 : keyStart + base
    keyEnds[row] = keyBytes < 0 ? -1 : keyStart + keyBytes + base
    valueStarts[row] = valueBytes < 0 ? -1 : valueStart + base
    valueEnds[row] = valueBytes < 0 ? -1 : valueStart + valueBytes + base
    // A count of zero says what no bytes say.
    const none = payload[headersStart] === 0 && headersStart + 1 === end
    headersStarts[row] = headersStart + base
    headersEnds[row] = (none ? headersStart : end) + base
    row += 1
  }
  if (cursor.at !== payload.length) throw new RangeError('bytes follow its last record')
  if (expected <= lastOffsetDelta) gap(expected, lastOffsetDelta + 1)
  columns.count = row
}

/** Times that no calendar reaches, which a producer may send, are the last that one does: they fit a column of micros. */
export function withinTime(timeMs: number): number {
  return timeMs > MOST_TIME_MS ? MOST_TIME_MS : timeMs < -MOST_TIME_MS ? -MOST_TIME_MS : timeMs
}

class Cursor {
  at = 0
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  varint(): number {
    const byte = this.#bytes[this.at]!
    if (byte < 0x80) {
      this.at += 1
      return (byte >>> 1) ^ -(byte & 1)
    }
    return this.#longVarint()
  }

  #longVarint(): number {
    const bytes = this.#bytes
    let raw = 0
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.at >= bytes.length) throw new RangeError('it ends inside a number')
      const byte = bytes[this.at]!
      this.at += 1
      raw |= (byte & 0x7f) << shift
      if (byte < 0x80) return (raw >>> 1) ^ -(raw & 1)
    }
    throw new RangeError('a number is too long')
  }

  /** Exact up to 2^53, which no time in milliseconds reaches. */
  varlong(): number {
    const bytes = this.#bytes
    const first = bytes[this.at]!
    if (first < 0x80) {
      this.at += 1
      return (first >>> 1) ^ -(first & 1)
    }
    let raw = 0
    for (let scale = 1, i = 0; i < 10; scale *= 128, i += 1) {
      if (this.at >= bytes.length) throw new RangeError('it ends inside a number')
      const byte = bytes[this.at]!
      this.at += 1
      raw += (byte & 0x7f) * scale
      if (byte < 0x80) return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2
    }
    throw new RangeError('a number is too long')
  }
}
