import { SluiceError } from '../domain/errors.ts'
import { ByteDictionary } from './byte-dictionary.ts'
import {
  boundsOfBooleans,
  boundsOfByteArrays,
  boundsOfDecimal128,
  boundsOfFloats,
  boundsOfInt32,
  boundsOfInt64,
  holdsNan,
} from './column-bounds.ts'
import type { ColumnBounds } from './column-bounds.ts'
import type { ParquetLeaf } from './parquet-schema.ts'
import { FIXED_DECIMAL_BYTES } from './parquet-schema.ts'
import { bitWidth, encodeHybrid, hybridBound } from './rle-levels.ts'
import type { Shredded } from './shred.ts'

/** The present values of the page being filled. Typed arrays are read in the machine's order, which is little-endian. */
export interface PageValues {
  append(values: Shredded): void
  /** Bytes that `encode` will write at most. */
  readonly bytes: number
  /** Writes the page's values and returns the end; `bounds` first, then `clear`. */
  encode(out: Uint8Array, at: number): number
  /** Whether the page's values are indexes into the dictionary. */
  readonly indexed: boolean
  bounds(): ColumnBounds | null
  /** Whether NaN was among the page's values. */
  nan(): boolean
  clear(): void
  /** The dictionary that earlier pages of this chunk need, if any. Ends the chunk. */
  takeDictionary(): DictionaryPage | null
}

export interface DictionaryPage {
  readonly plain: Uint8Array
  readonly count: number
  readonly bounds: ColumnBounds | null
}

export function createPageValues(leaf: ParquetLeaf): PageValues {
  switch (leaf.physical) {
    case 'BOOLEAN':
      return new BooleanValues()
    case 'BYTE_ARRAY':
      return new ByteArrayValues()
    default:
      return new FixedValues(leaf.physical)
  }
}

type FixedType = 'INT32' | 'INT64' | 'FLOAT' | 'DOUBLE' | 'FIXED_LEN_BYTE_ARRAY'

const FIXED_BYTES: Record<FixedType, number> = {
  INT32: 4,
  INT64: 8,
  FLOAT: 4,
  DOUBLE: 8,
  FIXED_LEN_BYTE_ARRAY: FIXED_DECIMAL_BYTES,
}
const FIRST_BYTES = 1 << 16

class FixedValues implements PageValues {
  readonly indexed = false
  readonly #type: FixedType
  readonly #size: number
  #buffer = new ArrayBuffer(FIRST_BYTES)
  #count = 0

  constructor(type: FixedType) {
    this.#type = type
    this.#size = FIXED_BYTES[type]
  }

  get bytes(): number {
    return this.#count * this.#size
  }

