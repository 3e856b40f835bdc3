import type { ByteCursor } from './byte-cursor.ts'

/** The inverse of `encode/rle-levels.ts`: fills all of `out`, or throws a `RangeError`. */
export function readHybrid(cursor: ByteCursor, width: number, out: Uint8Array | Int32Array): void {
  if (width > 32) throw new RangeError(`levels of ${width} bits are not possible`)
  let filled = 0
  while (filled < out.length) {
    const header = cursor.varint()
    if (header % 2 === 1) {
      const packed = cursor.take(Math.min(((header - 1) / 2) * width, cursor.left))
      const count = Math.min(((header - 1) / 2) * 8, out.length - filled)
      if (count * width > packed.length * 8) throw new RangeError('a run of levels ends too early')
      unpack(packed, width, out.subarray(filled, filled + count))
      filled += count
      if (count === 0) throw new RangeError('a run of levels is empty')
    } else {
      const count = Math.min(header / 2, out.length - filled)
      let value = 0
      for (let bits = 0; bits < width; bits += 8) value |= cursor.byte() << bits
      out.fill(value, filled, filled + count)
      filled += count
      if (count === 0) throw new RangeError('a run of levels is empty')
    }
  }
}

function unpack(packed: Uint8Array, width: number, out: Uint8Array | Int32Array): void {
  for (let i = 0; i < out.length; i += 1) {
    let value = 0
    let taken = 0
    let bit = i * width
    while (taken < width) {
      const offset = bit & 7
      const bits = Math.min(8 - offset, width - taken)
      value |= ((packed[bit >>> 3]! >>> offset) & ((1 << bits) - 1)) << taken
      taken += bits
      bit += bits
    }
    out[i] = value
  }
}
