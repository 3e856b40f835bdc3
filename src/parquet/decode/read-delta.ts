import type { ByteCursor } from './byte-cursor.ts'

/**
 * DELTA_BINARY_PACKED (Parquet format, "Encodings"): exactly `count` integers of 64 bits, wrapping as it demands. They
 * are summed as two halves of 32 bits, for BigInt arithmetic would cost many times as much.
 */
export function readDeltas(cursor: ByteCursor, count: number): BigInt64Array {
  const out = new BigInt64Array(count)
  const halves = new Int32Array(out.buffer)
  const blockValues = cursor.varint()
  const miniblocks = cursor.varint()
  const total = cursor.varint()
  const each = blockValues / miniblocks
  if (!(blockValues > 0 && blockValues % 128 === 0 && blockValues < 1 << 20 && each % 32 === 0)) {
    throw new RangeError('a block of deltas has an impossible shape')
  }
  if (total !== count) throw new RangeError(`a page holds ${total} deltas of ${count}`)
  const first = cursor.zigZag64()
  if (count > 0) out[0] = first
  let filled = 1
  while (filled < count) {
    const least = cursor.zigZag64()
    const widths = cursor.take(miniblocks)
    for (let block = 0; block < miniblocks && filled < count; block += 1) {
      const width = widths[block]!
      if (width > 64) throw new RangeError(`deltas of ${width} bits are not possible`)
      for (let run = 0; run < each; run += RUN_VALUES) {
        const packed = cursor.take((RUN_VALUES / 8) * width)
        if (filled < count) filled = addRun(halves, filled, count, { packed, width, least })
      }
    }
  }
  return out
}

const RUN_VALUES = 32
/** A run of the widest deltas, and room to read past its last one. */
const scratch = new Uint8Array((RUN_VALUES / 8) * 64 + 16)
const window = new DataView(scratch.buffer)

interface Run {
  readonly packed: Uint8Array
  readonly width: number
  readonly least: bigint
}

/** Adds the run's deltas one after the other and returns how many values there are then. */
function addRun(halves: Int32Array, from: number, count: number, { packed, width, least }: Run): number {
  scratch.set(packed)
  const leastLow = Number(BigInt.asUintN(32, least))
  const leastHigh = Number(BigInt.asIntN(32, least >> 32n))
  const lowMask = width >= 32 ? -1 : (1 << width) - 1
  const highMask = width >= 64 ? -1 : width > 32 ? (1 << (width - 32)) - 1 : 0
  let low = halves[from * 2 - 2]! >>> 0
  let high = halves[from * 2 - 1]!
  const end = Math.min(from + RUN_VALUES, count)
  for (let i = from, bit = 0; i < end; i += 1, bit += width) {
    const at = bit >>> 3
    const shift = bit & 7
    const first = window.getInt32(at, true)
    const second = window.getInt32(at + 4, true)
    const restLow = (shift === 0 ? first : (first >>> shift) | (second << (32 - shift))) & lowMask
    let restHigh = 0
    if (highMask !== 0) {
      restHigh = (shift === 0 ? second : (second >>> shift) | (window.getUint8(at + 8) << (32 - shift))) & highMask
    }
    const sum = low + leastLow + (restLow >>> 0)
    high = (high + leastHigh + restHigh + Math.floor(sum / 2 ** 32)) | 0
    low = sum >>> 0
    halves[i * 2] = low
    halves[i * 2 + 1] = high
  }
  return end
}

/** As `readDeltas`, of 32 bits. */
export function readNarrowDeltas(cursor: ByteCursor, count: number): Int32Array {
  const halves = new Int32Array(readDeltas(cursor, count).buffer)
  const out = new Int32Array(count)
  for (let i = 0; i < count; i += 1) out[i] = halves[i * 2]!
  return out
}

/** The lengths that come before the bytes of DELTA_LENGTH_BYTE_ARRAY. */
export function readLengths(cursor: ByteCursor, count: number): Int32Array {
  const lengths = readNarrowDeltas(cursor, count)
  for (let i = 0; i < count; i += 1) {
    if (lengths[i]! < 0) throw new RangeError(`a length of ${lengths[i]} bytes is not possible`)
  }
  return lengths
}
