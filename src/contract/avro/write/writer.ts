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
    if (value >= -0x40000000n && value < 0x40000000n) return this.writeSmall(Number(value))
    this.#reserve(10)
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
    while (rest >= 0x80n) {
      this.#bytes[this.#at++] = Number(rest & 0x7fn) | 0x80
      rest >>= 7n
    }
    this.#bytes[this.#at++] = Number(rest)
  }

  /** A long of at least -2^30 and less than 2^30. */
  writeSmall(value: number): void {
    this.#reserve(5)
    let rest = value >= 0 ? value * 2 : -value * 2 - 1
    while (rest >= 0x80) {
      this.#bytes[this.#at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.#bytes[this.#at++] = rest
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
    this.writeSmall(bytes.length)
    this.writeFixed(bytes)
  }

  writeFixed(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  writeText(text: string): void {
    const length = Buffer.byteLength(text, 'utf8')
    this.writeSmall(length)
    this.#reserve(length)
    this.#at += this.#bytes.write(text, this.#at, length, 'utf8')
  }

  /** The shortest two's complement of a whole number within ±2^53, as the bytes of a decimal. */
  writeUnscaled(value: number): void {
    let [length, half] = [1, 0x80]
    while (value >= half || value < -half) {
      length += 1
      half *= 0x100
    }
    this.writeSmall(length)
    this.#reserve(length)
    let rest = value
    for (let at = length - 1; at >= 0; at -= 1) {
      const byte = ((rest % 0x100) + 0x100) % 0x100
      this.#bytes[this.#at + at] = byte
      rest = (rest - byte) / 0x100
    }
    this.#at += length
  }

  /** What was written, until the next write; the writer starts over. */
  view(): Uint8Array {
    const written = this.#bytes.subarray(0, this.#at)
    this.#at = 0
    return written
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
