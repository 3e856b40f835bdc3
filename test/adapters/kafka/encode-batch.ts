import { createRequire } from 'node:module'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { jsCRC32C } from '@platformatic/kafka'
import { compressFrameSync } from 'lz4-napi'

/** Record batches written by other code than ours, for the reader to read: KIP-98's layout, packed by other libraries. */

const require = createRequire(import.meta.url)
// eslint-disable-next-line typescript/no-unsafe-type-assertion
const snappy = require('snappyjs') as { readonly compress: (bytes: Buffer) => Buffer }

export type Codec = 'none' | 'gzip' | 'snappy' | 'xerial' | 'lz4' | 'zstd'
export const CODECS: readonly Codec[] = ['none', 'gzip', 'snappy', 'xerial', 'lz4', 'zstd']

export interface TestRecord {
  /** From the batch's base offset. */
  readonly delta: number
  readonly timeMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: readonly (readonly [string, Buffer | null])[]
}

export interface TestBatch {
  readonly baseOffset: bigint
  readonly records: readonly TestRecord[]
  readonly codec?: Codec
  readonly lastOffsetDelta?: number
  readonly producerId?: bigint
  readonly transactional?: boolean
  readonly control?: boolean
  readonly logAppendTimeMs?: number
}

export function encodeBatch(batch: TestBatch): Buffer {
  const { baseOffset, records, codec = 'none', logAppendTimeMs } = batch
  const baseTime = records[0]?.timeMs ?? -1
  const maxTime = logAppendTimeMs ?? records.reduce((most, { timeMs }) => Math.max(most, timeMs), baseTime)
  const payload = pack(codec, Buffer.concat(records.map((record) => encodeRecord(record, baseTime))))
  const head = Buffer.alloc(61)
  head.writeBigInt64BE(baseOffset, 0)
  head.writeInt32BE(49 + payload.length, 8)
  head.writeInt32BE(3, 12)
  head.writeInt8(2, 16)
  const attributes =
    { none: 0, gzip: 1, snappy: 2, xerial: 2, lz4: 3, zstd: 4 }[codec] |
    (logAppendTimeMs === undefined ? 0 : 8) |
    (batch.transactional === true ? 16 : 0) |
    (batch.control === true ? 32 : 0)
  head.writeInt16BE(attributes, 21)
  head.writeInt32BE(batch.lastOffsetDelta ?? records.at(-1)?.delta ?? 0, 23)
  head.writeBigInt64BE(BigInt(baseTime), 27)
  head.writeBigInt64BE(BigInt(maxTime), 35)
  head.writeBigInt64BE(batch.producerId ?? -1n, 43)
  head.writeInt16BE(0, 51)
  head.writeInt32BE(0, 53)
  head.writeInt32BE(records.length, 57)
  return withChecksum(Buffer.concat([head, payload]))
}

/** The end of a transaction, as a broker writes it. */
export function encodeMarker(
  baseOffset: bigint,
  { producerId, commit }: { readonly producerId: bigint; readonly commit: boolean },
): Buffer {
  const key = Buffer.from([0, 0, 0, commit ? 1 : 0])
  const records = [{ delta: 0, timeMs: 5, key, value: Buffer.from([0, 0, 0, 0, 0, 0]) }]
  return encodeBatch({ baseOffset, records, producerId, transactional: true, control: true })
}

/** The same bytes with the checksum that they ought to have. */
export function withChecksum(batch: Buffer): Buffer {
  batch.writeUInt32BE(jsCRC32C(batch.subarray(21)) >>> 0, 17)
  return batch
}

export function pack(codec: Codec, bytes: Buffer): Buffer {
  if (codec === 'gzip') return gzipSync(bytes)
  if (codec === 'zstd') return zstdCompressSync(bytes)
  if (codec === 'lz4') return compressFrameSync(bytes)
  if (codec === 'snappy') return Buffer.from(snappy.compress(bytes))
  if (codec === 'xerial') {
    const parts: Buffer[] = [Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])]
    for (let at = 0; at < bytes.length; at += 1000) {
      const chunk = Buffer.from(snappy.compress(bytes.subarray(at, at + 1000)))
      const length = Buffer.alloc(4)
      length.writeUInt32BE(chunk.length)
      parts.push(length, chunk)
    }
    return Buffer.concat(parts)
  }
  return bytes
}

function encodeRecord({ delta, timeMs, key, value, headers = [] }: TestRecord, baseTime: number): Buffer {
  const body = Buffer.concat([
    Buffer.from([0]),
    varint(BigInt(timeMs - baseTime)),
    varint(BigInt(delta)),
    withLength(key),
    withLength(value),
    varint(BigInt(headers.length)),
    ...headers.flatMap(([name, bytes]) => [withLength(Buffer.from(name, 'utf8')), withLength(bytes)]),
  ])
  return Buffer.concat([varint(BigInt(body.length)), body])
}

function withLength(bytes: Buffer | null): Buffer {
  return bytes === null ? varint(-1n) : Buffer.concat([varint(BigInt(bytes.length)), bytes])
}

function varint(value: bigint): Buffer {
  const out: number[] = []
  let rest = value >= 0n ? value * 2n : -value * 2n - 1n
  while (rest >= 0x80n) {
    out.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  out.push(Number(rest))
  return Buffer.from(out)
}
