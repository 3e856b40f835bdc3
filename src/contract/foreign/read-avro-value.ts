import type { SourceValue } from '../../ports/source-connector.ts'
import type { AvroCursor } from '../avro/read/cursor.ts'
import { formatUuid, readAvro, type AvroLeaf, type AvroMaker } from '../avro/read/read-json.ts'
import type { AvroLogical } from '../avro/logical.ts'
import type { AvroType } from '../avro/schema.ts'
import { DAY_MICROS, formatDate, formatTime, formatTimestamp, formatTimestampNanos } from '../../domain/time-text.ts'
import { connectCount, VARIABLE_DECIMAL, wholeNumber } from './connect-value.ts'
import { decimalOfBytes, decimalOfParts } from './decimal-parts.ts'

/**
 * Any Avro value as a source gives it, exact: longs past 2^53 as bigints, decimals and times as text with every digit,
 * bytes as they are. What only `connect.name` tells is told too.
 */
export function readAvroValue(type: AvroType, cursor: AvroCursor): SourceValue {
  return readAvro(type, cursor, MAKER)
}

const MAKER: AvroMaker<SourceValue> = {
  leaf: readLeaf,
  list: (items) => items,
  map: (entries) => Object.fromEntries(entries),
  record: ({ name }, entries) => {
    const value: { readonly [key: string]: SourceValue } = Object.fromEntries(entries)
    return name === VARIABLE_DECIMAL ? (decimalOfParts(value) ?? value) : value
  },
}

function readLeaf(type: AvroLeaf, cursor: AvroCursor): SourceValue {
  switch (type.kind) {
    case 'null':
      return null
    case 'boolean':
      return cursor.readBoolean()
    case 'int': {
      const int = cursor.readInt()
      if (type.logical?.kind === 'date') return formatDate(int)
      return type.logical?.kind === 'time' ? timeText(BigInt(int) * 1000n) : connectCount(type.connect, BigInt(int))
    }
    case 'long': {
      const long = cursor.readLong()
      if (type.logical?.kind === 'timestamp') return timestampText(long, type.logical.unit)
      return type.logical?.kind === 'time' ? timeText(long) : connectCount(type.connect, long)
    }
    case 'float':
      return cursor.readFloat()
    case 'double':
      return cursor.readDouble()
    case 'string':
      return cursor.text(cursor.readTextSpan())
    case 'bytes':
      return bytesValue(cursor, cursor.readSpan(), type.logical)
    case 'fixed':
      return bytesValue(cursor, cursor.readFixed(type.size), type.logical)
    case 'enum':
      return type.symbols[cursor.readIndex(type.symbols.length, 'enum')]!
  }
}

function timestampText(count: bigint, unit: 'millis' | 'micros' | 'nanos'): string {
  return unit === 'nanos' ? formatTimestampNanos(count) : formatTimestamp(unit === 'millis' ? count * 1000n : count)
}

function timeText(micros: bigint): SourceValue {
  return micros >= 0n && micros < DAY_MICROS ? formatTime(micros) : wholeNumber(micros)
}

function bytesValue(cursor: AvroCursor, start: number, logical: AvroLogical | null): SourceValue {
  const bytes = Uint8Array.from(cursor.bytes.subarray(start, cursor.at))
  if (logical?.kind === 'uuid') return formatUuid(bytes)
  return logical?.kind === 'decimal' ? (decimalOfBytes(bytes, logical.scale) ?? bytes) : bytes
}
