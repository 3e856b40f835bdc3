import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import type { TopicPartition } from '../../../domain/position.ts'
import { corruptBatch, type BatchFrame } from './batch-frame.ts'
import { unpackLz4 } from './lz4.ts'
import { ownRoom, UnpacksToMore, type Room } from './room.ts'
import { unpackSnappy } from './snappy.ts'

type Unpack = (packed: Buffer, maxBytes: number, roomFor: Room) => Buffer

const UNPACK: readonly (Unpack | null)[] = [
  null,
  (packed, maxOutputLength) => byZlib(gunzipSync, packed, maxOutputLength),
  unpackSnappy,
  unpackLz4,
  (packed, maxOutputLength) => byZlib(zstdDecompressSync, packed, maxOutputLength),
]

/**
 * The records of a batch, unpacked. Synchronous, so that what was unpacked is freed with the batch. No codec is given
 * room for more than `maxBytes`; null where the batch unpacks to more. Throws LOG_CORRUPT.
 */
export function unpackBatch(
  wire: Buffer,
  frame: BatchFrame,
  {
    at,
    maxBytes,
    roomFor = ownRoom,
  }: { readonly at: TopicPartition; readonly maxBytes: number; readonly roomFor?: Room },
): Buffer | null {
  const packed = wire.subarray(frame.payloadStart, frame.end)
  if (frame.codec === 0) return packed.length > maxBytes ? null : packed
  const unpack = UNPACK[frame.codec]
  if (unpack === null || unpack === undefined) {
    throw corruptBatch(at, frame.baseOffset, `it is packed with codec ${frame.codec}, which is not known`)
  }
  if (frame.count === 0 && packed.length === 0) return packed
  try {
    return unpack(packed, maxBytes, roomFor)
  } catch (error) {
    if (error instanceof UnpacksToMore) return null
    if (!(error instanceof Error)) throw error
    throw corruptBatch(at, frame.baseOffset, `it cannot be unpacked: ${error.message}`, error)
  }
}

interface ZlibBounds {
  readonly maxOutputLength: number
  readonly chunkSize: number
}

function byZlib(
  unpack: (packed: Buffer, bounds: ZlibBounds) => Buffer,
  packed: Buffer,
  maxOutputLength: number,
): Buffer {
  try {
    return unpack(packed, { maxOutputLength, chunkSize: chunkSizeFor(packed) })
  } catch (error) {
    const more = error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
    throw more ? new UnpacksToMore(maxOutputLength) : error
  }
}

/** Room for what records mostly unpack to, so that it need not be put together from pieces. */
function chunkSizeFor(packed: Buffer): number {
  return Math.min(Math.max(packed.length * 8, 4096), 1 << 18)
}
