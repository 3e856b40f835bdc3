import { UnpacksToMore, type Room } from './room.ts'

/**
 * LZ4, as Kafka's producers write it: frames (magic 0x184D2204) of blocks, linked or not. Checksums inside the frame are
 * not looked at: the batch's CRC32C covers them. Formats: lz4_Frame_format.md 1.6.3 and lz4_Block_format.md.
 *
 * Own code because the library's WebAssembly traps on a malformed block and cannot be used afterwards by anyone in the
 * process, and because nothing may be allocated beyond `maxBytes`.
 */

const MAGIC = 0x184d2204
const BLOCK_MAX_BYTES = [0, 0, 0, 0, 1 << 16, 1 << 18, 1 << 20, 1 << 22]
/** A match's length grows by at most 255 for each byte that states it. */
const MOST_RATIO = 255

/** Throws `UnpacksToMore`, and RangeError for what is malformed. */
export function unpackLz4(packed: Buffer, maxBytes: number, roomFor: Room): Buffer {
  const layout = readLayout(packed)
  const most = Math.min(layout.mostBytes, maxBytes)
  // A frame does not say what it unpacks to.
  const out = roomFor(most)
  let at = 0
  try {
    for (const { start, end, stored } of layout.blocks) {
      if (stored) {
        if (at + (end - start) > out.length) throw new NoRoom(out.length)
        packed.copy(out, at, start, end)
        at += end - start
      } else {
        at = unpackBlock({ packed, start, end, out, at })
      }
    }
  } catch (error) {
    throw error instanceof NoRoom && most < layout.mostBytes ? new UnpacksToMore(maxBytes) : error
  }
  return out.subarray(0, at)
}

/** More than its own frame allows, or than there may be. */
class NoRoom extends RangeError {
  constructor(bytes: number) {
    super(`it unpacks to more than ${bytes} bytes`)
  }
}

interface Block {
  readonly start: number
  readonly end: number
  readonly stored: boolean
}

/** Where the blocks are, and the most that they can unpack to. */
function readLayout(packed: Buffer): { readonly blocks: readonly Block[]; readonly mostBytes: number } {
  const blocks: Block[] = []
  let mostBytes = 0
  let at = 0
  while (at < packed.length) {
    if (packed.length - at < 7 || packed.readUInt32LE(at) !== MAGIC) throw new RangeError('it is no LZ4 frame')
    const flags = packed[at + 4]!
    const blockMax = BLOCK_MAX_BYTES[(packed[at + 5]! >> 4) & 0b111]!
    if (flags >> 6 !== 1 || blockMax === 0) throw new RangeError('its LZ4 frame has an unknown version')
    if ((flags & 0b1) !== 0) throw new RangeError('its LZ4 frame needs a dictionary')
    const blockChecksum = (flags & 0b1_0000) !== 0 ? 4 : 0
    at += 7 + ((flags & 0b1000) !== 0 ? 8 : 0)
    for (;;) {
      if (packed.length - at < 4) throw new RangeError('its LZ4 frame ends before its end mark')
      const size = packed.readUInt32LE(at)
      at += 4
      if (size === 0) break
      const stored = size >= 0x8000_0000
      const bytes = size & 0x7fff_ffff
      if (bytes > blockMax || at + bytes + blockChecksum > packed.length) {
        throw new RangeError('an LZ4 block is longer than its frame allows')
      }
      blocks.push({ start: at, end: at + bytes, stored })
      mostBytes += stored ? bytes : Math.min(blockMax, bytes * MOST_RATIO)
      at += bytes + blockChecksum
    }
    if ((flags & 0b100) !== 0) at += 4
  }
  if (at > packed.length) throw new RangeError('its LZ4 frame ends inside its checksum')
  return { blocks, mostBytes }
}

interface BlockPlace {
  readonly packed: Uint8Array
  readonly start: number
  readonly end: number
  readonly out: Uint8Array
  readonly at: number
}

