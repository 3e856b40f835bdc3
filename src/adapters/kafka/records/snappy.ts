import { copyMatch } from './lz4.ts'
import { UnpacksToMore, type Room } from './room.ts'

/**
 * Snappy, bare or in the chunks that Java's producers write (xerial: magic, two versions, then length and block). Format:
 * google/snappy, format_description.txt. Own code for the reasons that `lz4.ts` gives.
 */

const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const XERIAL_HEADER_BYTES = 16

interface Chunk {
  /** Past the length that the block states. */
  readonly start: number
  readonly end: number
  /** What it unpacks to, exactly. */
  readonly bytes: number
}

/** Throws `UnpacksToMore`, and RangeError for what is malformed. */
export function unpackSnappy(packed: Buffer, maxBytes: number, roomFor: Room): Buffer {
  const chunks = packed.subarray(0, XERIAL.length).equals(XERIAL)
    ? readChunks(packed)
    : [readChunk(packed, 0, packed.length)]
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.bytes, 0)
  if (bytes > maxBytes) throw new UnpacksToMore(maxBytes)
  const out = roomFor(bytes)
  let at = 0
  for (const chunk of chunks) {
    unpackChunk(packed, chunk, out.subarray(at, at + chunk.bytes))
    at += chunk.bytes
  }
  return out
}

function readChunks(packed: Buffer): Chunk[] {
  const chunks: Chunk[] = []
  let at = XERIAL_HEADER_BYTES
  while (at < packed.length) {
    if (packed.length - at < 4) throw new RangeError('a snappy chunk is cut off')
    const end = at + 4 + packed.readUInt32BE(at)
    if (end > packed.length) throw new RangeError('a snappy chunk is cut off')
    chunks.push(readChunk(packed, at + 4, end))
    at = end
  }
  return chunks
}

function readChunk(packed: Buffer, start: number, end: number): Chunk {
  let bytes = 0
  for (let at = start, scale = 1; at < end && at < start + 5; at += 1, scale *= 128) {
    const byte = packed[at]!
    bytes += (byte & 0x7f) * scale
    if (byte < 0x80) return { start: at + 1, end, bytes }
  }
  throw new RangeError('a snappy block states no length')
}

/** Fills `out` exactly. */
function unpackChunk(packed: Uint8Array, { start, end }: Chunk, out: Uint8Array): void {
  const room = out.length
  let from = start
  let to = 0
  while (from < end) {
    const tag = packed[from]!
    from += 1
    if ((tag & 0b11) === 0) {
      let length = (tag >> 2) + 1
      if (length > 60) {
        const extra = length - 60
        if (from + extra > end) throw new RangeError('a snappy length is cut off')
        length = 1
        for (let i = 0, scale = 1; i < extra; i += 1, scale *= 256) length += packed[from + i]! * scale
        from += extra
      }
      if (from + length > end) throw new RangeError('snappy literals are cut off')
      if (to + length > room) throw new RangeError('a snappy block unpacks to more than it states')
      if (length > 32) out.set(packed.subarray(from, from + length), to)
      else for (let i = 0; i < length; i += 1) out[to + i] = packed[from + i]!
      from += length
      to += length
      continue
    }
    let length = (tag >> 2) + 1
    let distance = 0
    const extra = (tag & 0b11) === 1 ? 1 : (tag & 0b11) === 2 ? 2 : 4
    if (from + extra > end) throw new RangeError('a snappy copy is cut off')
    if (extra === 1) {
      length = ((tag >> 2) & 0b111) + 4
      distance = ((tag >> 5) << 8) | packed[from]!
    } else {
      for (let i = 0, scale = 1; i < extra; i += 1, scale *= 256) distance += packed[from + i]! * scale
    }
    from += extra
    if (distance === 0 || distance > to) throw new RangeError('a snappy copy begins before its output')
    if (to + length > room) throw new RangeError('a snappy block unpacks to more than it states')
    copyMatch(out, to, { distance, length })
    to += length
  }
  if (to !== room) throw new RangeError('a snappy block unpacks to less than it states')
}
