import type { RecordHeader, SkipReason } from './dead-letter.ts'

/**
 * A run of records of one topic-partition as it came from the log: the bytes once, and positions into them. Never an
 * object a record.
 */
export interface RecordBatch {
  readonly topic: string
  readonly partition: number
  /** The offset that this batch begins at; equals the `next` of what was read before it. */
  readonly first: bigint
  /** Where to read on, exclusive: past the last record and past whatever holds no record behind it. */
  readonly next: bigint
  /** Records, not offsets: every offset of `[first, next)` is a record or lies in `skips`. */
  readonly count: number
  readonly bytes: Uint8Array
  /** Record i stands at `first + BigInt(offsetDeltas[i])`; strictly ascending. */
  readonly offsetDeltas: Int32Array
  /** Milliseconds since the epoch. */
  readonly timestampsMs: Float64Array
  /** Start of the key in `bytes`, or -1 where the key is null; `keyEnds` is exclusive. */
  readonly keyStarts: Int32Array
  readonly keyEnds: Int32Array
  /** Start of the value in `bytes`, or -1 where the value is null (a tombstone). */
  readonly valueStarts: Int32Array
  readonly valueEnds: Int32Array
  /** The headers in Kafka's record encoding (see `readHeaders`). */
  readonly headersStarts: Int32Array
  readonly headersEnds: Int32Array
  readonly skips: readonly BatchSkip[]
  /** Present where the log kept the records back (`keptBackBatch`). */
  readonly keptBack?: KeptBack
}

/** Why the records of a batch were not handed out: together they are, or unpack to, more than the reader takes. */
export interface KeptBack {
  /** Where the log knows them. */
  readonly bytes: number | null
  readonly maxBytes: number
}

/** Offsets of a batch that hold no record for us. */
export interface BatchSkip {
  readonly first: bigint
  /** Exclusive. */
  readonly next: bigint
  readonly reason: Extract<SkipReason, 'control' | 'aborted' | 'compacted'>
}

export interface KeptBackFacts extends KeptBack {
  readonly topic: string
  readonly partition: number
  readonly first: bigint
  /** Exclusive; every offset before it, from `first` on, counts as a record. */
  readonly next: bigint
  readonly timestampMs: number
}

/** Records of which only the places are known: keys, values and headers are not there. */
export function keptBackBatch({ bytes, maxBytes, timestampMs, ...place }: KeptBackFacts): RecordBatch {
  const count = Number(place.next - place.first)
  const absent = new Int32Array(count).fill(-1)
  return {
    ...place,
    count,
    bytes: new Uint8Array(0),
    offsetDeltas: Int32Array.from({ length: count }, (_, i) => i),
    timestampsMs: new Float64Array(count).fill(timestampMs),
    keyStarts: absent,
    keyEnds: absent,
    valueStarts: absent,
    valueEnds: absent,
    headersStarts: absent,
    headersEnds: absent,
    skips: [],
    keptBack: { bytes, maxBytes },
  }
}

/** A record to append. */
export interface OutgoingRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly RecordHeader[]
  /** The headers as `encodeHeaders` gives them, of a record that has them at hand: `headers` is then not asked for. */
  readonly encodedHeaders?: Uint8Array
  readonly timestampMs: number
}

/** The records at these indexes, ascending, over the same bytes and between the same borders. */
export function selectRecords(batch: RecordBatch, indexes: readonly number[]): RecordBatch {
  const pick = (from: Int32Array): Int32Array => Int32Array.from(indexes, (index) => from[index]!)
  return {
    ...batch,
    count: indexes.length,
    offsetDeltas: pick(batch.offsetDeltas),
    timestampsMs: Float64Array.from(indexes, (index) => batch.timestampsMs[index]!),
    keyStarts: pick(batch.keyStarts),
    keyEnds: pick(batch.keyEnds),
    valueStarts: pick(batch.valueStarts),
    valueEnds: pick(batch.valueEnds),
    headersStarts: pick(batch.headersStarts),
    headersEnds: pick(batch.headersEnds),
  }
}

export function recordKey(batch: RecordBatch, index: number): Uint8Array | null {
  const start = batch.keyStarts[index]!
  return start < 0 ? null : batch.bytes.subarray(start, batch.keyEnds[index]!)
}