  append({ values, indexes, start, present }: Shredded): void {
    const source = values.values
    if (!('data' in source) || source.layout === 'bytes' || source.layout === 'bool') {
      throw new SluiceError('BUG', `a ${source.layout} column stands where ${this.#type} is declared`)
    }
    const { data } = source
    const size = this.#size
    this.#buffer = withRoom(this.#buffer, this.bytes, present * size)
    if (indexes === null) {
      const from = data.byteOffset + start * size
      new Uint8Array(this.#buffer).set(new Uint8Array(data.buffer, from, present * size), this.bytes)
    } else if (source.layout === 'decimal128') {
      gatherWide(source.data, indexes, new Uint8Array(this.#buffer, this.bytes, present * size))
    } else {
      const words = new Int32Array(data.buffer, data.byteOffset, data.byteLength / 4)
      gatherWords(words, indexes, new Int32Array(this.#buffer, this.bytes, (present * size) / 4), size / 4)
    }
    this.#count += present
  }

  encode(out: Uint8Array, at: number): number {
    out.set(new Uint8Array(this.#buffer, 0, this.bytes), at)
    return at + this.bytes
  }

  bounds(): ColumnBounds | null {
    switch (this.#type) {
      case 'INT32':
        return boundsOfInt32(new Int32Array(this.#buffer), this.#count)
      case 'INT64':
        return boundsOfInt64(new Int32Array(this.#buffer), this.#count)
      case 'FLOAT':
        return boundsOfFloats(new Float32Array(this.#buffer), this.#count)
      case 'DOUBLE':
        return boundsOfFloats(new Float64Array(this.#buffer), this.#count)
      case 'FIXED_LEN_BYTE_ARRAY':
        return boundsOfDecimal128(new Uint8Array(this.#buffer), this.#count)
    }
  }

  nan(): boolean {
    if (this.#type === 'FLOAT') return holdsNan(new Float32Array(this.#buffer), this.#count)
    return this.#type === 'DOUBLE' && holdsNan(new Float64Array(this.#buffer), this.#count)
  }

  clear(): void {
    this.#count = 0
  }

  takeDictionary(): null {
    return null
  }
}

class BooleanValues implements PageValues {
  readonly indexed = false
  #buffer = new ArrayBuffer(FIRST_BYTES)
  #count = 0

  get bytes(): number {
    return (this.#count + 7) >>> 3
  }

  append({ values, indexes, start, present }: Shredded): void {
    const source = values.values
    if (source.layout !== 'bool') {
      throw new SluiceError('BUG', `a ${source.layout} column stands where BOOLEAN is declared`)
    }
    this.#buffer = withRoom(this.#buffer, this.#count, present)
    const out = new Uint8Array(this.#buffer)
    if (indexes === null) out.set(source.data.subarray(start, start + present), this.#count)
    else for (let i = 0; i < present; i += 1) out[this.#count + i] = source.data[indexes[i]!]!
    this.#count += present
  }

  encode(out: Uint8Array, at: number): number {
    const values = new Uint8Array(this.#buffer)
    const end = at + this.bytes
    out.fill(0, at, end)
    for (let i = 0; i < this.#count; i += 1) out[at + (i >>> 3)]! |= (values[i] === 0 ? 0 : 1) << (i & 7)
    return end
  }

  bounds(): ColumnBounds | null {
    return boundsOfBooleans(new Uint8Array(this.#buffer), this.#count)
  }

  nan(): boolean {
    return false
  }

  clear(): void {
    this.#count = 0
  }

  takeDictionary(): null {
    return null
  }
}

/** Values seen before it is judged whether a column repeats. */
const TRIAL_VALUES = 4096
const DICTIONARY_LIMITS = { maxEntries: 1 << 15, maxBytes: 1 << 20 }
/** Below this, copying byte by byte beats the call of a bulk copy. */
const SHORT_BYTES = 40

/**
 * Strings and binary. A chunk begins with a dictionary; where the column hardly repeats or the dictionary is full, the
 * page being filled and all later ones are PLAIN. A column that was found not to repeat is not tried again.
 */
class ByteArrayValues implements PageValues {
  readonly #dictionary = new ByteDictionary(DICTIONARY_LIMITS)
  #indexed = true
  #repeats = true
  /** Indexes written to pages of this chunk that are out. */
  #paged = 0
  #indexes: Int32Array = new Int32Array(1 << 12)
  #plain = new ArrayBuffer(FIRST_BYTES)
  #plainBytes = 0
  #count = 0

  get indexed(): boolean {
    return this.#indexed
  }

  get bytes(): number {
    return this.#indexed ? 1 + hybridBound(this.#count, bitWidth(this.#dictionary.count)) : this.#plainBytes
  }

  append({ values, indexes, start, present }: Shredded): void {
    const source = values.values
    if (source.layout !== 'bytes') {
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
    if (!this.#indexed) {
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

interface ByteSource {
  readonly offsets: Int32Array
  readonly data: Uint8Array
}

function withRoom(buffer: ArrayBuffer, used: number, more: number): ArrayBuffer {
  const needed = used + more
  if (needed <= buffer.byteLength) return buffer
  const bytes = Math.ceil(Math.max(needed, buffer.byteLength * 2) / 16) * 16
  const grown = new ArrayBuffer(bytes)
  new Uint8Array(grown).set(new Uint8Array(buffer, 0, used))
  return grown
}

function gatherWords(words: Int32Array, indexes: Int32Array, out: Int32Array, wordsEach: number): void {
  if (wordsEach === 1) {
    for (let i = 0; i < indexes.length; i += 1) out[i] = words[indexes[i]!]!
    return
  }
  for (let i = 0; i < indexes.length; i += 1) {
    const from = indexes[i]! * 2
    out[i * 2] = words[from]!
    out[i * 2 + 1] = words[from + 1]!
  }
}

function gatherWide(bytes: Uint8Array, indexes: Int32Array, out: Uint8Array): void {
  for (let i = 0; i < indexes.length; i += 1) {
    const from = indexes[i]! * FIXED_DECIMAL_BYTES
    const to = i * FIXED_DECIMAL_BYTES
    for (let k = 0; k < FIXED_DECIMAL_BYTES; k += 1) out[to + k] = bytes[from + k]!
  }
}
