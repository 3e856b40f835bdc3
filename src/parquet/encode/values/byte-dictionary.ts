import type { ColumnBounds } from './column-bounds.ts'

export interface DictionaryLimits {
  readonly maxEntries: number
  readonly maxBytes: number
  /** 4 for byte arrays, 0 for values of one size. */
  readonly lengthBytes: 0 | 4
}

/**
 * The distinct byte strings of a column chunk, numbered in order of appearance. It refuses to grow past its limits, so
 * that a column that does not repeat falls back to PLAIN pages.
 */
export class ByteDictionary {
  /** PLAIN encoding: of byte arrays a length of four bytes, little-endian, then the bytes. */
  #bytes = new Uint8Array(1 << 10)
  #length = 0
  #count = 0
  /** Where each entry's bytes begin and end in `#bytes`. */
  #starts = new Int32Array(1 << 7)
  #ends = new Int32Array(1 << 7)
  #hashes = new Int32Array(1 << 7)
  /** Open addressing: entry + 1, or 0. Never more than half full. */
  #slots = new Int32Array(1 << 8)
  readonly #limits: DictionaryLimits

  constructor(limits: DictionaryLimits) {
    this.#limits = limits
  }

  get count(): number {
    return this.#count
  }

  /** The entries in PLAIN encoding; a view, valid until the next `add` or `clear`. */
  get plain(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  /** The number of `data[start, end)`, or -1 where it is new and there is no room for it. */
  add(data: Uint8Array, start: number, end: number): number {
    const size = end - start
    let hash = size
    for (let i = start; i < end; i += 1) hash = Math.imul(hash ^ data[i]!, 0x01000193)
    hash ^= hash >>> 15
    const mask = this.#slots.length - 1
    let slot = hash & mask
    for (;;) {
      const entry = this.#slots[slot]! - 1
      if (entry < 0) break
      if (this.#hashes[entry] === hash && this.#equals(entry, data, start, end)) return entry
      slot = (slot + 1) & mask
    }
    const { maxEntries, maxBytes, lengthBytes } = this.#limits
    if (this.#count >= maxEntries || this.#length + size + lengthBytes > maxBytes) return -1
    this.#slots[slot] = this.#count + 1
    return this.#append(hash, data, start, end)
  }

  /** The entry in PLAIN encoding; a view, as `plain` is. */
  entry(entry: number): Uint8Array {
    return this.#bytes.subarray(this.#starts[entry]! - this.#limits.lengthBytes, this.#ends[entry]!)
  }

  /** The least and the greatest of the entries whose flag is 1, in unsigned order of their bytes; null if none is. */
  boundsOf(flags: Uint8Array): ColumnBounds | null {
    let min = -1
    let max = -1
    for (let entry = 0; entry < flags.length; entry += 1) {
      if (flags[entry] !== 1) continue
      if (min < 0) {
        min = entry
        max = entry
      } else if (this.#compare(entry, min) < 0) min = entry
      else if (this.#compare(entry, max) > 0) max = entry
    }
    if (min < 0) return null
    const valueOf = (entry: number): Uint8Array => this.#bytes.slice(this.#starts[entry], this.#ends[entry])
    return { min: valueOf(min), max: valueOf(max) }
  }

  clear(): void {
    this.#count = 0
    this.#length = 0
    this.#slots.fill(0)
  }

  #equals(entry: number, data: Uint8Array, start: number, end: number): boolean {
    const bytes = this.#bytes
    let at = this.#starts[entry]!
    if (this.#ends[entry]! - at !== end - start) return false
    for (let i = start; i < end; i += 1) {
      if (bytes[at] !== data[i]) return false
      at += 1
    }
    return true
  }

  #compare(a: number, b: number): number {
    const bytes = this.#bytes
    const aStart = this.#starts[a]!
    const bStart = this.#starts[b]!
    const aSize = this.#ends[a]! - aStart
    const bSize = this.#ends[b]! - bStart
    const shared = Math.min(aSize, bSize)
    for (let i = 0; i < shared; i += 1) {
      const difference = bytes[aStart + i]! - bytes[bStart + i]!
      if (difference !== 0) return difference
    }
    return aSize - bSize
  }

  #append(hash: number, data: Uint8Array, start: number, end: number): number {
    const entry = this.#count
    const size = end - start
    const { lengthBytes } = this.#limits
    const needed = this.#length + size + lengthBytes
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
      grown.set(this.plain)
      this.#bytes = grown
    }
    const bytes = this.#bytes
    let at = this.#length
    for (let shift = 0; shift < lengthBytes * 8; shift += 8) {
      bytes[at] = size >>> shift
      at += 1
    }
    if (entry === this.#starts.length) this.#growEntries()
    this.#starts[entry] = at
    bytes.set(data.subarray(start, end), at)
    this.#ends[entry] = at + size
    this.#hashes[entry] = hash
    this.#length = at + size
    this.#count += 1
    if (this.#count * 2 > this.#slots.length) this.#rehash()
    return entry
  }

  #growEntries(): void {
    const grow = (old: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> => {
      const wide = new Int32Array(old.length * 2)
      wide.set(old)
      return wide
    }
    this.#starts = grow(this.#starts)
    this.#ends = grow(this.#ends)
    this.#hashes = grow(this.#hashes)
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 2)
    const mask = slots.length - 1
    for (let entry = 0; entry < this.#count; entry += 1) {
      let slot = this.#hashes[entry]! & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = entry + 1
    }
    this.#slots = slots
  }
}
