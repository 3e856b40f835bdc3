/**
 * The distinct byte strings of a column chunk, numbered in order of appearance. It refuses to grow past its limits, so
 * that a column that does not repeat falls back to PLAIN pages.
 */
export class ByteDictionary {
  /** PLAIN encoding: a length of four bytes, little-endian, then the bytes. */
  #bytes = new Uint8Array(1 << 14)
  #length = 0
  #count = 0
  /** Where each entry's bytes begin and end in `#bytes`. */
  #starts = new Int32Array(1 << 10)
  #ends = new Int32Array(1 << 10)
  #hashes = new Int32Array(1 << 10)
  /** Open addressing: entry + 1, or 0. Never more than half full. */
  #slots = new Int32Array(1 << 11)
  readonly #maxEntries: number
  readonly #maxBytes: number

  constructor(limits: { readonly maxEntries: number; readonly maxBytes: number }) {
    this.#maxEntries = limits.maxEntries
    this.#maxBytes = limits.maxBytes
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
    if (this.#count >= this.#maxEntries || this.#length + size + 4 > this.#maxBytes) return -1
    this.#slots[slot] = this.#count + 1
    return this.#append(hash, data, start, end)
  }

  /** PLAIN length of the entry, its four bytes of length included. */
  plainBytes(entry: number): number {
    return this.#ends[entry]! - this.#starts[entry]! + 4
  }

  /** Copies the entry's PLAIN form and returns the end. */
  copyPlain(entry: number, out: Uint8Array, at: number): number {
    const bytes = this.#bytes
    const end = this.#ends[entry]!
    let to = at
    for (let from = this.#starts[entry]! - 4; from < end; from += 1) {
      out[to] = bytes[from]!
      to += 1
    }
    return to
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

  #append(hash: number, data: Uint8Array, start: number, end: number): number {
    const entry = this.#count
    const size = end - start
    const needed = this.#length + size + 4
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
      grown.set(this.plain)
      this.#bytes = grown
    }
    const bytes = this.#bytes
    let at = this.#length
    for (let shift = 0; shift < 32; shift += 8) {
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
