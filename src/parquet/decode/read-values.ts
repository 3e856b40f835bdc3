import type { ParquetType } from 'hyparquet'
import { ByteCursor } from './byte-cursor.ts'
import { readDeltas, readLengths, readNarrowDeltas } from './read-delta.ts'
import { readHybrid } from './read-hybrid.ts'
import { copyBytes, evenOffsets, offsetsOf, placeValues, spend } from './stored-values.ts'
import type { Budget, Spans, StoredValues } from './stored-values.ts'

export interface StoredType {
  readonly physical: ParquetType
  /** Bytes of a fixed-length value; 12 for INT96; else 0. */
  readonly size: number
}

const INT96_BYTES = 12

export function fixedBytes(physical: ParquetType, typeLength: number | undefined): number {
  if (physical === 'INT96') return INT96_BYTES
  return physical === 'FIXED_LEN_BYTE_ARRAY' ? (typeLength ?? 0) : 0
}

export function readPlain({ physical, size }: StoredType, cursor: ByteCursor, count: number): StoredValues {
  switch (physical) {
    case 'BOOLEAN': {
      const packed = cursor.take(Math.ceil(count / 8))
      return { of: 'bits', data: Uint8Array.from({ length: count }, (_, i) => (packed[i >>> 3]! >>> (i & 7)) & 1) }
    }
    case 'INT32':
      return { of: 'int32', data: new Int32Array(cursor.takeAligned(count, 4)) }
    case 'INT64':
      return { of: 'int64', data: new BigInt64Array(cursor.takeAligned(count, 8)) }
    case 'FLOAT':
      return { of: 'float32', data: new Float32Array(cursor.takeAligned(count, 4)) }
    case 'DOUBLE':
      return { of: 'float64', data: new Float64Array(cursor.takeAligned(count, 8)) }
    case 'INT96':
    case 'FIXED_LEN_BYTE_ARRAY':
      if (size <= 0) throw new RangeError('a fixed-length type has no length')
      return { of: 'spans', offsets: evenOffsets(count, size), data: cursor.take(count * size) }
    case 'BYTE_ARRAY':
      return readPlainSpans(cursor, count)
  }
}

/** Indexes into the chunk's dictionary, looked up. */
export function readIndexed(dictionary: StoredValues, cursor: ByteCursor, count: number, budget: Budget): StoredValues {
  if (count === 0) return placeValues(dictionary, new Int32Array(0), budget)
  const width = cursor.byte()
  const indexes = new Int32Array(count)
  if (width > 0) readHybrid(cursor, width, indexes)
  const entries = dictionary.of === 'spans' ? dictionary.offsets.length - 1 : dictionary.data.length
  for (let i = 0; i < count; i += 1) {
    if (indexes[i]! < 0 || indexes[i]! >= entries) throw new RangeError('a page points past its dictionary')
  }
  return placeValues(dictionary, indexes, budget)
}

/** RLE, which as an encoding of values only booleans have. */
export function readRleBits({ physical }: StoredType, cursor: ByteCursor, count: number): StoredValues {
  if (physical !== 'BOOLEAN') throw new RangeError(`${physical} is not encoded as runs`)
  const data = new Uint8Array(count)
  readHybrid(new ByteCursor(cursor.take(cursor.uint32())), 1, data)
  return { of: 'bits', data }
}

export function readDeltaIntegers({ physical }: StoredType, cursor: ByteCursor, count: number): StoredValues {
  if (physical === 'INT64') return { of: 'int64', data: readDeltas(cursor, count) }
  if (physical === 'INT32') return { of: 'int32', data: readNarrowDeltas(cursor, count) }
  throw new RangeError(`${physical} is not encoded as deltas`)
}

/** DELTA_LENGTH_BYTE_ARRAY: all lengths, then all bytes. */
export function readDeltaSpans({ physical }: StoredType, cursor: ByteCursor, count: number): StoredValues {
  if (physical !== 'BYTE_ARRAY') throw new RangeError(`${physical} is not encoded by its lengths`)
  return lengthsThenBytes(cursor, count)
}

function lengthsThenBytes(cursor: ByteCursor, count: number): Spans {
  const offsets = offsetsOf(readLengths(cursor, count))
  return { of: 'spans', offsets, data: cursor.take(offsets[count]!) }
}

/** DELTA_BYTE_ARRAY: how much of the value before is kept, then the rest as DELTA_LENGTH_BYTE_ARRAY. */
export function readFrontCoded(
  { physical, size }: StoredType,
  page: { readonly cursor: ByteCursor; readonly count: number; readonly budget: Budget },
): StoredValues {
  const { cursor, count, budget } = page
  if (physical !== 'BYTE_ARRAY' && physical !== 'FIXED_LEN_BYTE_ARRAY') {
    throw new RangeError(`${physical} is not front-coded`)
  }
  const kept = readLengths(cursor, count)
  const rests = lengthsThenBytes(cursor, count)
  const lengths = kept.map((prefix, i) => prefix + rests.offsets[i + 1]! - rests.offsets[i]!)
  const offsets = offsetsOf(lengths)
  const data = new Uint8Array(spend(budget, offsets[count]!))
  for (let i = 0; i < count; i += 1) {
    const at = offsets[i]!
    const before = i === 0 ? 0 : offsets[i - 1]!
    if (size > 0 && lengths[i] !== size) throw new RangeError(`a value has ${lengths[i]} bytes of ${size}`)
    if (kept[i]! > at - before) throw new RangeError('a value keeps more than the one before it has')
    data.copyWithin(at, before, before + kept[i]!)
    data.set(rests.data.subarray(rests.offsets[i]!, rests.offsets[i + 1]!), at + kept[i]!)
  }
  return { of: 'spans', offsets, data }
}

/** BYTE_STREAM_SPLIT: the first bytes of all values, then the second bytes, and so on. */
export function readSplitStreams(type: StoredType, cursor: ByteCursor, count: number): StoredValues {
  const size =
    { INT32: 4, FLOAT: 4, INT64: 8, DOUBLE: 8, FIXED_LEN_BYTE_ARRAY: type.size }[type.physical as string] ?? 0
  if (size === 0) throw new RangeError(`${type.physical} is not split into streams`)
  const streams = cursor.take(count * size)
  const joined = new Uint8Array(streams.length)
  for (let stream = 0; stream < size; stream += 1) {
    for (let i = 0; i < count; i += 1) joined[i * size + stream] = streams[stream * count + i]!
  }
  return readPlain(type, new ByteCursor(joined), count)
}

function readPlainSpans(cursor: ByteCursor, count: number): StoredValues {
  // Four bytes of length each, so that the count is known to be possible before room is made for it.
  if (count * 4 > cursor.left) throw new RangeError(`a page claims ${count} values in ${cursor.left} bytes`)
  const { bytes, view } = cursor
  const offsets = new Int32Array(count + 1)
  const data = new Uint8Array(cursor.left - count * 4)
  let from = cursor.at
  let at = 0
  for (let i = 0; i < count; i += 1) {
    if (bytes.length - from < 4) throw new RangeError('the page ends too early')
    const size = view.getUint32(from, true)
    from += 4
    if (size > bytes.length - from || size > data.length - at) {
      throw new RangeError('the values of a page reach past its end')
    }
    copyBytes(bytes, from, { to: data, at, size })
    from += size
    at += size
    offsets[i + 1] = at
  }
  cursor.at = from
  return { of: 'spans', offsets, data }
}
