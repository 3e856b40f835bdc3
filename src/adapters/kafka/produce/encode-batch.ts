import { gzipSync, zstdCompressSync } from 'node:zlib'
import { compressionsAlgorithms } from '@platformatic/kafka'
import { encodeAllHeaders, type OutgoingRecord } from '../../../domain/record-batch.ts'
import type { KafkaCompression } from '../kafka-settings.ts'
import { FRAME_BYTES } from '../records/batch-frame.ts'
import { crc32cOf } from '../wire/crc32c.ts'

export interface BatchToEncode {
  readonly records: readonly OutgoingRecord[]
  readonly compression: KafkaCompression
  readonly producerId: bigint
  readonly producerEpoch: number
  /** Of the first record. */
  readonly sequence: number
  readonly transactional: boolean
}

const CODECS: Readonly<Record<KafkaCompression, number>> = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 }
const TRANSACTIONAL = 0b1_0000
const NO_HEADERS = Buffer.from([0])

/**
 * A record batch in message format 2, laid out as `records/batch-frame.ts` and `records/walk-records.ts` say. Own code
 * because the library writes only 32 bits of a time's difference from the batch's first, and an object a field.
 */
export function encodeBatch(batch: BatchToEncode): Buffer {
  const { records, compression, producerId, producerEpoch, sequence, transactional } = batch
  const baseMs = Math.floor(records[0]!.timestampMs)
  let maxMs = baseMs
  for (const { timestampMs } of records) maxMs = Math.max(maxMs, Math.floor(timestampMs))
  const payload = pack(compression, encodeRecords(records, baseMs))
  const out = Buffer.allocUnsafe(FRAME_BYTES + payload.length)
  // The broker sets the offset; the epoch of the leader is not ours to know.
  out.writeBigInt64BE(0n, 0)
  out.writeInt32BE(out.length - 12, 8)
  out.writeInt32BE(-1, 12)
  out.writeInt8(2, 16)
  out.writeInt16BE(CODECS[compression] | (transactional ? TRANSACTIONAL : 0), 21)
  out.writeInt32BE(records.length - 1, 23)
  out.writeBigInt64BE(BigInt(baseMs), 27)
  out.writeBigInt64BE(BigInt(maxMs), 35)
  out.writeBigInt64BE(producerId, 43)
  out.writeInt16BE(producerEpoch, 51)
  out.writeInt32BE(sequence, 53)
  out.writeInt32BE(records.length, 57)
  payload.copy(out, FRAME_BYTES)
  out.writeUInt32BE(crc32cOf(out.subarray(21)), 17)
  return out
}

function encodeRecords(records: readonly OutgoingRecord[], baseMs: number): Buffer {
  const headers = encodeAllHeaders(records).map((bytes) => (bytes.length === 0 ? NO_HEADERS : bytes))
  const bodies = new Uint32Array(records.length)
  let bytes = 0
  for (const [i, { key, value, timestampMs }] of records.entries()) {
    const body =
      1 + sizeOf(Math.floor(timestampMs) - baseMs) + sizeOf(i) + fieldSize(key) + fieldSize(value) + headers[i]!.length
    bodies[i] = body
    bytes += sizeOf(body) + body
  }
  const out = Buffer.allocUnsafe(bytes)
  let at = 0
  const field = (each: Uint8Array | null): void => {
    at = writeVarint(out, at, each === null ? -1 : each.length)
    if (each === null) return
    out.set(each, at)
    at += each.length
  }
  for (const [i, { key, value, timestampMs }] of records.entries()) {
    at = writeVarint(out, at, bodies[i]!)
    out[at] = 0
    at = writeVarint(out, at + 1, Math.floor(timestampMs) - baseMs)
    at = writeVarint(out, at, i)
    field(key)
    field(value)
    out.set(headers[i]!, at)
    at += headers[i]!.length
  }
  return out
}

function fieldSize(bytes: Uint8Array | null): number {
  return bytes === null ? 1 : sizeOf(bytes.length) + bytes.length
}

/** Zigzag; exact up to 2^52, which no time in milliseconds reaches. */
function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1
}

function sizeOf(value: number): number {
  let size = 1
  for (let rest = zigzag(value); rest >= 0x80; rest = Math.floor(rest / 0x80)) size += 1
  return size
}

function writeVarint(out: Buffer, at: number, value: number): number {
  let to = at
  let rest = zigzag(value)
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) {
    out[to] = (rest % 0x80) | 0x80
    to += 1
  }
  out[to] = rest
  return to + 1
}

function pack(compression: KafkaCompression, bytes: Buffer): Buffer {
  if (compression === 'none') return bytes
  if (compression === 'gzip') return gzipSync(bytes)
  if (compression === 'zstd') return zstdCompressSync(bytes)
  return compressionsAlgorithms[compression].compressSync(bytes)
}
