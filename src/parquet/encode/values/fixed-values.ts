import { SluiceError } from '../../../domain/errors.ts'
import {
  boundsOfBooleans,
  boundsOfFixedBytes,
  boundsOfFloats,
  boundsOfInt32,
  boundsOfInt64,
  holdsNan,
} from './column-bounds.ts'
import type { ColumnBounds } from './column-bounds.ts'
import { deltaBound, encodeDeltas, fitsDeltas } from './delta-integers.ts'
import { giveBuffer, NO_ROOM, withRoom } from './page-buffers.ts'
import type { EncodedValues, PageValues, Picked, PlainValues } from './page-values.ts'
import type { Shredded } from '../shred.ts'

/** Types whose values all have one size. */
export type FixedType = 'INT32' | 'INT64' | 'FLOAT' | 'DOUBLE' | 'FIXED_LEN_BYTE_ARRAY'

/** What a decimal of more than 18 digits takes in a column. */
const WIDE_DECIMAL_BYTES = 16
/** Fewer values are not worth another encoding, nor is one that takes more than two thirds of PLAIN's bytes. */
const MIN_PACKED = 64
const PACKED_PAYS = 1.5

export class FixedValues implements PlainValues {
  readonly packing = 'DELTA_BINARY_PACKED'
  readonly #type: FixedType
  readonly #size: number
  readonly #integerBytes: 4 | 8 | null
  #buffer = NO_ROOM
  #count = 0
  /** Of all values so far, where it was asked for since the last came. */
  #bounds: ColumnBounds | null = null

  /** `size`: bytes of a value in the file. */
  constructor(type: FixedType, size: number) {
    this.#type = type
    this.#size = size
    this.#integerBytes = type === 'INT32' ? 4 : type === 'INT64' ? 8 : null
  }

  get count(): number {
    return this.#count
  }

  get bytes(): number {
    return this.#count * this.#size
  }

