import { grown } from './builder.ts'
import { hashSpan, sameSpan, TEXT_SLACK } from './text-bytes.ts'

const FIRST_SLOTS = 64
const MAX_ENTRIES = 4096
/** Longer values are seldom repeated, and dear to hash. */
const MAX_VALUE_BYTES = 64
/** Entries from which on a column must repeat: on average each value twice. */
const TRIAL_ENTRIES = 64
/** Values of up to so many bytes are two words, which tell them apart. */
export const RECENT_BYTES = 8
/** 64 of them are kept. */
const RECENT_SHIFT = 26
const LOW_WORD = Int32Array.of(0, 0xff, 0xffff, 0xffffff, -1, -1, -1, -1, -1)
const HIGH_WORD = Int32Array.of(0, 0, 0, 0, 0, 0xff, 0xffff, 0xffffff, -1)

/**
 * The distinct values of a string column, in the order in which rows first had them. Guarantee: after `truncate(n)`
 * only entries of the first n rows are there. A value may be marked as checked, so that rules run once for it.
 */
export class TextDictionary {
  data = new Uint8Array(1024)
  offsets = new Int32Array(FIRST_SLOTS)
  count = 0
  #view = new DataView(this.data.buffer)
  /** Entry + 1, or 0; linear probing. */
  #table = new Int32Array(FIRST_SLOTS)
  #slots = new Int32Array(FIRST_SLOTS)
  /** The row that brought the entry. */
  #born = new Int32Array(FIRST_SLOTS)
  #checked = new Uint8Array(FIRST_SLOTS)
  /** Short values that were found of late, by their words: low, high, size (-1: none), entry. */
  #recent = new Int32Array(4 << (32 - RECENT_SHIFT)).fill(-1)

  /**
   * The entry of these bytes where it is there and checked, else -1. The view reaches TEXT_SLACK bytes past them, and
   * RECENT_BYTES past `at`.
   */
  findChecked(view: DataView, at: number, size: number): number {
    if (size > RECENT_BYTES) return this.#findChecked(view, at, size)
    const low = view.getInt32(at, true) & LOW_WORD[size]!
    const high = view.getInt32(at + 4, true) & HIGH_WORD[size]!
    const recent = this.#recent
    const place = (Math.imul(low ^ Math.imul(high, 0x85ebca6b) ^ size, 0x9e3779b1) >>> RECENT_SHIFT) * 4
    if (recent[place] === low && recent[place + 1] === high && recent[place + 2] === size) return recent[place + 3]!
    const id = this.#findChecked(view, at, size)
    if (id >= 0) {
      recent[place] = low
      recent[place + 1] = high
      recent[place + 2] = size
      recent[place + 3] = id
    }
    return id
  }

  #findChecked(view: DataView, at: number, size: number): number {
    const table = this.#table
    const mask = table.length - 1
    for (let slot = hashSpan(view, at, size) & mask; ; slot = (slot + 1) & mask) {
      const id = table[slot]! - 1
      if (id < 0) return -1
      const start = this.offsets[id]!
      if (this.offsets[id + 1]! - start === size && sameSpan(view, at, this.#view, start, size)) {
        return this.#checked[id] === 0 ? -1 : id
      }
    }
  }

  /** The entry of these bytes, made where it is new; -1 where a dictionary does not pay for this column. */
  add(bytes: Uint8Array, start: number, end: number, row: number): number {
    const size = end - start
    const from = this.offsets[this.count]!
    if (size > MAX_VALUE_BYTES) return -1
    if (from + size + TEXT_SLACK > this.data.length) {
      this.data = grown(this.data, from + size + TEXT_SLACK)
      this.#view = new DataView(this.data.buffer)
    }
    for (let i = 0; i < size; i += 1) this.data[from + i] = bytes[start + i]!
    const table = this.#table
    const mask = table.length - 1
    let slot = hashSpan(this.#view, from, size) & mask
    for (; table[slot]! > 0; slot = (slot + 1) & mask) {
      const id = table[slot]! - 1
      const other = this.offsets[id]!
      if (this.offsets[id + 1]! - other === size && sameSpan(this.#view, from, this.#view, other, size)) return id
    }
    const { count } = this
    if (count >= MAX_ENTRIES || (count >= TRIAL_ENTRIES && count * 2 > row)) return -1
    this.#insert(count, slot)
    this.offsets[count + 1] = from + size
    this.#born[count] = row
    this.#checked[count] = 0
    this.count = count + 1
    if (this.count * 2 > table.length) this.#widen()
    return count
  }

  markChecked(id: number): void {
    this.#checked[id] = 1
  }

  /** Forgets entries that came with row `rows` or later. */
  truncate(rows: number): void {
    const { count } = this
    // The last one in is the first one out, so no probe for another entry goes through its slot.
    while (this.count > 0 && this.#born[this.count - 1]! >= rows) {
      this.count -= 1
      this.#table[this.#slots[this.count]!] = 0
    }
    if (this.count < count) this.#recent.fill(-1)
  }

  #insert(id: number, slot: number): void {
    this.#table[slot] = id + 1
    this.#slots[id] = slot
  }

  #widen(): void {
    const size = this.#table.length * 2
    this.#table = new Int32Array(size)
    this.#slots = grown(this.#slots, size)
    this.#born = grown(this.#born, size)
    this.#checked = grown(this.#checked, size)
    this.offsets = grown(this.offsets, size + 1)
    const mask = size - 1
    for (let id = 0; id < this.count; id += 1) {
      const start = this.offsets[id]!
      let slot = hashSpan(this.#view, start, this.offsets[id + 1]! - start) & mask
      while (this.#table[slot]! > 0) slot = (slot + 1) & mask
      this.#insert(id, slot)
    }
  }
}
