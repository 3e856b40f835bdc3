import type { ByteCursor } from './byte-cursor.ts'

/** DELTA_BINARY_PACKED (Parquet format, "Encodings"): exactly `count` integers of 64 bits, wrapping as it demands. */
export function readDeltas(cursor: ByteCursor, count: number): BigInt64Array {
  const out = new BigInt64Array(count)
  const blockValues = cursor.varint()
  const miniblocks = cursor.varint()
  const total = cursor.varint()
  const each = blockValues / miniblocks
  if (!(blockValues > 0 && blockValues % 128 === 0 && blockValues < 1 << 20 && each % 32 === 0)) {
    throw new RangeError('a block of deltas has an impossible shape')
  }
  if (total !== count) throw new RangeError(`a page holds ${total} deltas of ${count}`)
  let value = cursor.zigZag64()
  if (count > 0) out[0] = value
  let filled = 1
  while (filled < count) {
    const least = cursor.zigZag64()
    const widths = cursor.take(miniblocks)
    for (let block = 0; block < miniblocks && filled < count; block += 1) {
      const width = widths[block]!
      if (width > 64) throw new RangeError(`deltas of ${width} bits are not possible`)
      const bits = new BitReader(cursor.take((each / 8) * width))
      for (let i = 0; i < each && filled < count; i += 1) {
        value = BigInt.asIntN(64, value + least + bits.take(width))
        out[filled] = value
        filled += 1
      }
    }
  }
  return out
}

/** The lengths that come before the bytes of DELTA_LENGTH_BYTE_ARRAY. */
export function readLengths(cursor: ByteCursor, count: number): Int32Array {
  return Int32Array.from(readDeltas(cursor, count), (length) => {
    if (length < 0n || length > 0x7fffffffn) throw new RangeError(`a length of ${length} bytes is not possible`)
    return Number(length)
  })
}

class BitReader {
  readonly #bytes: Uint8Array
  #bit = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  take(width: number): bigint {
    let value = 0n
    let taken = 0
    while (taken < width) {
      const offset = this.#bit & 7
      const bits = Math.min(8 - offset, width - taken)
      const part = (this.#bytes[this.#bit >>> 3]! >>> offset) & ((1 << bits) - 1)
      value |= BigInt(part) << BigInt(taken)
      taken += bits
      this.#bit += bits
    }
    return value
  }
}
