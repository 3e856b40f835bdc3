import { isUtf8 } from 'node:buffer'
import { MAX_JSON_VALUES } from '../../../domain/exact-json.ts'

/** Bytes that do not follow their schema. Caught by the judge and told as DECODE; its message quotes no value. */
export class DecodeFault extends Error {
  /** Without a stack: no one sees it, and taking it costs more than reading the record. */
  constructor(message: string) {
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(message)
    Error.stackTraceLimit = stackTraceLimit
  }
}

const BLOCK_END = 'a block does not end where it says'

/** Values of no bytes at all (arrays of null, empty records) that one record may hold: else few bytes ask for endless work. */
const MAX_EMPTY_VALUES = 10_000

/**
 * What the lists, maps and defaults of one record may take in columns: so much, and so many times its own bytes. A
 * contract that adds fields to what stands in a list makes a kilobyte of each byte of an older writer's.
 */
const MADE_BYTES = 16 * 1024 * 1024
const MADE_TIMES = 64

/** Reads Avro's binary encoding from a span of bytes; every read is checked against its end. */
export class AvroCursor {
  bytes: Uint8Array = new Uint8Array(0)
  at = 0
  end = 0
  #view: DataView = new DataView(new ArrayBuffer(0))
  /** The same bytes, for their texts. */
  #buffer: Buffer | null = null
  #empty = 0
  #room = 0
  #shown = 0

  reset(bytes: Uint8Array, start: number, end: number): void {
    if (bytes !== this.bytes) {
      this.bytes = bytes
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      this.#buffer = null
    }
    this.at = start
    this.end = end
    this.#empty = 0
    this.#shown = 0
    this.#room = MADE_BYTES + MADE_TIMES * (end - start)
  }

  readBoolean(): boolean {
    const byte = this.#byte()
    if (byte > 1) throw new DecodeFault(`a boolean is ${byte}, not 0 or 1`)
    return byte === 1
  }

  /** Zigzag varint of 32 bits. */
  readInt(): number {
    let raw = 0
    for (let scale = 1; scale < 2 ** 35; scale *= 128) {
      const byte = this.#byte()
      raw += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (raw > 0xffffffff) break
        return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2
      }
    }
    throw new DecodeFault('an int is longer than 32 bits')
  }

  skipVarint(): void {
    while (this.#byte() >= 0x80);
  }

  /** A long whose zigzag is below 2^53; NaN, with nothing read, for any other, and for what is none. */
  readShortLong(): number {
    const { bytes, end } = this
    let raw = 0
    let at = this.at
    for (let scale = 1; scale < 2 ** 50 && at < end; scale *= 128) {
      const byte = bytes[at]!
      at += 1
      raw += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (raw > Number.MAX_SAFE_INTEGER) break
        this.at = at
        return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2
      }
    }
    return Number.NaN
  }

  /** Zigzag varint of 64 bits. */
  readLong(): bigint {
    // Only what a double cannot hold exactly pays for bigint arithmetic.
    const short = this.readShortLong()
    if (!Number.isNaN(short)) return BigInt(short)
    let raw = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte()
      raw |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) {
        if (raw > 0xffffffffffffffffn) break
        return (raw >> 1n) ^ -(raw & 1n)
      }
    }
    throw new DecodeFault('a long is longer than 64 bits')
  }

  readFloat(): number {
    return this.#view.getFloat32(this.#skip(4), true)
  }

  readDouble(): number {
    return this.#view.getFloat64(this.#skip(8), true)
  }

  /** Moves past a length and that many bytes; returns where they begin (they end at `at`). */
  readSpan(): number {
    return this.#skip(this.#length())
  }

  /** Like `readSpan`, and the bytes are valid UTF-8. */
  readTextSpan(): number {
    const start = this.readSpan()
    if (!isValidUtf8(this.bytes, start, this.at)) throw notUtf8()
    return start
  }

  readFixed(size: number): number {
    return this.#skip(size)
  }

  text(start: number): string {
    const { buffer, byteOffset, byteLength } = this.bytes
    this.#buffer ??= Buffer.from(buffer, byteOffset, byteLength)
    return this.#buffer.toString('utf8', start, this.at)
  }

  /** An index into a list of `count`: a union's branch or an enum's symbol. */
  readIndex(count: number, what: string): number {
    const index = this.readInt()
    if (index < 0 || index >= count) throw new DecodeFault(`a ${what} index is ${index}, outside 0 to ${count - 1}`)
    return index
  }

  /** Reads the blocks of an array or map, calling `readOne` for each element. */
  readBlocks(readOne: (index: number) => void): void {
    let index = 0
    for (;;) {
      let count = Number(this.readLong())
      if (count === 0) return
      let blockEnd = -1
      if (count < 0) {
        count = -count
        const size = Number(this.readLong())
        if (size < 0 || size > this.end - this.at) throw new DecodeFault(BLOCK_END)
        blockEnd = this.at + size
      }
      for (let i = 0; i < count; i += 1) {
        const before = this.at
        readOne(index)
        index += 1
        this.countEmpty(before)
      }
      if (blockEnd >= 0 && this.at !== blockEnd) throw new DecodeFault(BLOCK_END)
    }
  }

  /** Counts a value that began at `before` and took no bytes. */
  countEmpty(before: number): void {
    if (this.at !== before) return
    this.#empty += 1
    if (this.#empty > MAX_EMPTY_VALUES) throw new DecodeFault(`more than ${MAX_EMPTY_VALUES} values without bytes`)
  }

  /** Counts bytes of columns that a few bytes of the record, or none, ask for. */
  countMade(bytes: number): void {
    this.#room -= bytes
    if (this.#room < 0)
      throw new DecodeFault(`lists, maps and defaults would take more than ${MADE_TIMES} times the record's bytes`)
  }

  /** Counts a value that is made as JSON: no record may ask for more of them than a document of JSON may. */
  countShown(): void {
    this.#shown += 1
    if (this.#shown > MAX_JSON_VALUES)
      throw new DecodeFault(`more than ${MAX_JSON_VALUES} values that would be shown as JSON`)
  }

  expectEnd(): void {
    if (this.at !== this.end) throw new DecodeFault(`${this.end - this.at} bytes are left after the record`)
  }

  #byte(): number {
    if (this.at >= this.end) throw new DecodeFault('the record ends too early')
    const byte = this.bytes[this.at]!
    this.at += 1
    return byte
  }

  #length(): number {
    let length = this.readShortLong()
    if (Number.isNaN(length)) length = Number(this.readLong())
    if (length < 0) throw new DecodeFault('a length is negative')
    if (length > this.end - this.at) throw new DecodeFault('the record ends too early')
    return length
  }

  #skip(size: number): number {
    const start = this.at
    if (size > this.end - start) throw new DecodeFault('the record ends too early')
    this.at = start + size
    return start
  }
}

export function notUtf8(): DecodeFault {
  return new DecodeFault('a string is not valid UTF-8')
}

export function isValidUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) {
    if (bytes[at]! >= 0x80) return isUtf8(bytes.subarray(at, end))
  }
  return true
}
