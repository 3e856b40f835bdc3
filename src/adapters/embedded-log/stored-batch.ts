import { crc32 } from 'node:zlib'
import { SluiceError } from '../../domain/errors.ts'
import { encodeAllHeaders, type OutgoingRecord, type RecordBatch } from '../../domain/record-batch.ts'
import type { TopicPartition } from '../../domain/position.ts'

/**
 * The form in which records are stored: one blob a batch, little-endian.
 *
 *     0  u32  magic "SLB1"
 *     4  u32  crc32 of bytes [40, end), continued over bytes [8, 40)
 *     8  u32  version, 1
 *    12  u32  count
 *    16  u32  bytes of the payload
 *    20  u32  crc32 of bytes [40, end), before it was continued
 *    24  i64  offset of the first record; record i stands at first + i
 *    32  i64  append time in ms
 *    40       timestamps, f64 × count, in ms
 *             key lengths, value lengths, headers lengths: i32 × count each, -1 = null
 *             payload: key, value, headers of record 0, then of record 1, …
 *
 * The checksum runs over the body first, so that it is computed before the offset is known and while no lock is held. It
 * waits in the blob itself: as a number in an object beside it V8 13.6 was seen to give the batches of one append the
 * checksum of the last of them (test/deploy/own-numbers.test.ts tells of that fault).
 */
const MAGIC = 0x31424c53
const VERSION = 1
const HEADER_BYTES = 40
const BYTES_A_RECORD = 8 + 3 * 4

/** An append larger than either is stored as several batches. */
export interface BatchLimits {
  readonly records: number
  readonly payloadBytes: number
}

export const BATCH_LIMITS: BatchLimits = { records: 5000, payloadBytes: 1024 * 1024 }

/** A batch that has no place yet. */
export interface UnplacedBatch {
  readonly blob: Uint8Array
  readonly count: number
}

export interface StoredBatch extends TopicPartition {
  readonly first: bigint
  /** Exclusive. */
  readonly next: bigint
  readonly blob: Uint8Array
}

/** Records in order as batches within the limits; a record that is larger alone stands alone. */
export function encodeBatches(records: readonly OutgoingRecord[], limits: BatchLimits = BATCH_LIMITS): UnplacedBatch[] {
  const headers = encodeAllHeaders(records)
  const batches: UnplacedBatch[] = []
  let start = 0
  let payload = 0
  for (let i = 0; i < records.length; i += 1) {
    const record = records[i]!
    const bytes = (record.key?.length ?? 0) + (record.value?.length ?? 0) + headers[i]!.length
    if (i > start && (i - start >= limits.records || payload + bytes > limits.payloadBytes)) {
      batches.push(encodeRun({ records, headers, start, end: i, payload }))
      start = i
      payload = 0
    }
    payload += bytes
  }
  if (start < records.length) batches.push(encodeRun({ records, headers, start, end: records.length, payload }))
  return batches
}

/** Writes the batch's place into its header and completes the checksum. The same batch may be placed again. */
export function placeBatch(batch: UnplacedBatch, first: bigint, appendMs: number): Uint8Array {
  const { blob } = batch
  const view = new DataView(blob.buffer, blob.byteOffset, HEADER_BYTES)
  view.setBigInt64(24, first, true)
  view.setBigInt64(32, BigInt(appendMs), true)
  view.setUint32(4, crc32(blob.subarray(8, HEADER_BYTES), view.getUint32(20, true)), true)
  return blob
}

/** Positions over the blob from offset `from` on, which the batch must hold. Throws LOG_CORRUPT. */
export function readStoredBatch(stored: StoredBatch, from: bigint): RecordBatch {
  const { topic, partition, first, next } = stored
  // Typed arrays over 8-byte values need an aligned start, which a driver's buffer does not promise.
  const blob = stored.blob.byteOffset % 8 === 0 ? stored.blob : stored.blob.slice()
  const count = checkBlob(stored, blob)
  const at = blob.byteOffset
  const timestamps = new Float64Array(blob.buffer, at + HEADER_BYTES, count)
  const lengths = new Int32Array(blob.buffer, at + HEADER_BYTES + count * 8, count * 3)
  const begin = Number(from - first)
  const size = count - begin
  const offsetDeltas = new Int32Array(size)
  const keyStarts = new Int32Array(size)
  const keyEnds = new Int32Array(size)
  const valueStarts = new Int32Array(size)
  const valueEnds = new Int32Array(size)
  const headersStarts = new Int32Array(size)
  const headersEnds = new Int32Array(size)
  let pos = HEADER_BYTES + count * BYTES_A_RECORD
  for (let i = 0; i < begin; i += 1) {
    const key = lengths[i]!
    const value = lengths[count + i]!
    pos += (key < 0 ? 0 : key) + (value < 0 ? 0 : value) + lengths[2 * count + i]!
  }
  for (let to = 0; to < size; to += 1) {
    const i = begin + to
    const key = lengths[i]!
    const value = lengths[count + i]!
    offsetDeltas[to] = to
    keyStarts[to] = key < 0 ? -1 : pos
    if (key > 0) pos += key
    keyEnds[to] = key < 0 ? -1 : pos
    valueStarts[to] = value < 0 ? -1 : pos
    if (value > 0) pos += value
    valueEnds[to] = value < 0 ? -1 : pos
    headersStarts[to] = pos
    pos += lengths[2 * count + i]!
    headersEnds[to] = pos
  }
  if (pos !== blob.length) throw corrupt(stored, 'its lengths do not add up')
  return {
    topic,
    partition,
    first: from,
    next,
    count: size,
    bytes: blob,
    offsetDeltas,
    timestampsMs: timestamps.subarray(begin),
    keyStarts,
    keyEnds,
    valueStarts,
    valueEnds,
    headersStarts,
    headersEnds,
    skips: [],
  }
}

