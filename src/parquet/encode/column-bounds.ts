import type { PhysicalType } from './parquet-schema.ts'
import { FIXED_DECIMAL_BYTES } from './parquet-schema.ts'

/** The least and greatest value of a run, in the order that Parquet defines for the column's type. */

/** Numbers for booleans, 32-bit integers and floats; bigint for 64-bit integers and decimals; else bytes. */
export type Bound = number | bigint | Uint8Array

export interface ColumnBounds {
  readonly min: Bound
  readonly max: Bound
}

/** A bound as it stands in a file's statistics. */
export interface StoredBounds {
  readonly min: Uint8Array
  readonly max: Uint8Array | null
  readonly minExact: boolean
  readonly maxExact: boolean
}

const STORED_BYTES = 64

export function mergeBounds(a: ColumnBounds | null, b: ColumnBounds | null): ColumnBounds | null {
  if (a === null || b === null) return a ?? b
  return {
    min: compareBounds(a.min, b.min) <= 0 ? a.min : b.min,
    max: compareBounds(a.max, b.max) >= 0 ? a.max : b.max,
  }
}

export function boundsOfBooleans(values: Uint8Array, count: number): ColumnBounds | null {
  if (count === 0) return null
  let set = 0
  for (let i = 0; i < count; i += 1) set += values[i]!
  return { min: set === count ? 1 : 0, max: set === 0 ? 0 : 1 }
}

export function boundsOfInt32(values: Int32Array, count: number): ColumnBounds | null {
  if (count === 0) return null
  let min = values[0]!
  let max = min
  for (let i = 1; i < count; i += 1) {
    const value = values[i]!
    if (value < min) min = value
    else if (value > max) max = value
  }
  return { min, max }
}

/** The values as pairs of 32-bit halves, low first: comparing them so needs no bigint a value. */
export function boundsOfInt64(halves: Int32Array, count: number): ColumnBounds | null {
  if (count === 0) return null
  let minLow = halves[0]! >>> 0
  let minHigh = halves[1]!
  let maxLow = minLow
  let maxHigh = minHigh
  for (let i = 2; i < count * 2; i += 2) {
    const low = halves[i]! >>> 0
    const high = halves[i + 1]!
    if (high < minHigh || (high === minHigh && low < minLow)) {
      minLow = low
      minHigh = high
    } else if (high > maxHigh || (high === maxHigh && low > maxLow)) {
      maxLow = low
      maxHigh = high
    }
  }
  return { min: joinHalves(minHigh, minLow), max: joinHalves(maxHigh, maxLow) }
}

/** NaN is no bound; null where there is nothing else. */
export function boundsOfFloats(values: Float32Array | Float64Array, count: number): ColumnBounds | null {
  let min = Infinity
  let max = -Infinity
  for (let i = 0; i < count; i += 1) {
    const value = values[i]!
    if (value < min) min = value
    if (value > max) max = value
  }
  return min <= max ? { min, max } : null
}

export function holdsNan(values: Float32Array | Float64Array, count: number): boolean {
  for (let i = 0; i < count; i += 1) if (Number.isNaN(values[i]!)) return true
  return false
}

/** 16 bytes a value, two's complement, big-endian. */
export function boundsOfDecimal128(bytes: Uint8Array, count: number): ColumnBounds | null {
  if (count === 0) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, count * FIXED_DECIMAL_BYTES)
  let min = 0
  let max = 0
  for (let at = FIXED_DECIMAL_BYTES; at < count * FIXED_DECIMAL_BYTES; at += FIXED_DECIMAL_BYTES) {
    if (compareDecimal128(view, at, min) < 0) min = at
    else if (compareDecimal128(view, at, max) > 0) max = at
  }
  return { min: readDecimal128(view, min), max: readDecimal128(view, max) }
}

/** Values in PLAIN encoding: a length of four bytes, little-endian, then the bytes. */
export function boundsOfByteArrays(bytes: Uint8Array, count: number): ColumnBounds | null {
  if (count === 0) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let min = 0
  let max = 0
  let at = 4 + view.getInt32(0, true)
  for (let i = 1; i < count; i += 1) {
    if (comparePlain(view, at, min) < 0) min = at
    else if (comparePlain(view, at, max) > 0) max = at
    at += 4 + view.getInt32(at, true)
  }
  const valueAt = (start: number): Uint8Array => bytes.slice(start + 4, start + 4 + view.getInt32(start, true))
  return { min: valueAt(min), max: valueAt(max) }
}

