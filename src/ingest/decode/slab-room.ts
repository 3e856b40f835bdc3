import type { ColumnRoom } from '../../domain/column-room.ts'

/** A flush holds a few of these. */
const SLAB_BYTES = 8 * 1024 * 1024
/** Larger spans would leave too much of a slab unused. */
const LARGEST_SPAN = SLAB_BYTES / 4
const ALIGNED = 8

/**
 * Buffers that flush after flush is held in. Fresh ones would cost more than what is written to them: the system zeroes
 * each page, and the collector runs whenever so many bytes were made.
 */
export class Slabs {
  readonly #free: ArrayBuffer[] = []
  readonly #kept: number

  /** `keptBytes`: of slabs that nobody uses; more go back to the system. */
  constructor(keptBytes: number) {
    this.#kept = Math.floor(keptBytes / SLAB_BYTES)
  }

  take(): ArrayBuffer {
    return this.#free.pop() ?? new ArrayBuffer(SLAB_BYTES)
  }

  giveBack(slabs: readonly ArrayBuffer[]): void {
    for (const slab of slabs) if (this.#free.length < this.#kept) this.#free.push(slab)
  }
}

/** Room in slabs, for one flush. After `release` nothing that lies in it may be read. */
export class SlabRoom implements ColumnRoom {
  readonly #slabs: Slabs
  #used: ArrayBuffer[] = []
  /** The slab being filled, and the one before it, which may have room for small spans. */
  #open: Filling[] = []

  constructor(slabs: Slabs) {
    this.#slabs = slabs
  }

  span(bytes: number): Uint8Array<ArrayBuffer> {
    if (bytes > LARGEST_SPAN) return new Uint8Array(bytes)
    for (const filling of this.#open) {
      const from = filling.at
      if (from + bytes > SLAB_BYTES) continue
      filling.at = from + Math.ceil(bytes / ALIGNED) * ALIGNED
      return new Uint8Array(filling.slab, from, bytes)
    }
    const slab = this.#slabs.take()
    this.#used.push(slab)
    this.#open = [{ slab, at: Math.ceil(bytes / ALIGNED) * ALIGNED }, ...this.#open.slice(0, 1)]
    return new Uint8Array(slab, 0, bytes)
  }

  release(): void {
    this.#slabs.giveBack(this.#used)
    this.#used = []
    this.#open = []
  }
}

interface Filling {
  readonly slab: ArrayBuffer
  at: number
}
