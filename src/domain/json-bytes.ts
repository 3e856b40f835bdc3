/** JSON text under construction, as UTF-8 bytes. What is held is whole after each call. */
export class JsonBytes {
  #data = Buffer.alloc(0)
  #at = 0

  /** Bytes so far. */
  get length(): number {
    return this.#at
  }

  /** Takes back what came after the first `length` bytes. */
  truncate(length: number): void {
    this.#at = Math.min(this.#at, length)
  }

  /** Begins anew; room that is much larger than most texts need is let go of. */
  clear(): void {
    this.#at = 0
    if (this.#data.length > KEPT_BYTES) this.#data = Buffer.alloc(0)
  }

  /** The bytes from `start` on; a view, good until more is written. */
  view(start = 0): Uint8Array {
    return this.#data.subarray(start, this.#at)
  }

  bytes(source: Uint8Array): void {
    const at = this.#room(source.length)
    // Most pieces are short, and not worth a call.
    if (source.length > 64) this.#data.set(source, at)
    else for (let i = 0; i < source.length; i += 1) this.#data[at + i] = source[i]!
    this.#at = at + source.length
  }

  /** Text as it stands; it must be well-formed. */
  text(text: string): void {
    // A code unit takes three bytes at most.
    const at = this.#room(text.length * 3)
    const data = this.#data
    let i = 0
    if (text.length <= MIDDLING) {
      for (; i < text.length; i += 1) {
        const code = text.charCodeAt(i)
        if (code > 0x7f) break
        data[at + i] = code
      }
    }
    this.#at = i === text.length ? at + i : at + data.write(text, at)
  }

  /** One byte of ASCII. */
  byte(code: number): void {
    const at = this.#room(1)
    this.#data[at] = code
    this.#at = at + 1
  }

  /** The digits of a whole number from 0 to 2^53, with zeros before them where they are fewer than `least`. */
  digits(value: number, least = 1): void {
    let size = least
    for (let power = POWERS[least] ?? Infinity; power <= value; power *= 10) size += 1
    const from = this.#room(size)
    const data = this.#data
    let rest = value
    for (let at = from + size - 1; at >= from; at -= 1) {
      const tens = Math.floor(rest / 10)
      data[at] = ZERO + (rest - tens * 10)
      rest = tens
    }
    this.#at = from + size
  }

  /** A whole number of up to 2^53 either way. */
  integer(value: number): void {
    if (value < 0) this.byte(MINUS)
    this.digits(Math.abs(value))
  }

  /** A string: UTF-8, which must be valid, in the escapes of `JSON.stringify`. Answers whether all of it is ASCII. */
  quoted(source: Uint8Array, start: number, end: number): boolean {
    let at = this.#room((end - start) * 6 + 2)
    const data = this.#data
    let seen = 0
    data[at] = QUOTE
    at += 1
    for (let i = start; i < end; i += 1) {
      const byte = source[i]!
      seen |= byte
      if (ESCAPES[byte]! === 0) {
        data[at] = byte
        at += 1
      } else at = writeEscape(data, at, byte)
    }
    data[at] = QUOTE
    this.#at = at + 1
    return seen < 0x80
  }

  /** A string of base64. */
  base64(source: Uint8Array, start: number, end: number): void {
    let at = this.#room(Math.ceil((end - start) / 3) * 4 + 2)
    const data = this.#data
    data[at] = QUOTE
    at += 1
    let i = start
    for (; i + 3 <= end; i += 3) {
      const group = (source[i]! << 16) | (source[i + 1]! << 8) | source[i + 2]!
      data[at] = BASE64[group >>> 18]!
      data[at + 1] = BASE64[(group >>> 12) & 63]!
      data[at + 2] = BASE64[(group >>> 6) & 63]!
      data[at + 3] = BASE64[group & 63]!
      at += 4
    }
    if (i < end) {
      const two = i + 2 === end
      const group = (source[i]! << 16) | (two ? source[i + 1]! << 8 : 0)
      data[at] = BASE64[group >>> 18]!
      data[at + 1] = BASE64[(group >>> 12) & 63]!
      data[at + 2] = two ? BASE64[(group >>> 6) & 63]! : PADDING
      data[at + 3] = PADDING
      at += 4
    }
    data[at] = QUOTE
    this.#at = at + 1
  }

  /** Where the next `more` bytes go. */
  #room(more: number): number {
    const needed = this.#at + more
    if (needed > this.#data.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, needed * 2))
      this.#data.copy(grown, 0, 0, this.#at)
      this.#data = grown
    }
    return this.#at
  }
}

const FIRST_BYTES = 16 * 1024
/** Characters past which a text is written by one call. */
const MIDDLING = 512
const KEPT_BYTES = 4 * 1024 * 1024
const QUOTE = 34
const MINUS = 45
const ZERO = 48
const POWERS = Array.from({ length: 17 }, (_, i) => 10 ** i)
const PADDING = 61
const BACKSLASH = 92
const BASE64 = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', 'latin1')
const HEX = Buffer.from('0123456789abcdef', 'latin1')

/** What stands behind a backslash for a byte; `u` where it is written as a number, 0 where it stands for itself. */
const ESCAPES = new Uint8Array(256).fill(117, 0, 32)
for (const [byte, letter] of [
  [8, 'b'],
  [9, 't'],
  [10, 'n'],
  [12, 'f'],
  [13, 'r'],
  [QUOTE, '"'],
  [BACKSLASH, '\\'],
] as const)
  ESCAPES[byte] = letter.charCodeAt(0)

function writeEscape(data: Uint8Array, start: number, byte: number): number {
  let at = start
  data[at] = BACKSLASH
  data[at + 1] = ESCAPES[byte]!
  at += 2
  if (byte >= 32 || ESCAPES[byte] !== 117) return at
  data[at] = 48
  data[at + 1] = 48
  data[at + 2] = HEX[byte >>> 4]!
  data[at + 3] = HEX[byte & 15]!
  return at + 4
}
