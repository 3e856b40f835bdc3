import type { RecordHeader } from './dead-letter.ts'
import { decodeHeaders, putVarint, type OutgoingRecord } from './record-batch.ts'

/** Records to append, one behind the other: key, value and headers of each, over buffers that can move to another thread. */
export interface PackedRecords {
  readonly bytes: Uint8Array
  /** Of key, value and headers of each record; -1 where key or value is null. */
  readonly lengths: Int32Array
  readonly timestampsMs: Float64Array
}

/** Pieces are handed over at about so many bytes. */
const PIECE_BYTES = 1024 * 1024
const FIRST_BYTES = 16 * 1024
const FIRST_RECORDS = 16
const VARINT_BYTES = 5
/** Characters from which on a text is encoded by one call. */
const MIDDLING = 512

export interface PackedBegin {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly timestampMs: number
  /** How many headers follow. */
  readonly headers: number
}

/**
 * Packed records under construction: an object a record, for as long as a flush is open, would be most of the collector's
 * work. Between `begin` and `end` stand a record's headers, as many as were told.
 */
export class RecordPacker {
  #data = new Uint8Array(0)
  #at = 0
  #headersAt = 0
  #count = 0
  #lengths = new Int32Array(0)
  #timestampsMs = new Float64Array(0)
  #pieces: PackedRecords[] = []

  begin({ key, value, timestampMs, headers }: PackedBegin): void {
    if (this.#at > PIECE_BYTES) this.#cut()
    const record = this.#count
    if (record === this.#timestampsMs.length) this.#widen()
    this.#timestampsMs[record] = timestampMs
    this.#lengths[record * 3] = key === null ? -1 : key.length
    this.#lengths[record * 3 + 1] = value === null ? -1 : value.length
    if (key !== null) this.bytes(key)
    if (value !== null) this.bytes(value)
    this.#headersAt = this.#at
    this.#varint(headers)
  }

  end(): void {
    this.#lengths[this.#count * 3 + 2] = this.#at - this.#headersAt
    this.#count += 1
  }

  /** As they stand: a header's name behind its length (`headerName`), whole headers. */
  bytes(source: Uint8Array): void {
    const at = this.#room(source.length)
    this.#data.set(source, at)
    this.#at = at + source.length
  }

  /** A header's value: bytes. */
  value(source: Uint8Array): void {
    this.#varint(source.length)
    this.bytes(source)
  }

  /** A header's value: text. */
  text(text: string): void {
    const at = this.#room(text.length * 3 + VARINT_BYTES)
    const data = this.#data
    // Most texts are ASCII and not long: their length is known beforehand, and no call is worth it.
    if (text.length < MIDDLING) {
      const from = putVarint(data, at, text.length)
      let i = 0
      for (; i < text.length; i += 1) {
        const code = text.charCodeAt(i)
        if (code > 0x7f) break
        data[from + i] = code
      }
      if (i === text.length) {
        this.#at = from + i
        return
      }
    }
    const from = putVarint(data, at, Buffer.byteLength(text))
    this.#at = from + ENCODER.encodeInto(text, data.subarray(from)).written
  }

  /** Every record so far, in order. */
  take(): PackedRecords[] {
    if (this.#count > 0) this.#cut()
    const pieces = this.#pieces
    this.#pieces = []
    return pieces
  }

  #cut(): void {
    // Copies of their size: what is held must not be more than what is counted (I12).
    this.#pieces.push({
      bytes: this.#data.slice(0, this.#at),
      lengths: this.#lengths.slice(0, this.#count * 3),
      timestampsMs: this.#timestampsMs.slice(0, this.#count),
    })
    this.#at = 0
    this.#count = 0
    if (this.#data.length > 4 * PIECE_BYTES) this.#data = new Uint8Array(0)
  }

  #varint(value: number): void {
    const at = this.#room(VARINT_BYTES)
    this.#at = putVarint(this.#data, at, value)
  }

  #widen(): void {
    const records = Math.max(FIRST_RECORDS, this.#timestampsMs.length * 2)
    const [lengths, timestampsMs] = [new Int32Array(records * 3), new Float64Array(records)]
    lengths.set(this.#lengths)
    timestampsMs.set(this.#timestampsMs)
    this.#lengths = lengths
    this.#timestampsMs = timestampsMs
  }

  /** Where the next `more` bytes go. */
  #room(more: number): number {
    const needed = this.#at + more
    if (needed > this.#data.length) {
      const grown = new Uint8Array(Math.max(FIRST_BYTES, needed * 2))
      grown.set(this.#data.subarray(0, this.#at))
      this.#data = grown
    }
    return this.#at
  }
}

const ENCODER = new TextEncoder()

export function packedBytes({ bytes, lengths, timestampsMs }: PackedRecords): number {
  return bytes.byteLength + lengths.byteLength + timestampsMs.byteLength
}

/** The records again, over the packed bytes. */
export function readPacked({ bytes, lengths, timestampsMs }: PackedRecords): OutgoingRecord[] {
  let at = 0
  const take = (length: number): Uint8Array | null => {
    if (length < 0) return null
    at += length
    return bytes.subarray(at - length, at)
  }
  return Array.from(timestampsMs, (timestampMs, record) => {
    const key = take(lengths[record * 3]!)
    const value = take(lengths[record * 3 + 1]!)
    return new PackedRecord({ key, value, encodedHeaders: take(lengths[record * 3 + 2]!)!, timestampMs })
  })
}

class PackedRecord implements OutgoingRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly encodedHeaders: Uint8Array
  readonly timestampMs: number

  constructor({
    key,
    value,
    encodedHeaders,
    timestampMs,
  }: Omit<OutgoingRecord, 'headers'> & { readonly encodedHeaders: Uint8Array }) {
    this.key = key
    this.value = value
    this.encodedHeaders = encodedHeaders
    this.timestampMs = timestampMs
  }

  get headers(): readonly RecordHeader[] {
    return decodeHeaders(this.encodedHeaders)
  }
}
