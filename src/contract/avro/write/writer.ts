/** Writes Avro's binary encoding. */
export class AvroWriter {
  #bytes: Buffer = Buffer.alloc(256)
  #at = 0

  get length(): number {
    return this.#at
  }

  truncate(length: number): void {
    this.#at = length
  }

  writeBoolean(value: boolean): void {
    this.#reserve(1)
    this.#bytes[this.#at++] = value ? 1 : 0
  }

  /** int and long are one encoding. */
  writeLong(value: bigint): void {
    this.#reserve(10)
    if (value >= -0x40000000n && value < 0x40000000n) {
      const small = Number(value)
      let rest = small >= 0 ? small * 2 : -small * 2 - 1
      while (rest >= 0x80) {
        this.#bytes[this.#at++] = (rest & 0x7f) | 0x80
        rest >>>= 7
      }
      this.#bytes[this.#at++] = rest
      return
    }
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
    while (rest >= 0x80n) {
      this.#bytes[this.#at++] = Number(rest & 0x7fn) | 0x80
      rest >>= 7n
    }
    this.#bytes[this.#at++] = Number(rest)
  }

  writeFloat(value: number): void {
    this.#reserve(4)
    this.#at = this.#bytes.writeFloatLE(value, this.#at)
  }

  writeDouble(value: number): void {
    this.#reserve(8)
    this.#at = this.#bytes.writeDoubleLE(value, this.#at)
  }

  writeBytes(bytes: Uint8Array): void {
    this.writeLong(BigInt(bytes.length))
    this.writeFixed(bytes)
  }

  writeFixed(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  writeText(text: string): void {
    this.writeBytes(Buffer.from(text, 'utf8'))
  }

  /** A copy of what was written; the writer starts over. */
  take(): Uint8Array {
    const taken = Uint8Array.prototype.slice.call(this.#bytes, 0, this.#at)
    this.#at = 0
    return taken
  }

  #reserve(size: number): void {
    const needed = this.#at + size
    if (needed <= this.#bytes.length) return
    const larger = Buffer.alloc(Math.max(needed, this.#bytes.length * 2))
    larger.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = larger
  }
}
