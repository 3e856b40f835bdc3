import type { Column, ColumnType } from '../../domain/column-batch.ts'
import { copyInto, OWN_ROOM, type ColumnRoom } from '../../domain/column-room.ts'

/**
 * A column under construction, one value at a time. `truncate` takes values back, so that a row that fails leaves
 * nothing behind; `finish` copies what stands and leaves the builder as it was.
 */
export interface ColumnBuilder {
  readonly type: ColumnType
  readonly length: number
  appendNull(): void
  isNull(index: number): boolean
  /** Keeps the first `length` values; never grows. */
  truncate(length: number): void
  /** Room for so many values in all. */
  reserve(length: number): void
  finish(room?: ColumnRoom): Column
}

const FIRST_ROWS = 64

/** Length and validity, which every builder has. */
export abstract class ValidityBuilder implements ColumnBuilder {
  abstract readonly type: ColumnType
  /** One byte a value, as in `Column`. */
  valid = new Uint8Array(FIRST_ROWS)
  #length = 0

  get length(): number {
    return this.#length
  }

  isNull(index: number): boolean {
    return this.valid[index] === 0
  }

  abstract appendNull(): void
  abstract finish(room?: ColumnRoom): Column

  truncate(length: number): void {
    if (length < this.#length) this.#length = length
  }

  reserve(length: number): void {
    if (length > this.valid.length) this.valid = grown(this.valid, length)
  }

  /** States that the first `length` values stand, written in place by whoever reserved the room. */
  settle(length: number): void {
    this.#length = length
  }

  /** Returns the slot of the new value. */
  protected push(present: 0 | 1): number {
    const at = this.#length
    if (at === this.valid.length) this.valid = grown(this.valid, at + 1)
    this.valid[at] = present
    this.#length = at + 1
    return at
  }

  /** Null where every value is present. */
  protected validity(room: ColumnRoom = OWN_ROOM): Uint8Array | null {
    const valid = this.valid.subarray(0, this.#length)
    return valid.includes(0) ? copyInto(room, valid, this.#length) : null
  }
}

type Growable = Uint8Array | Int32Array | Float32Array | Float64Array | BigInt64Array

/** A copy with room for at least `needed` elements. */
export function grown<T extends Growable>(array: T, needed: number): T {
  const size = Math.max(needed, array.length * 2, FIRST_ROWS)
  const next = new (array.constructor as new (length: number) => T)(size)
  next.set(array as never)
  return next
}
