import type { SchemaElement } from 'hyparquet'
import { MAX_INT64_PRECISION } from '../../domain/column-batch.ts'
import type { ColumnType, ColumnValues } from '../../domain/column-batch.ts'
import type { StoredValues } from './stored-values.ts'

/** Values as a file stores them, in the layout that our columns have for the type; an exact one or none. */
export function columnValues(type: ColumnType, element: SchemaElement, stored: StoredValues): ColumnValues {
  switch (type.kind) {
    case 'boolean':
      if (stored.of === 'bits') return { layout: 'bool', data: stored.data }
      break
    case 'int32':
    case 'date':
      if (stored.of === 'int32') return { layout: 'int32', data: stored.data }
      break
    case 'int64':
      if (stored.of === 'int64') return { layout: 'int64', data: stored.data }
      // An unsigned integer of 32 bits.
      if (stored.of === 'int32')
        return { layout: 'int64', data: BigInt64Array.from(stored.data, (n) => BigInt(n >>> 0)) }
      break
    case 'timestamp':
      return { layout: 'int64', data: microsOf(element, stored) }
    case 'float32':
      if (stored.of === 'float32') return { layout: 'float32', data: stored.data }
      break
    case 'float64':
      if (stored.of === 'float64') return { layout: 'float64', data: stored.data }
      break
    case 'decimal':
      return type.precision <= MAX_INT64_PRECISION
        ? { layout: 'int64', data: narrowDecimals(stored) }
        : { layout: 'decimal128', data: wideDecimals(stored) }
    case 'string':
    case 'binary':
      if (stored.of === 'spans') return { layout: 'bytes', offsets: stored.offsets, data: stored.data }
      break
    default:
      break
  }
  throw mismatch(type, stored)
}

const MAX_INT64 = 2n ** 63n
const JULIAN_EPOCH_DAY = 2_440_588n
const MICROS_PER_DAY = 86_400_000_000n

function microsOf(
  { converted_type: converted, logical_type: logical, type }: SchemaElement,
  stored: StoredValues,
): BigInt64Array {
  if (type === 'INT96' && stored.of === 'spans') return mapSpans(stored, microsOfInt96)
  if (stored.of !== 'int64') throw mismatch({ kind: 'timestamp' }, stored)
  const unit = logical?.type === 'TIMESTAMP' ? logical.unit : converted === 'TIMESTAMP_MILLIS' ? 'MILLIS' : 'MICROS'
  switch (unit) {
    case 'MICROS':
      return stored.data
    case 'MILLIS':
      return stored.data.map((millis) => inRange(millis * 1000n))
    case 'NANOS':
      return stored.data.map((nanos) => (nanos - (((nanos % 1000n) + 1000n) % 1000n)) / 1000n)
  }
}

/** Nanoseconds of the day, then the Julian day, both little-endian. */
function microsOfInt96(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const days = BigInt(view.getInt32(8, true)) - JULIAN_EPOCH_DAY
  return days * MICROS_PER_DAY + view.getBigInt64(0, true) / 1000n
}

function narrowDecimals(stored: StoredValues): BigInt64Array {
  if (stored.of === 'int64') return stored.data
  if (stored.of === 'int32') return BigInt64Array.from(stored.data, BigInt)
  if (stored.of === 'spans') return mapSpans(stored, (bytes) => inRange(signedBigEndian(bytes)))
  throw mismatch({ kind: 'decimal', precision: MAX_INT64_PRECISION, scale: 0 }, stored)
}

function wideDecimals(stored: StoredValues): Uint8Array {
  if (stored.of !== 'spans') {
    const narrow = narrowDecimals(stored)
    const out = Buffer.alloc(narrow.length * 16)
    for (const [i, value] of narrow.entries()) {
      out.fill(value < 0n ? 0xff : 0, i * 16, i * 16 + 8)
      out.writeBigInt64BE(value, i * 16 + 8)
    }
    return out
  }
  const { offsets, data } = stored
  const count = offsets.length - 1
  const out = new Uint8Array(count * 16)
  for (let i = 0; i < count; i += 1) {
    const bytes = data.subarray(offsets[i]!, offsets[i + 1]!)
    if (bytes.length > 16) throw new RangeError(`a decimal of ${bytes.length} bytes is too long`)
    if (bytes.length > 0 && bytes[0]! >= 0x80) out.fill(0xff, i * 16, i * 16 + 16)
    out.set(bytes, i * 16 + 16 - bytes.length)
  }
  return out
}

function mapSpans(
  { offsets, data }: StoredValues & { of: 'spans' },
  read: (bytes: Uint8Array) => bigint,
): BigInt64Array {
  const out = new BigInt64Array(offsets.length - 1)
  for (let i = 0; i < out.length; i += 1) {
    // A null's slot has no bytes.
    if (offsets[i + 1]! > offsets[i]!) out[i] = read(data.subarray(offsets[i]!, offsets[i + 1]!))
  }
  return out
}

export function signedBigEndian(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`))
}

function inRange(value: bigint): bigint {
  if (value >= MAX_INT64 || value < -MAX_INT64) throw new RangeError('a value of it does not fit into 64 bits')
  return value
}

function mismatch(type: ColumnType, stored: StoredValues): RangeError {
  return new RangeError(`a column of type ${type.kind} is stored as ${stored.of}`)
}
