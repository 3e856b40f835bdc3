import type { Column } from '../../../domain/column-batch.ts'
import { ByteDictionary } from './byte-dictionary.ts'
import type { ColumnBounds } from './column-bounds.ts'
import { IndexRun } from './index-run.ts'
import type { DictionaryPage, EncodedValues, PageValues, PlainValues } from './page-values.ts'
import type { Shredded } from '../shred.ts'

/** Values seen before it is judged whether a column repeats. */
const TRIAL_VALUES = 4096
const LENGTH_BYTES = 4
const DICTIONARY_LIMITS = { maxEntries: 1 << 15, maxBytes: 1 << 20 }

/**
 * Values as indexes into the chunk's dictionary while they repeat, else packed, or PLAIN where that does not pay. Columns that come as dictionaries, or as
 * one value, stay so; of others, byte arrays are tried: where a column hardly repeats or the dictionary is full, the page being
 * filled and all later ones are PLAIN, and a column that was found not to repeat is not tried again.
 */
export class DictionaryValues implements PageValues {
  readonly #plain: PlainValues
  readonly #isByteArray: boolean
  readonly #dictionary: ByteDictionary
  readonly #indexes = new IndexRun()
  #indexed = true
  #repeats = true
  /** Whether integers are packed: until a page of the chunk shows that it does not pay. */
  #packs = true
  /** Indexes written to pages of this chunk that are out. */
  #paged = 0
  /** The last dictionary that a batch came with, by its offsets; for each of its entries ours, or -1 while not met. */
  #source: Int32Array | null = null
  #known = new Int32Array(0)

  /** `size`: bytes of a value in the file, or 0 for byte arrays. */
  constructor(plain: PlainValues, size: number) {
    this.#plain = plain
    this.#isByteArray = size === 0
    this.#dictionary = new ByteDictionary({ ...DICTIONARY_LIMITS, lengthBytes: size === 0 ? LENGTH_BYTES : 0 })
  }

  get bytes(): number {
    return this.#indexed ? this.#indexes.bound(this.#dictionary.count) : this.#plain.bytes
  }