  append({ column, indexes, start, count }: Picked): void {
    const source = column.values
    if (!('data' in source) || source.layout === 'bytes' || source.layout === 'bool') {
      throw new SluiceError('BUG', `a ${source.layout} column stands where ${this.#type} is declared`)
    }
    this.#bounds = null
    const { data } = source
    const size = this.#size
    const used = this.bytes
    this.#buffer = withRoom(this.#buffer, used, count * size)
    if (source.layout === 'decimal128') {
      copyTails(source.data, { indexes, start }, new Uint8Array(this.#buffer, used, count * size), size)
    } else if (source.layout === 'int64' && size === 4) {
      const words = new Int32Array(data.buffer, data.byteOffset, data.byteLength / 4)
      copyLowWords(words, { indexes, start }, new Int32Array(this.#buffer, used, count))
    } else if (indexes === null) {
      const from = data.byteOffset + start * size
      new Uint8Array(this.#buffer).set(new Uint8Array(data.buffer, from, count * size), used)
    } else {
      const words = new Int32Array(data.buffer, data.byteOffset, data.byteLength / 4)
      gatherWords(words, indexes, new Int32Array(this.#buffer, used, (count * size) / 4), size / 4)
    }
    this.#count += count
  }

  appendEncoded(plain: Uint8Array, count: number): void {
    this.#bounds = null
    this.#buffer = withRoom(this.#buffer, this.bytes, plain.length)
    new Uint8Array(this.#buffer).set(plain, this.bytes)
    this.#count += count
  }

  encoded(): Uint8Array {
    return new Uint8Array(this.#buffer, 0, this.bytes)
  }

  get packedBound(): number {
    return this.#integerBytes === null ? 0 : deltaBound(this.#count, this.#integerBytes)
  }

  packInto(out: Uint8Array, at: number): number | null {
    const size = this.#integerBytes
    if (size === null || this.#count < MIN_PACKED) return null
    const { min, max } = this.bounds()!
    if (!fitsDeltas(min as bigint, max as bigint, size)) return null
    const end = encodeDeltas(new Int32Array(this.#buffer), this.#count, size, { out, at })
    return (end - at) * PACKED_PAYS <= this.bytes ? end : null
  }

  bounds(): ColumnBounds | null {
    this.#bounds ??= this.#boundsNow()
    return this.#bounds
  }

  #boundsNow(): ColumnBounds | null {
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
        return boundsOfFixedBytes(new Uint8Array(this.#buffer), this.#count, this.#size)
    }
  }

  nan(): boolean {
    if (this.#type === 'FLOAT') return holdsNan(new Float32Array(this.#buffer), this.#count)
    return this.#type === 'DOUBLE' && holdsNan(new Float64Array(this.#buffer), this.#count)
  }

  clear(): void {
    this.#count = 0
    this.#bounds = null
  }

  release(): void {
    this.clear()
    giveBuffer(this.#buffer)
    this.#buffer = NO_ROOM
  }
}

/** A bit a value on the page, a byte a value until then. */
export class BooleanValues implements PageValues {
  #buffer = NO_ROOM
  #count = 0

  get bytes(): number {
    return (this.#count + 7) >>> 3
  }

  get bound(): number {
    return this.bytes
  }

  append({ values, indexes, start, present }: Shredded): void {
    const held = values.values
    const source = held.layout === 'constant' ? held.entry.values : held
    if (source.layout !== 'bool') {
      throw new SluiceError('BUG', `a ${source.layout} column stands where BOOLEAN is declared`)
    }
    this.#buffer = withRoom(this.#buffer, this.#count, present)
    const out = new Uint8Array(this.#buffer)
    const at = this.#count
    if (held.layout === 'constant') out.fill(source.data[0]!, at, at + present)
    else if (indexes === null) out.set(source.data.subarray(start, start + present), at)
    else for (let i = 0; i < present; i += 1) out[at + i] = source.data[indexes[i]!]!
    this.#count += present
  }

  encode(out: Uint8Array, at: number): EncodedValues {
    const values = new Uint8Array(this.#buffer)
    const end = at + this.bytes
    out.fill(0, at, end)
    for (let i = 0; i < this.#count; i += 1) out[at + (i >>> 3)]! |= (values[i] === 0 ? 0 : 1) << (i & 7)
    return { end, encoding: 'PLAIN' }
  }

  plain(): null {
    return null
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

  release(): void {
    this.#count = 0
    giveBuffer(this.#buffer)
    this.#buffer = NO_ROOM
  }

  takeDictionary(): null {
    return null
  }
}

interface Which {
  readonly indexes: Int32Array | null
  readonly start: number
}

function gatherWords(words: Int32Array, indexes: Int32Array, out: Int32Array, wordsEach: number): void {
  const { length } = out
  if (wordsEach === 1) {
    for (let i = 0; i < length; i += 1) out[i] = words[indexes[i]!]!
    return
  }
  for (let i = 0; i * 2 < length; i += 1) {
    const from = indexes[i]! * 2
    out[i * 2] = words[from]!
    out[i * 2 + 1] = words[from + 1]!
  }
}

/** Integers that are known to fit: the low halves alone. */
function copyLowWords(words: Int32Array, { indexes, start }: Which, out: Int32Array): void {
  const { length } = out
  if (indexes === null) for (let i = 0; i < length; i += 1) out[i] = words[(start + i) * 2]!
  else for (let i = 0; i < length; i += 1) out[i] = words[indexes[i]! * 2]!
}

/** Big-endian values that are known to fit: their last `size` bytes. */
function copyTails(bytes: Uint8Array, { indexes, start }: Which, out: Uint8Array, size: number): void {
  const { length } = out
  let from = start
  for (let to = 0, i = 0; to < length; i += 1) {
    from = indexes === null ? start + i : indexes[i]!
    const end = (from + 1) * WIDE_DECIMAL_BYTES
    for (let k = end - size; k < end; k += 1) {
      out[to] = bytes[k]!
      to += 1
    }
  }
}
