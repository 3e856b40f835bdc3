import { SluiceError } from '../../domain/errors.ts'
import { ByteDictionary } from './byte-dictionary.ts'
import { boundsOfByteArrays } from './column-bounds.ts'
import type { ColumnBounds } from './column-bounds.ts'
import { FIRST_PAGE_BYTES, withRoom } from './page-values.ts'
import type { DictionaryPage, PageValues } from './page-values.ts'
import { bitWidth, encodeHybrid, hybridBound } from './rle-levels.ts'
import type { Shredded } from './shred.ts'

/** Values seen before it is judged whether a column repeats. */
const TRIAL_VALUES = 4096
const DICTIONARY_LIMITS = { maxEntries: 1 << 15, maxBytes: 1 << 20 }
/** Below this, copying byte by byte beats the call of a bulk copy. */
const SHORT_BYTES = 40

/**
 * Strings and binary. A chunk begins with a dictionary; where the column hardly repeats or the dictionary is full, the
 * page being filled and all later ones are PLAIN. A column that was found not to repeat is not tried again.
 */
export class ByteArrayValues implements PageValues {
  readonly #dictionary = new ByteDictionary(DICTIONARY_LIMITS)
  #indexed = true
  #repeats = true
  /** Indexes written to pages of this chunk that are out. */
  #paged = 0
  #indexes: Int32Array = new Int32Array(1 << 12)
  #plain = new ArrayBuffer(FIRST_PAGE_BYTES)
  #plainBytes = 0
  #count = 0

  /** A page without values is PLAIN: as a dictionary's page it would need a dictionary that may never come. */
  get indexed(): boolean {
    return this.#indexed && this.#count > 0
  }

  get bytes(): number {
    return this.indexed ? 1 + hybridBound(this.#count, bitWidth(this.#dictionary.count)) : this.#plainBytes
  }

  append(rows: Shredded): void {
    const { start, present } = rows
    const source = rows.values.values
    const indexes = source.layout === 'dictionary' ? entriesOf(source.ids, rows) : rows.indexes
    if (source.layout !== 'bytes' && source.layout !== 'dictionary') {
      throw new SluiceError('BUG', `a ${source.layout} column stands where BYTE_ARRAY is declared`)
    }
    let from = 0
    if (this.#indexed) {
      from = this.#appendIndexed(source, indexes, start, present)
      const seen = this.#paged + this.#count
      if (from === present && this.#paged === 0 && seen >= TRIAL_VALUES) {
        this.#repeats = this.#dictionary.count * 2 <= seen
      }
      if (from < present || !this.#repeats) this.#turnPlain()
    }
    if (from < present) this.#appendPlain(source, indexes, { start, from, to: present })
  }

  encode(out: Uint8Array, at: number): number {
    if (!this.indexed) {
      out.set(new Uint8Array(this.#plain, 0, this.#plainBytes), at)
      return at + this.#plainBytes
    }
    // A width of 0 would do for a single entry, but not every reader takes it.
    const width = Math.max(1, bitWidth(this.#dictionary.count - 1))
    out[at] = width
    this.#paged += this.#count
    return encodeHybrid(this.#indexes, this.#count, width, { out, at: at + 1 })
  }

  /** The bounds of indexed pages are those of the dictionary. */
  bounds(): ColumnBounds | null {
    return this.#indexed ? null : boundsOfByteArrays(new Uint8Array(this.#plain, 0, this.#plainBytes), this.#count)
  }

  nan(): boolean {
    return false
  }

  clear(): void {
    this.#count = 0
    this.#plainBytes = 0
  }

  takeDictionary(): DictionaryPage | null {
    const { count } = this.#dictionary
    const plain = this.#paged > 0 ? this.#dictionary.plain.slice() : null
    this.#dictionary.clear()
    this.#paged = 0
    this.#indexed = this.#repeats
    return plain === null ? null : { plain, count, bounds: boundsOfByteArrays(plain, count) }
  }

  /** How many of the values went in before the dictionary was full. */
  #appendIndexed(source: ByteSource, indexes: Int32Array | null, start: number, present: number): number {
    const { offsets, data } = source
    const needed = this.#count + present
    if (needed > this.#indexes.length) {
      const grown = new Int32Array(Math.max(needed, this.#indexes.length * 2))
      grown.set(this.#indexes.subarray(0, this.#count))
      this.#indexes = grown
    }
    const out = this.#indexes
    const dictionary = this.#dictionary
    for (let i = 0; i < present; i += 1) {
      const index = indexes === null ? start + i : indexes[i]!
      const entry = dictionary.add(data, offsets[index]!, offsets[index + 1]!)
      if (entry < 0) return i
      out[this.#count] = entry
      this.#count += 1
    }
    return present
  }

  #turnPlain(): void {
    let bytes = 0
    for (let i = 0; i < this.#count; i += 1) bytes += this.#dictionary.plainBytes(this.#indexes[i]!)
    this.#plain = withRoom(this.#plain, 0, bytes)
    const out = new Uint8Array(this.#plain)
    let at = 0
    for (let i = 0; i < this.#count; i += 1) at = this.#dictionary.copyPlain(this.#indexes[i]!, out, at)
    this.#plainBytes = bytes
    this.#indexed = false
    if (this.#paged === 0) this.#dictionary.clear()
  }

  #appendPlain(
    { offsets, data }: ByteSource,
    indexes: Int32Array | null,
    { start, from, to }: { readonly start: number; readonly from: number; readonly to: number },
  ): void {
    let bytes = (to - from) * 4
    if (indexes === null) bytes += offsets[start + to]! - offsets[start + from]!
    else for (let i = from; i < to; i += 1) bytes += offsets[indexes[i]! + 1]! - offsets[indexes[i]!]!
    this.#plain = withRoom(this.#plain, this.#plainBytes, bytes)
    const out = new Uint8Array(this.#plain)
    let at = this.#plainBytes
    for (let i = from; i < to; i += 1) {
      const index = indexes === null ? start + i : indexes[i]!
      const first = offsets[index]!
      const last = offsets[index + 1]!
      const size = last - first
      out[at] = size
      out[at + 1] = size >>> 8
      out[at + 2] = size >>> 16
      out[at + 3] = size >>> 24
      at += 4
      if (size > SHORT_BYTES) {
        out.set(data.subarray(first, last), at)
        at += size
      } else {
        for (let k = first; k < last; k += 1) {
          out[at] = data[k]!
          at += 1
        }
      }
    }
    this.#plainBytes = at
    this.#count += to - from
  }
}

/** The entry of each value that is present. */
function entriesOf(ids: Int32Array, { indexes, start, present }: Shredded): Int32Array {
  if (indexes === null) return ids.subarray(start, start + present)
  const entries = new Int32Array(present)
  for (let i = 0; i < present; i += 1) entries[i] = ids[indexes[i]!]!
  return entries
}

interface ByteSource {
  readonly offsets: Int32Array
  readonly data: Uint8Array
}