  get bound(): number {
    return Math.max(this.bytes, this.#plain.packedBound)
  }

  append(rows: Shredded): void {
    const { values, indexes, start, present } = rows
    if (present === 0) return
    const { values: source } = values
    if (source.layout === 'dictionary') {
      this.#appendDictionary(source, rows)
      return
    }
    if (source.layout === 'constant') {
      this.#appendConstant(source.entry, present)
      return
    }
    let done = 0
    if (this.#indexed && this.#isByteArray && source.layout === 'bytes') {
      // First those alone that the trial wants: of a column that does not repeat the others need not be looked at.
      const before = this.#indexes.count
      const trial = Math.min(present, Math.max(0, TRIAL_VALUES - this.#paged - before))
      for (const to of [trial, present]) {
        const from = done
        done = this.#addAll(source, indexes, { start, from, to })
        if (done < to) break
        this.#judgeTrial()
        if (!this.#repeats) break
      }
      if (done === present && this.#repeats) return
      // Nothing came before these: they are taken as they stand, and not out of the dictionary again.
      if (before === 0) {
        this.#indexes.clear()
        done = 0
      }
    }
    if (this.#indexed) this.#turnPlain()
    if (done === present) return
    this.#plain.append({
      column: values,
      indexes: indexes?.subarray(done, present) ?? null,
      start: start + done,
      count: present - done,
    })
  }

  encode(out: Uint8Array, at: number): EncodedValues {
    const indexes = this.#indexes
    // A page without values is PLAIN: as a dictionary's page it would need a dictionary that may never come.
    if (this.#indexed && indexes.count > 0) {
      this.#paged += indexes.count
      return { end: indexes.encode(this.#dictionary.count, out, at), encoding: 'RLE_DICTIONARY' }
    }
    const packed = this.#packs ? this.#plain.packInto(out, at) : null
    if (packed !== null) return { end: packed, encoding: this.#plain.packing }
    this.#packs = false
    out.set(this.#plain.encoded(), at)
    return { end: at + this.#plain.bytes, encoding: 'PLAIN' }
  }

  plain(): Uint8Array | null {
    return this.#indexed ? null : this.#plain.encoded()
  }

  bounds(): ColumnBounds | null {
    if (!this.#indexed) return this.#plain.bounds()
    if (this.#isByteArray) return this.#dictionary.boundsOf(this.#indexes.used(this.#dictionary.count))
    this.#takeUsed()
    const bounds = this.#plain.bounds()
    this.#plain.clear()
    return bounds
  }

  nan(): boolean {
    if (!this.#indexed) return this.#plain.nan()
    if (this.#isByteArray) return false
    this.#takeUsed()
    const nan = this.#plain.nan()
    this.#plain.clear()
    return nan
  }

  clear(): void {
    this.#indexes.clear()
    this.#plain.clear()
  }

  release(): void {
    this.#plain.release()
    this.#indexes.release()
  }

  takeDictionary(): DictionaryPage | null {
    const { count } = this.#dictionary
    const plain = this.#paged > 0 ? this.#dictionary.plain.slice() : null
    this.#dictionary.clear()
    this.#source = null
    this.#paged = 0
    this.#indexed = this.#repeats
    this.#packs = true
    return plain === null ? null : { plain, count }
  }

  #appendDictionary(
    { ids, offsets, data }: ByteSource & { readonly ids: Int32Array },
    { values, indexes, start, present }: Shredded,
  ): void {
    const picked = pick(ids, { indexes, start, present })
    if (this.#indexed) {
      if (this.#source !== offsets) {
        this.#source = offsets
        if (this.#known.length < offsets.length) this.#known = new Int32Array(offsets.length)
        this.#known.fill(-1, 0, offsets.length)
      }
      if (this.#mapAll(picked, { offsets, data })) return
      this.#turnPlain()
    }
    const column = { ...values, values: { layout: 'bytes', offsets, data } } as const
    this.#plain.append({ column, indexes: picked, start: 0, count: present })
  }

  /** Whether all went in; else none did, for the dictionary is full. */
  #mapAll(ids: Int32Array, { offsets, data }: ByteSource): boolean {
    const known = this.#known
    const { length } = ids
    const out = this.#indexes.room(length)
    let at = this.#indexes.count
    for (let i = 0; i < length; i += 1) {
      const id = ids[i]!
      let entry = known[id]!
      if (entry < 0) {
        entry = this.#dictionary.add(data, offsets[id]!, offsets[id + 1]!)
        if (entry < 0) return false
        known[id] = entry
      }
      out[at] = entry
      at += 1
    }
    this.#indexes.advance(length)
    return true
  }

  #appendConstant(entry: Column, present: number): void {
    if (this.#indexed) {
      const index = this.#entryOf(entry)
      if (index >= 0) {
        this.#indexes.appendRun(index, present)
        return
      }
      this.#turnPlain()
    }
    this.#plain.append({ column: entry, indexes: new Int32Array(present), start: 0, count: present })
  }

  /** Through PLAIN, so that the value has the size that it has in the file. */
  #entryOf(column: Column): number {
    this.#plain.append({ column, indexes: null, start: 0, count: 1 })
    const bytes = this.#plain.encoded()
    this.#plain.clear()
    return this.#dictionary.add(bytes, this.#isByteArray ? LENGTH_BYTES : 0, bytes.length)
  }

  #judgeTrial(): void {
    const seen = this.#indexes.count
    if (this.#paged === 0 && seen >= TRIAL_VALUES) this.#repeats = this.#dictionary.count * 2 <= seen
  }

  /** Values `[from, to)` of the run; returns the first that did not go in, for the dictionary was full, or `to`. */
  #addAll(
    { offsets, data }: ByteSource,
    indexes: Int32Array | null,
    { start, from, to }: { readonly start: number; readonly from: number; readonly to: number },
  ): number {
    const out = this.#indexes.room(to - from)
    const dictionary = this.#dictionary
    const first = this.#indexes.count - from
    for (let i = from; i < to; i += 1) {
      const index = indexes === null ? start + i : indexes[i]!
      const entry = dictionary.add(data, offsets[index]!, offsets[index + 1]!)
      if (entry < 0) {
        this.#indexes.advance(i - from)
        return i
      }
      out[first + i] = entry
    }
    this.#indexes.advance(to - from)
    return to
  }

  #turnPlain(): void {
    const indexes = this.#indexes
    const dictionary = this.#dictionary
    for (let i = 0; i < indexes.count; i += 1) this.#plain.appendEncoded(dictionary.entry(indexes.at(i)), 1)
    indexes.clear()
    this.#indexed = false
    if (this.#paged === 0) dictionary.clear()
    this.#source = null
  }

  /** The entries that the page uses, each once, as values of `#plain`. */
  #takeUsed(): void {
    const used = this.#indexes.used(this.#dictionary.count)
    for (let entry = 0; entry < used.length; entry += 1) {
      if (used[entry] === 1) this.#plain.appendEncoded(this.#dictionary.entry(entry), 1)
    }
  }
}

let picked = new Int32Array(0)

/** The ids of the values that are present; good until they are asked for again. */
function pick(
  ids: Int32Array,
  { indexes, start, present }: Pick<Shredded, 'indexes' | 'start' | 'present'>,
): Int32Array {
  if (indexes === null) return ids.subarray(start, start + present)
  if (picked.length < present) picked = new Int32Array(present)
  for (let i = 0; i < present; i += 1) picked[i] = ids[indexes[i]!]!
  return picked.subarray(0, present)
}

interface ByteSource {
  readonly offsets: Int32Array
  readonly data: Uint8Array
}