export function recordValue(batch: RecordBatch, index: number): Uint8Array | null {
  const start = batch.valueStarts[index]!
  return start < 0 ? null : batch.bytes.subarray(start, batch.valueEnds[index]!)
}

export function recordOffset(batch: Pick<RecordBatch, 'first' | 'offsetDeltas'>, index: number): bigint {
  return batch.first + BigInt(batch.offsetDeltas[index]!)
}

/** Headers on demand, as `decodeHeaders` reads them. */
export function readHeaders(batch: RecordBatch, index: number): RecordHeader[] {
  return decodeHeaders(batch.bytes, batch.headersStarts[index]!, batch.headersEnds[index]!)
}

/**
 * Encoding of Kafka's record format (KIP-98, "Record Header"): zigzag-varint count, then for each zigzag-varint key
 * length, key, zigzag-varint value length (-1 = null, read as empty), value. Throws RangeError where `bytes` are none.
 */
export function decodeHeaders(bytes: Uint8Array, start = 0, end = bytes.length): RecordHeader[] {
  let at = start
  if (at >= end) return []
  const varint = (): number => {
    let raw = 0
    for (let shift = 0; shift < 35; shift += 7) {
      if (at >= end) throw new RangeError('headers end inside a varint')
      const byte = bytes[at]!
      at += 1
      raw += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2
    }
    throw new RangeError('a header varint is too long')
  }
  const take = (length: number): Uint8Array => {
    const size = Math.max(length, 0)
    if (at + size > end) throw new RangeError('a header reaches past its record')
    const slice = bytes.subarray(at, at + size)
    at += size
    return slice
  }
  const headers: RecordHeader[] = []
  const count = varint()
  for (let i = 0; i < count; i += 1) {
    const key = Buffer.from(take(varint())).toString('utf8')
    headers.push({ key, value: take(varint()) })
  }
  return headers
}

/** The inverse of `decodeHeaders`; no headers encode to no bytes at all. */
export function encodeHeaders(headers: readonly RecordHeader[]): Uint8Array {
  if (headers.length === 0) return new Uint8Array(0)
  let size = varintSize(headers.length)
  for (const { key, value } of headers) size += headerName(key).length + varintSize(value.length) + value.length
  const out = Buffer.allocUnsafe(size)
  let at = putVarint(out, 0, headers.length)
  for (const { key, value } of headers) {
    const name = headerName(key)
    out.set(name, at)
    at = putVarint(out, at + name.length, value.length)
    out.set(value, at)
    at += value.length
  }
  return out
}

/** Of each record. Neighbours often share one list of headers: it is encoded once. */
export function encodeAllHeaders(records: readonly OutgoingRecord[]): Uint8Array[] {
  let last: OutgoingRecord['headers'] | null = null
  let bytes: Uint8Array = new Uint8Array(0)
  return records.map((record) => {
    if (record.encodedHeaders !== undefined) return record.encodedHeaders
    const { headers } = record
    if (headers !== last) bytes = encodeHeaders(headers)
    last = headers
    return bytes
  })
}

const NAMES_KEPT = 256
const names = new Map<string, Uint8Array>()

/** The length and bytes of a header's name. Names are few and come over and over. */
export function headerName(name: string): Uint8Array {
  const known = names.get(name)
  if (known !== undefined) return known
  const text = Buffer.from(name, 'utf8')
  const bytes = new Uint8Array(varintSize(text.length) + text.length)
  bytes.set(text, putVarint(bytes, 0, text.length))
  if (names.size >= NAMES_KEPT) names.clear()
  names.set(name, bytes)
  return bytes
}

/** Of what is not negative, zigzag. */
function varintSize(value: number): number {
  let size = 1
  for (let rest = value * 2; rest >= 0x80; rest = Math.floor(rest / 0x80)) size += 1
  return size
}

/** Of what is not negative, zigzag. Answers where it ends. */
export function putVarint(out: Uint8Array, at: number, value: number): number {
  let to = at
  let rest = value * 2
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) {
    out[to] = (rest % 0x80) | 0x80
    to += 1
  }
  out[to] = rest
  return to + 1
}
