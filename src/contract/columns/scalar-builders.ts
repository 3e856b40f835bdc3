import { MAX_INT64_PRECISION, type Column, type ColumnType } from '../../domain/column-batch.ts'
import { copyInto, OWN_ROOM, type ColumnRoom } from '../../domain/column-room.ts'
import { bigintOfBytes } from '../../domain/decimal-text.ts'
import { grown, ValidityBuilder } from './builder.ts'

const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

export class BooleanBuilder extends ValidityBuilder {
  readonly type = { kind: 'boolean' } as const
  data: Uint8Array = new Uint8Array(0)

  append(value: boolean): void {
    this.#put(1, value ? 1 : 0)
  }

  appendNull(): void {
    this.#put(0, 0)
  }

  override reserve(length: number): void {
    super.reserve(length)
    if (length > this.data.length) this.data = grown(this.data, length)
  }

  finish(room: ColumnRoom = OWN_ROOM): Column {
    const { type, length } = this
    return {
      type,
      length,
      validity: this.validity(room),
      values: { layout: 'bool', data: copyInto(room, this.data, length) },
    }
  }

  #put(present: 0 | 1, value: number): void {
    const at = this.push(present)
    if (at >= this.data.length) this.data = grown(this.data, at + 1)
    this.data[at] = value
  }
}

export class Int32Builder extends ValidityBuilder {
  readonly type: ColumnType & { readonly kind: 'int32' | 'date' }
  data: Int32Array = new Int32Array(0)

  constructor(type: ColumnType & { readonly kind: 'int32' | 'date' }) {
    super()
    this.type = type
  }

  append(value: number): void {
    this.#put(1, value)
  }

  appendNull(): void {
    this.#put(0, 0)
  }

  override reserve(length: number): void {
    super.reserve(length)
    if (length > this.data.length) this.data = grown(this.data, length)
  }

  finish(room: ColumnRoom = OWN_ROOM): Column {
    const { type, length } = this
    return {
      type,
      length,
      validity: this.validity(room),
      values: { layout: 'int32', data: copyInto(room, this.data, length) },
    }
  }

  #put(present: 0 | 1, value: number): void {
    const at = this.push(present)
    if (at >= this.data.length) this.data = grown(this.data, at + 1)
    this.data[at] = value
  }
}

export class FloatBuilder extends ValidityBuilder {
  readonly type: ColumnType & { readonly kind: 'float32' | 'float64' }
  data: Float32Array | Float64Array

  constructor(type: ColumnType & { readonly kind: 'float32' | 'float64' }) {
    super()
    this.type = type
    this.data = type.kind === 'float32' ? new Float32Array(0) : new Float64Array(0)
  }

  append(value: number): void {
    this.#put(1, value)
  }

  appendNull(): void {
    this.#put(0, 0)
  }

  override reserve(length: number): void {
    super.reserve(length)
    if (length > this.data.length) this.data = grown(this.data, length)
  }

  finish(room: ColumnRoom = OWN_ROOM): Column {
    const { type, length, data } = this
    const validity = this.validity(room)
    return data instanceof Float32Array
      ? { type, length, validity, values: { layout: 'float32', data: copyInto(room, data, length) } }
      : { type, length, validity, values: { layout: 'float64', data: copyInto(room, data, length) } }
  }

  #put(present: 0 | 1, value: number): void {
    const at = this.push(present)
    if (at >= this.data.length) this.data = grown(this.data, at + 1)
    this.data[at] = value
  }
}

/** int64, timestamp, and decimals of up to 18 digits. */
export class Int64Builder extends ValidityBuilder {
  readonly type: ColumnType & { readonly kind: 'int64' | 'timestamp' | 'decimal' }
  data: BigInt64Array = new BigInt64Array(0)
  /** The same values as halves: on a little-endian machine the low one first. */
  words: Int32Array = new Int32Array(0)

  constructor(type: ColumnType & { readonly kind: 'int64' | 'timestamp' | 'decimal' }) {
    super()
    this.type = type
  }

  append(value: bigint): void {
    this.#put(1, value)
  }

  /** A whole number of at most 2^53 either way. */
  appendNumber(value: number): void {
    if (!LITTLE_ENDIAN) return this.append(BigInt(value))
    const at = this.push(1)
    if (at >= this.data.length) this.#grow(at + 1)
    this.words[at * 2] = value
    this.words[at * 2 + 1] = Math.floor(value / 0x1_0000_0000)
  }

  appendNull(): void {
    this.#put(0, 0n)
  }

  at(index: number): bigint {
    return this.data[index]!
  }

  override reserve(length: number): void {
    super.reserve(length)
    if (length > this.data.length) this.#grow(length)
  }

  finish(room: ColumnRoom = OWN_ROOM): Column {
    const { type, length } = this
    return {
      type,
      length,
      validity: this.validity(room),
      values: { layout: 'int64', data: copyInto(room, this.data, length) },
    }
  }

  #put(present: 0 | 1, value: bigint): void {
    const at = this.push(present)
    if (at >= this.data.length) this.#grow(at + 1)
    this.data[at] = value
  }

  #grow(needed: number): void {
    this.data = grown(this.data, needed)
    this.words = new Int32Array(this.data.buffer)
  }
}

/** Decimals of more than 18 digits. */
export class Decimal128Builder extends ValidityBuilder {
  readonly type: ColumnType & { readonly kind: 'decimal' }
  data: Uint8Array = new Uint8Array(0)
  view = new DataView(this.data.buffer)

  constructor(type: ColumnType & { readonly kind: 'decimal' }) {
    super()
    this.type = type
  }

  append(value: bigint): void {
    this.#put(1, value)
  }

  appendNull(): void {
    this.#put(0, 0n)
  }

  at(index: number): bigint {
    return bigintOfBytes(this.data, index * 16, index * 16 + 16)
  }

  override reserve(length: number): void {
    super.reserve(length)
    if (length * 16 > this.data.length) this.#grow(length * 16)
  }

  finish(room: ColumnRoom = OWN_ROOM): Column {
    const { type, length } = this
    const data = copyInto(room, this.data, length * 16)
    return { type, length, validity: this.validity(room), values: { layout: 'decimal128', data } }
  }

  #put(present: 0 | 1, value: bigint): void {
    const at = this.push(present) * 16
    if (at >= this.data.length) this.#grow(at + 16)
    this.view.setBigInt64(at, value >> 64n)
    this.view.setBigUint64(at + 8, BigInt.asUintN(64, value))
  }

  #grow(needed: number): void {
    this.data = grown(this.data, needed)
    this.view = new DataView(this.data.buffer)
  }
}

export type DecimalBuilder = Int64Builder | Decimal128Builder

export function decimalBuilder(type: ColumnType & { readonly kind: 'decimal' }): DecimalBuilder {
  return type.precision <= MAX_INT64_PRECISION ? new Int64Builder(type) : new Decimal128Builder(type)
}
