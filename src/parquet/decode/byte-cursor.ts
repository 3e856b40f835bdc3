/** Reads a page front to back; whatever would reach past its end throws a `RangeError`. */
export class ByteCursor {
  readonly bytes: Uint8Array
  readonly view: DataView
  at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get left(): number {
    return this.bytes.length - this.at
  }

  take(count: number): Uint8Array {
    if (!(count >= 0 && count <= this.left)) throw new RangeError(`${count} bytes are asked of ${this.left}`)
    const taken = this.bytes.subarray(this.at, this.at + count)
    this.at += count
    return taken
  }

  /** A run of `count` values of `size` bytes, as a copy of its own that typed arrays can view. */
  takeAligned(count: number, size: number): ArrayBuffer {
    return Uint8Array.from(this.take(count * size)).buffer
  }

  byte(): number {
    if (this.left < 1) throw new RangeError('the page ends too early')
    this.at += 1
    return this.bytes[this.at - 1]!
  }

  uint32(): number {
    if (this.left < 4) throw new RangeError('the page ends too early')
    this.at += 4
    return this.view.getUint32(this.at - 4, true)
  }

  /** Unsigned, up to 2^53. */
  varint(): number {
    let value = 0
    for (let scale = 1; scale < 2 ** 49; scale *= 128) {
      const byte = this.byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
    throw new RangeError('a number of the page is too long')
  }

  zigZag64(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n))
    }
    throw new RangeError('a number of the page is too long')
  }
}
