import type { ColumnType } from '../../../domain/column-batch.ts'
import type { PhysicalType } from '../parquet-schema.ts'

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

/** What the order and form of a bound follow from. */
export interface BoundedLeaf {
  readonly physical: PhysicalType
  /** Bytes of a value, for those that all have one size. */
  readonly size: number
  readonly type: ColumnType
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

/**
 * The values as pairs of 32-bit halves, low first: comparing them so needs no bigint a value. Mostly all have the high
 * half of the first, and then only the low ones are compared.
 */
export function boundsOfInt64(halves: Int32Array, count: number): ColumnBounds | null {
  if (count === 0) return null
  const first = halves[1]!
  // Low halves as signed numbers in the order of the unsigned ones.
  let least = halves[0]! ^ SIGN
  let greatest = least
  let [minLow, minHigh] = [least, first]
  let [maxLow, maxHigh] = [least, first]
  for (let i = 2; i < count * 2; i += 2) {
    const low = halves[i]! ^ SIGN
    const high = halves[i + 1]!
    if (high === first) {
      if (low < least) least = low
      else if (low > greatest) greatest = low
    } else if (high < minHigh || (high === minHigh && low < minLow)) {
      minLow = low
      minHigh = high
    } else if (high > maxHigh || (high === maxHigh && low > maxLow)) {
      maxLow = low
      maxHigh = high
    }
  }
  return {
    min: joinHalves(minHigh, (minHigh === first ? least : minLow) ^ SIGN),
    max: joinHalves(maxHigh, (maxHigh === first ? greatest : maxLow) ^ SIGN),
  }
}

const SIGN = 0x8000_0000 | 0

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

/** `size` bytes a value, two's complement, big-endian. */
export function boundsOfFixedBytes(bytes: Uint8Array, count: number, size: number): ColumnBounds | null {
  if (count === 0) return null
  let min = 0
  let max = 0
  for (let at = size; at < count * size; at += size) {
    if (compareSigned(bytes, at, min, size) < 0) min = at
    else if (compareSigned(bytes, at, max, size) > 0) max = at
  }
  return { min: readSigned(bytes, min, size), max: readSigned(bytes, max, size) }
}

/** Values that stand one after another, with the length of each. */
export function boundsOfByteArrays(bytes: Uint8Array, lengths: Int32Array): ColumnBounds | null {
  const count = lengths.length
  if (count === 0) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let [min, minSize] = [0, lengths[0]!]
  let [max, maxSize] = [0, minSize]
  let at = minSize
  let least = headOf(view, 0, minSize)
  let greatest = least
  for (let i = 1; i < count; i += 1) {
    const size = lengths[i]!
    const head = headOf(view, at, size)
    if (head < least || (head === least && compareSpans(bytes, { at, size }, { at: min, size: minSize }) < 0)) {
      min = at
      minSize = size
      least = head
    } else if (
      head > greatest ||
      (head === greatest && compareSpans(bytes, { at, size }, { at: max, size: maxSize }) > 0)
    ) {
      max = at
      maxSize = size
      greatest = head
    }
    at += size
  }
  return { min: bytes.slice(min, min + minSize), max: bytes.slice(max, max + maxSize) }
}

/** The first six bytes as a number, so that most comparisons end there; short values are compared whole. */
function headOf(view: DataView, at: number, size: number): number {
  if (size >= 6) return view.getUint32(at) * 65_536 + view.getUint16(at + 4)
  let head = 0
  for (let i = 0; i < 6; i += 1) head = head * 256 + (i < size ? view.getUint8(at + i) : 0)
  return head
}

/** PLAIN bytes of the bounds; long strings cut to a prefix for the least and the next greater prefix for the greatest. */
export function storeBounds(bounds: ColumnBounds, { physical, size, type }: BoundedLeaf): StoredBounds {
  const { min, max } = bounds
  const isText = type.kind === 'string'
  if (min instanceof Uint8Array && max instanceof Uint8Array) {
    const low = cutBytes(min, isText)
    const high =
      max.length <= STORED_BYTES ? max : isText ? raiseText(cutBytes(max, true)) : raiseBytes(cutBytes(max, false))
    return { min: low, max: high, minExact: low.length === min.length, maxExact: max.length <= STORED_BYTES }
  }
  // The order of floats leaves the sign of zero open, so a reader must see the outer one (parquet.thrift, ColumnOrder).
  const low = min === 0 && (physical === 'FLOAT' || physical === 'DOUBLE') ? -0 : min
  const high = max === 0 ? 0 : max
  return { min: plainBytes(low, physical, size), max: plainBytes(high, physical, size), minExact: true, maxExact: true }
}

function plainBytes(value: Bound, physical: PhysicalType, size: number): Uint8Array {
  const bytes = Buffer.alloc(16)
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
      return bytes.subarray(16 - size)
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

export function compareBounds(a: Bound, b: Bound): number {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b)
  return a < b ? -1 : a > b ? 1 : 0
}

interface Span {
  readonly at: number
  readonly size: number
}

/** In unsigned order of their bytes. */
function compareSpans(bytes: Uint8Array, a: Span, b: Span): number {
  const shared = Math.min(a.size, b.size)
  for (let i = 0; i < shared; i += 1) {
    const difference = bytes[a.at + i]! - bytes[b.at + i]!
    if (difference !== 0) return difference
  }
  return a.size - b.size
}

function compareSigned(bytes: Uint8Array, a: number, b: number, size: number): number {
  const top = ((bytes[a]! << 24) >> 24) - ((bytes[b]! << 24) >> 24)
  if (top !== 0) return top
  for (let i = 1; i < size; i += 1) {
    const difference = bytes[a + i]! - bytes[b + i]!
    if (difference !== 0) return difference
  }
  return 0
}

function readSigned(bytes: Uint8Array, at: number, size: number): bigint {
  let value = BigInt((bytes[at]! << 24) >> 24)
  for (let i = 1; i < size; i += 1) value = (value << 8n) | BigInt(bytes[at + i]!)
  return value
}

function joinHalves(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low >>> 0)
}
