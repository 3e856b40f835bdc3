import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import type { TopicPartition } from '../../../domain/position.ts'
import { corruptBatch, type BatchFrame } from './batch-frame.ts'
import { unpackLz4 } from './lz4.ts'
import { unpackSnappy } from './snappy.ts'

const UNPACK: readonly (((packed: Buffer, maxBytes: number) => Buffer) | null)[] = [
  null,
  (packed, maxOutputLength) => gunzipSync(packed, { maxOutputLength, chunkSize: chunkSizeFor(packed) }),
  unpackSnappy,
  unpackLz4,
  (packed, maxOutputLength) => zstdDecompressSync(packed, { maxOutputLength, chunkSize: chunkSizeFor(packed) }),
]

/**
 * The records of a batch, unpacked. Synchronous, so that what was unpacked is freed with the batch. No codec is given
 * room for more than `maxBytes`. Throws LOG_CORRUPT.
 */
export function unpackBatch(wire: Buffer, frame: BatchFrame, at: TopicPartition, maxBytes: number): Buffer {
  const packed = wire.subarray(frame.payloadStart, frame.end)
  if (frame.codec === 0) return packed
  const unpack = UNPACK[frame.codec]
  if (unpack === null || unpack === undefined) {
    throw corruptBatch(at, frame.baseOffset, `it is packed with codec ${frame.codec}, which is not known`)
  }
  if (frame.count === 0 && packed.length === 0) return packed
  try {
    return unpack(packed, maxBytes)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    throw corruptBatch(at, frame.baseOffset, `it cannot be unpacked: ${error.message}`, error)
  }
}

/** Room for what records mostly unpack to, so that it need not be put together from pieces. */
function chunkSizeFor(packed: Buffer): number {
  return Math.min(Math.max(packed.length * 8, 4096), 1 << 18)
}
