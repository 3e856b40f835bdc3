import { giveBuffer, takeBuffer } from './values/page-buffers.ts'
import { bitWidth, encodeHybrid, encodeRun, hybridBound } from './rle-levels.ts'

/** The levels of the page being filled. A page whose levels are all alike holds only their count. */
export class LevelRun {
  readonly #width: number
  #levels = new Uint8Array(0)
  #count = 0
  /** The level of all entries so far, or -1 where `#levels` holds them. */
  #uniform = -1

  constructor(maxLevel: number) {
    this.#width = bitWidth(maxLevel)
  }

  get bound(): number {
    if (this.#width === 0) return 0
    return this.#uniform >= 0 ? 16 : 4 + hybridBound(this.#count, this.#width)
  }

  /** `levels` null stands for `count` times `level`. */
  append(levels: Uint8Array | null, count: number, level: number): void {
    if (this.#width === 0 || count === 0) return
    if (levels === null && (this.#count === 0 || this.#uniform === level)) {
      this.#uniform = level
      this.#count += count
      return
    }
    this.#reserve(count)
    if (this.#uniform >= 0) this.#levels.fill(this.#uniform, 0, this.#count)
    this.#uniform = -1
    if (levels === null) this.#levels.fill(level, this.#count, this.#count + count)
    else this.#levels.set(levels, this.#count)
    this.#count += count
  }

  /** As data pages of version 1 frame levels: four bytes of length, then the runs. Empties the run. */
  encode(out: Uint8Array, at: number): number {
    if (this.#width === 0) return at
    let end = at + 4
    if (this.#uniform >= 0) {
      const run = encodeRun(this.#uniform, this.#count, this.#width)
      out.set(run, end)
      end += run.length
    } else end = encodeHybrid(this.#levels, this.#count, this.#width, { out, at: end })
    new DataView(out.buffer, out.byteOffset).setUint32(at, end - at - 4, true)
    this.#count = 0
    this.#uniform = -1
    return end
  }

  /** Gives back the room. */
  release(): void {
    giveBuffer(this.#levels.buffer)
    this.#levels = new Uint8Array(0)
  }

  #reserve(more: number): void {
    const needed = this.#count + more
    if (needed <= this.#levels.length) return
    const grown = new Uint8Array(takeBuffer(Math.max(needed, this.#levels.length * 2)))
    grown.set(this.#levels.subarray(0, this.#count))
    giveBuffer(this.#levels.buffer)
    this.#levels = grown
  }
}