function checkBlob(stored: StoredBatch, blob: Uint8Array): number {
  if (blob.length < HEADER_BYTES) throw corrupt(stored, 'it ends inside its header')
  const view = new DataView(blob.buffer, blob.byteOffset, blob.length)
  if (view.getUint32(0, true) !== MAGIC) throw corrupt(stored, 'it does not begin as a batch')
  if (view.getUint32(8, true) !== VERSION) {
    throw corrupt(stored, `it has version ${view.getUint32(8, true)}, and only ${VERSION} is known`)
  }
  const count = view.getUint32(12, true)
  if (blob.length !== HEADER_BYTES + count * BYTES_A_RECORD + view.getUint32(16, true)) {
    throw corrupt(stored, 'its length is not the one it states')
  }
  const crc = crc32(blob.subarray(8, HEADER_BYTES), crc32(blob.subarray(HEADER_BYTES)))
  const stated = view.getUint32(4, true)
  if (stated !== crc) throw corrupt(stored, `its checksum does not match: ${crc} instead of ${stated}`)
  if (view.getBigInt64(24, true) !== stored.first || stored.first + BigInt(count) !== stored.next) {
    throw corrupt(stored, 'it belongs to another place')
  }
  return count
}

export function corrupt({ topic, partition, first }: Omit<StoredBatch, 'blob' | 'next'>, what: string): SluiceError {
  return new SluiceError('LOG_CORRUPT', `the batch at offset ${first} of ${topic}/${partition} is damaged: ${what}`, {
    where: { topic, partition, offset: String(first) },
  })
}

interface Run {
  readonly records: readonly OutgoingRecord[]
  readonly headers: readonly Uint8Array[]
  readonly start: number
  readonly end: number
  readonly payload: number
}

/** A batch under construction; `payloadAt`: where its payload begins. */
export interface OpenBatch {
  readonly blob: Uint8Array
  readonly count: number
  readonly timestamps: Float64Array
  /** Of all keys, then of all values, then of all headers. */
  readonly lengths: Int32Array
  readonly payloadAt: number
}

export function openBatch(count: number, payload: number): OpenBatch {
  const blob = new Uint8Array(HEADER_BYTES + count * BYTES_A_RECORD + payload)
  const view = new DataView(blob.buffer)
  view.setUint32(0, MAGIC, true)
  view.setUint32(8, VERSION, true)
  view.setUint32(12, count, true)
  view.setUint32(16, payload, true)
  const timestamps = new Float64Array(blob.buffer, HEADER_BYTES, count)
  const lengths = new Int32Array(blob.buffer, HEADER_BYTES + count * 8, count * 3)
  return { blob, count, timestamps, lengths, payloadAt: HEADER_BYTES + count * BYTES_A_RECORD }
}

/** Once all of it is written. */
export function closeBatch({ blob, count }: OpenBatch): UnplacedBatch {
  const view = new DataView(blob.buffer)
  view.setUint32(20, crc32(blob.subarray(HEADER_BYTES)), true)
  return { blob, count }
}

function encodeRun({ records, headers, start, end, payload }: Run): UnplacedBatch {
  const open = openBatch(end - start, payload)
  const { blob, count, timestamps, lengths } = open
  let pos = open.payloadAt
  for (let i = 0; i < count; i += 1) {
    const { key, value, timestampMs } = records[start + i]!
    const encodedHeaders = headers[start + i]!
    timestamps[i] = timestampMs
    lengths[i] = key === null ? -1 : key.length
    if (key !== null) {
      blob.set(key, pos)
      pos += key.length
    }
    lengths[count + i] = value === null ? -1 : value.length
    if (value !== null) {
      blob.set(value, pos)
      pos += value.length
    }
    lengths[2 * count + i] = encodedHeaders.length
    if (encodedHeaders.length > 0) {
      blob.set(encodedHeaders, pos)
      pos += encodedHeaders.length
    }
  }
  return closeBatch(open)
}