/**
 * A sequence that states no length in bytes of its own and repeats no shorter than eight bytes is copied whole, without
 * a look at how long it is: 16 bytes of literals, 24 of the match. What is written past its end is written again by
 * what follows. Before it: token, literals, distance, and one byte at least of what follows.
 */
const PLAIN_FROM = 1 + 14 + 2 + 1
const PLAIN_TO = 14 + 24
const SHORT_MATCH = 64
const OVERSHOOT = 16

/** Sequences of literals and matches; answers where the output ends. */
function unpackBlock({ packed, start, end, out, at }: BlockPlace): number {
  const room = out.length
  const source = new DataView(packed.buffer, packed.byteOffset, packed.byteLength)
  const target = new DataView(out.buffer, out.byteOffset, out.byteLength)
  const plainFrom = end - PLAIN_FROM
  const plainTo = room - PLAIN_TO
  const lastTo = room - OVERSHOOT
  let from = start
  let to = at
  while (from < end) {
    while (from <= plainFrom && to <= plainTo) {
      const token = packed[from]!
      const literals = token >> 4
      const behind = from + 1 + literals
      const matched = to + literals
      const distance = source.getUint16(behind, true)
      const length = token & 15
      if (literals === 15 || length === 15 || distance < 8 || distance > matched) break
      target.setBigInt64(to, source.getBigInt64(from + 1, true), true)
      target.setBigInt64(to + 8, source.getBigInt64(from + 9, true), true)
      const repeated = matched - distance
      target.setBigInt64(matched, target.getBigInt64(repeated, true), true)
      target.setBigInt64(matched + 8, target.getBigInt64(repeated + 8, true), true)
      target.setBigInt64(matched + 16, target.getBigInt64(repeated + 16, true), true)
      from = behind + 2
      to = matched + length + 4
    }
    const token = packed[from]!
    from += 1
    let literals = token >> 4
    if (literals === 15) {
      let more = 255
      while (more === 255) {
        if (from >= end) throw new RangeError('an LZ4 length is cut off')
        more = packed[from]!
        from += 1
        literals += more
      }
    }
    if (from + literals > end) throw new RangeError('LZ4 literals are cut off')
    if (to + literals > room) throw new NoRoom(room)
    if (literals > 32) out.set(packed.subarray(from, from + literals), to)
    else for (let i = 0; i < literals; i += 1) out[to + i] = packed[from + i]!
    from += literals
    to += literals
    if (from === end) return to

    if (from + 2 > end) throw new RangeError('an LZ4 match is cut off')
    const distance = packed[from]! | (packed[from + 1]! << 8)
    from += 2
    if (distance === 0 || distance > to) throw new RangeError('an LZ4 match begins before its output')
    let length = token & 15
    if (length === 15) {
      let more = 255
      while (more === 255) {
        if (from >= end) throw new RangeError('an LZ4 length is cut off')
        more = packed[from]!
        from += 1
        length += more
      }
    }
    length += 4
    const stop = to + length
    if (stop > room) throw new NoRoom(room)
    if (distance >= 8 && length <= SHORT_MATCH && stop <= lastTo) {
      for (; to < stop; to += 8) target.setBigInt64(to, target.getBigInt64(to - distance, true), true)
    } else copyMatch(out, to, { distance, length })
    to = stop
  }
  throw new RangeError('an LZ4 block ends inside a sequence')
}

/** Copies from `distance` before `to`; where the two overlap, the copy repeats itself, as the formats ask. */
export function copyMatch(
  out: Uint8Array,
  to: number,
  { distance, length }: { readonly distance: number; readonly length: number },
): void {
  if (length > 32 && distance >= length) {
    out.copyWithin(to, to - distance, to - distance + length)
    return
  }
  for (let i = to, end = to + length; i < end; i += 1) out[i] = out[i - distance]!
}