/** PLAIN bytes of the bounds; long strings cut to a prefix for the least and the next greater prefix for the greatest. */
export function storeBounds(bounds: ColumnBounds, physical: PhysicalType, isText: boolean): StoredBounds {
  const { min, max } = bounds
  if (min instanceof Uint8Array && max instanceof Uint8Array) {
    const low = cutBytes(min, isText)
    const high =
      max.length <= STORED_BYTES ? max : isText ? raiseText(cutBytes(max, true)) : raiseBytes(cutBytes(max, false))
    return { min: low, max: high, minExact: low.length === min.length, maxExact: max.length <= STORED_BYTES }
  }
  // The order of floats leaves the sign of zero open, so a reader must see the outer one (parquet.thrift, ColumnOrder).
  const low = min === 0 && physical !== 'INT32' && physical !== 'BOOLEAN' ? -0 : min
  const high = max === 0 ? 0 : max
  return { min: plainBytes(low, physical), max: plainBytes(high, physical), minExact: true, maxExact: true }
}

function plainBytes(value: Bound, physical: PhysicalType): Uint8Array {
  const bytes = Buffer.alloc(FIXED_DECIMAL_BYTES)
  switch (physical) {
    case 'BOOLEAN':
      bytes.writeUInt8(Number(value))
      return bytes.subarray(0, 1)
    case 'INT32':
      bytes.writeInt32LE(Number(value))
      return bytes.subarray(0, 4)
    case 'FLOAT':
      bytes.writeFloatLE(Number(value))
      return bytes.subarray(0, 4)
    case 'DOUBLE':
      bytes.writeDoubleLE(Number(value))
      return bytes.subarray(0, 8)
    case 'INT64':
      bytes.writeBigInt64LE(value as bigint)
      return bytes.subarray(0, 8)
    case 'FIXED_LEN_BYTE_ARRAY':
      bytes.writeBigInt64BE((value as bigint) >> 64n, 0)
      bytes.writeBigUInt64BE(BigInt.asUintN(64, value as bigint), 8)
      return bytes
    case 'BYTE_ARRAY':
      return value as Uint8Array
  }
}

/** A prefix that ends between code points where the bytes are text. */
function cutBytes(bytes: Uint8Array, isText: boolean): Uint8Array {
  if (bytes.length <= STORED_BYTES) return bytes
  let end = STORED_BYTES
  while (isText && end > 0 && (bytes[end]! & 0xc0) === 0x80) end -= 1
  return bytes.subarray(0, end)
}

/** The least byte string that is greater than all that begin with `prefix`; null where there is none. */
function raiseBytes(prefix: Uint8Array): Uint8Array | null {
  let end = prefix.length
  while (end > 0 && prefix[end - 1] === 0xff) end -= 1
  if (end === 0) return null
  const raised = prefix.slice(0, end)
  raised[end - 1]! += 1
  return raised
}

function raiseText(prefix: Uint8Array): Uint8Array | null {
  const raised = raiseCodePoint(Buffer.from(prefix).toString('utf8'))
  return raised === null ? null : Buffer.from(raised, 'utf8')
}

/** A text greater, in code point order, than all that begin with `prefix`; null where there is none. */
export function raiseCodePoint(prefix: string): string | null {
  const points = Array.from(prefix, (char) => char.codePointAt(0)!)
  while (points.length > 0) {
    const last = points.pop()!
    // Surrogates are no code points of text.
    const next = last === 0xd7ff ? 0xe000 : last + 1
    if (next <= 0x10ffff) return String.fromCodePoint(...points, next)
  }
  return null
}

function compareBounds(a: Bound, b: Bound): number {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b)
  return a < b ? -1 : a > b ? 1 : 0
}

/** Unsigned order of two byte strings in PLAIN encoding. */
function comparePlain(view: DataView, a: number, b: number): number {
  const aLength = view.getInt32(a, true)
  const bLength = view.getInt32(b, true)
  const shared = Math.min(aLength, bLength)
  for (let i = 4; i < shared + 4; i += 1) {
    const difference = view.getUint8(a + i) - view.getUint8(b + i)
    if (difference !== 0) return difference
  }
  return aLength - bLength
}

function compareDecimal128(view: DataView, a: number, b: number): number {
  const top = view.getInt32(a) - view.getInt32(b)
  if (top !== 0) return top
  for (let word = 4; word < FIXED_DECIMAL_BYTES; word += 4) {
    const difference = view.getUint32(a + word) - view.getUint32(b + word)
    if (difference !== 0) return difference
  }
  return 0
}

function readDecimal128(view: DataView, at: number): bigint {
  return (view.getBigInt64(at) << 64n) | view.getBigUint64(at + 8)
}

function joinHalves(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low)
}
