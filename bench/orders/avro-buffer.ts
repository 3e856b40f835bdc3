/** A growing buffer with Avro's binary encoding: only what the generator of orders needs, none of it from `src/`. */
export class AvroBuffer {
  bytes: Uint8Array = new Uint8Array(1 << 16)
  at = 0

  byte(value: number): void {
    this.#room(1)
    this.bytes[this.at] = value
    this.at += 1
  }

  /** Zigzag varint of a safe integer. */
  long(value: number): void {
    this.#room(10)
    let rest = value >= 0 ? value * 2 : -value * 2 - 1
    while (rest >= 0x80) {
      this.bytes[this.at] = (rest % 0x80) | 0x80
      this.at += 1
      rest = Math.floor(rest / 0x80)
    }
    this.bytes[this.at] = rest
    this.at += 1
  }

  double(value: number): void {
    this.#room(8)
    new DataView(this.bytes.buffer).setFloat64(this.at, value, true)
    this.at += 8
  }

  text(value: string): void {
    this.block(Buffer.from(value, 'utf8'))
  }

  block(value: Uint8Array): void {
    this.long(value.length)
    this.raw(value)
  }

  raw(value: Uint8Array): void {
    this.#room(value.length)
    this.bytes.set(value, this.at)
    this.at += value.length
  }

  /** A decimal as bytes: two's complement, big-endian, as short as it can be. */
  decimal(unscaled: number): void {
    let size = 1
    while (unscaled < -(2 ** (size * 8 - 1)) || unscaled >= 2 ** (size * 8 - 1)) size += 1
    this.long(size)
    this.#room(size)
    for (let i = size - 1; i >= 0; i -= 1) {
      this.bytes[this.at + i] = ((unscaled % 0x100) + 0x100) % 0x100
      unscaled = Math.floor(unscaled / 0x100)
    }
    this.at += size
  }

  #room(size: number): void {
    if (this.at + size <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.at + size))
    grown.set(this.bytes)
    this.bytes = grown
  }
}
