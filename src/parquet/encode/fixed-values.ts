import { SluiceError } from '../../domain/errors.ts'
import {
  boundsOfBooleans,
  boundsOfDecimal128,
  boundsOfFloats,
  boundsOfInt32,
  boundsOfInt64,
  holdsNan,
} from './column-bounds.ts'
import type { ColumnBounds } from './column-bounds.ts'
import { FIRST_PAGE_BYTES, withRoom } from './page-values.ts'
import type { PageValues } from './page-values.ts'
import { FIXED_DECIMAL_BYTES } from './parquet-schema.ts'
import type { Shredded } from './shred.ts'

/** Types whose values all have one size. */
export type FixedType = 'INT32' | 'INT64' | 'FLOAT' | 'DOUBLE' | 'FIXED_LEN_BYTE_ARRAY'

const FIXED_BYTES: Record<FixedType, number> = {
  INT32: 4,
  INT64: 8,
  FLOAT: 4,
  DOUBLE: 8,
  FIXED_LEN_BYTE_ARRAY: FIXED_DECIMAL_BYTES,
}

export class FixedValues implements PageValues {
  readonly indexed = false
  readonly #type: FixedType
  readonly #size: number
  #buffer = new ArrayBuffer(FIRST_PAGE_BYTES)
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

/** A bit a value on the page, a byte a value until then. */
export class BooleanValues implements PageValues {
  readonly indexed = false
  #buffer = new ArrayBuffer(FIRST_PAGE_BYTES)
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
