import { giveBuffer, takeBuffer } from './page-buffers.ts'
import { bitWidth, encodeHybrid, encodeRun, hybridBound } from '../rle-levels.ts'

/** Indexes into a dictionary of the page being filled. While all are alike only their count is held. */
export class IndexRun {
  #indexes = new Int32Array(0)
  #count = 0
  /** The index of all entries so far, or -1 where `#indexes` holds them. */
  #uniform = -1

  get count(): number {
    return this.#count
  }

  /** Bytes that `encode` writes at most. */
  bound(entries: number): number {
    if (this.#count === 0) return 0
    return this.#uniform >= 0 ? 16 : 1 + hybridBound(this.#count, indexWidth(entries))
  }

  at(i: number): number {
    return this.#uniform >= 0 ? this.#uniform : this.#indexes[i]!
  }

  appendRun(index: number, count: number): void {
    if (this.#count === 0 || this.#uniform === index) {
      this.#uniform = index
      this.#count += count
      return
    }
    const start = this.#count
    this.room(count).fill(index, start, start + count)
    this.advance(count)
  }

  /** Room for `more` indexes from `count` on; `advance` takes them. */
  room(more: number): Int32Array {
    const needed = this.#count + more
    if (needed > this.#indexes.length) {
      const grown = new Int32Array(takeBuffer(Math.max(needed, this.#indexes.length * 2) * 4))
      grown.set(this.#indexes.subarray(0, this.#count))
      giveBuffer(this.#indexes.buffer)
      this.#indexes = grown
    }
    if (this.#uniform >= 0) {
      this.#indexes.fill(this.#uniform, 0, this.#count)
      this.#uniform = -1
    }
    return this.#indexes
  }

  advance(more: number): void {
    this.#count += more
  }

  /** A 1 for each of the dictionary's `entries` that is named. */
  used(entries: number): Uint8Array {
    const used = new Uint8Array(entries)
    if (this.#uniform >= 0) used[this.#uniform] = 1
    else markUsed(used, this.#indexes, this.#count)
    return used
  }

  encode(entries: number, out: Uint8Array, at: number): number {
    const width = indexWidth(entries)
    out[at] = width
    if (this.#uniform < 0) return encodeHybrid(this.#indexes, this.#count, width, { out, at: at + 1 })
    const run = encodeRun(this.#uniform, this.#count, width)
    out.set(run, at + 1)
    return at + 1 + run.length
  }

  release(): void {
    this.clear()
    giveBuffer(this.#indexes.buffer)
    this.#indexes = new Int32Array(0)
  }

  clear(): void {
    this.#count = 0
    this.#uniform = -1
  }
}

/** Ends once all are found, which of few entries is soon. */
function markUsed(used: Uint8Array, indexes: Int32Array, count: number): void {
  let left = used.length
  for (let i = 0; i < count && left > 0; i += 1) {
    const index = indexes[i]!
    left -= 1 - used[index]!
    used[index] = 1
  }
}

/** A width of 0 would do for a single entry, but not every reader takes it. */
function indexWidth(entries: number): number {
  return Math.max(1, bitWidth(entries - 1))
}
