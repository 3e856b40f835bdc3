import type { JsonValue } from '../../../domain/dead-letter.ts'
import { bigintOfBytes, formatDecimal } from '../../../domain/decimal-text.ts'
import { DAY_MICROS, floorDivide, formatDate, formatTime, formatTimestamp } from '../../../domain/time-text.ts'
import { DecodeFault, type AvroCursor } from './cursor.ts'
import type { AvroLogical } from '../logical.ts'
import type { AvroRecord, AvroType } from '../schema.ts'

export const MAX_DEPTH = 100

/** Decimals of more bytes than these (over 600 digits) stay bytes: turning them into digits costs time. */
const MAX_DECIMAL_BYTES = 256

/** What is made of an Avro value, from its leaves up. */
export interface AvroMaker<T> {
  /** A scalar; the cursor stands before it. */
  leaf(type: AvroLeaf, cursor: AvroCursor): T
  list(items: readonly T[]): T
  map(entries: readonly (readonly [string, T])[]): T
  record(type: AvroRecord, entries: readonly (readonly [string, T])[]): T
}

export type AvroLeaf = Exclude<AvroType, { readonly kind: 'union' | 'array' | 'map' | 'record' }>

/** Unions come without their tag. */
export function readAvro<T>(type: AvroType, cursor: AvroCursor, maker: AvroMaker<T>, depth = 0): T {
  if (depth > MAX_DEPTH) throw new DecodeFault(`values are nested deeper than ${MAX_DEPTH}`)
  cursor.countShown()
  switch (type.kind) {
    case 'union':
      return readAvro(type.branches[cursor.readIndex(type.branches.length, 'union')]!, cursor, maker, depth + 1)
    case 'array': {
      const list: T[] = []
      cursor.readBlocks(() => list.push(readAvro(type.items, cursor, maker, depth + 1)))
      return maker.list(list)
    }
    case 'map': {
      const entries: [string, T][] = []
      cursor.readBlocks(() => {
        const key = cursor.text(cursor.readTextSpan())
        entries.push([key, readAvro(type.values, cursor, maker, depth + 1)])
      })
      return maker.map(entries)
    }
    case 'record': {
      const before = cursor.at
      const entries = type.fields.map((field) => [field.name, readAvro(field.type, cursor, maker, depth + 1)] as const)
      cursor.countEmpty(before)
      return maker.record(type, entries)
    }
    default:
      return maker.leaf(type, cursor)
  }
}

/**
 * Any Avro value as plain JSON, for `_rescued` and for dead letters: unions without their tag, bytes as base64,
 * decimals as text, longs past 2^53 as text, dates and times in ISO 8601.
 */
export function readAvroJson(type: AvroType, cursor: AvroCursor): JsonValue {
  return readAvro(type, cursor, JSON_MAKER)
}

export const JSON_MAKER: AvroMaker<JsonValue> = {
  leaf: showLeaf,
  list: (items) => items,
  map: (entries) => Object.fromEntries(entries),
  record: (_type, entries) => Object.fromEntries(entries),
}

/** A scalar. */
export function showLeaf(type: AvroLeaf, cursor: AvroCursor): JsonValue {
  switch (type.kind) {
    case 'null':
      return null
    case 'boolean':
      return cursor.readBoolean()
    case 'int':
      return showInt(cursor.readInt(), type.logical)
    case 'long':
      return showLong(cursor.readLong(), type.logical)
    case 'float':
      return showDouble(cursor.readFloat())
    case 'double':
      return showDouble(cursor.readDouble())
    case 'string':
      return cursor.text(cursor.readTextSpan())
    case 'bytes':
      return showBytes(cursor, cursor.readSpan(), type.logical)
    case 'fixed':
      return showBytes(cursor, cursor.readFixed(type.size), type.logical)
    case 'enum':
      return type.symbols[cursor.readIndex(type.symbols.length, 'enum')]!
  }
}

/** Moves past a value without making it. */
export function skipAvro(type: AvroType, cursor: AvroCursor): void {
  readAvroJson(type, cursor)
}

function showInt(value: number, logical: AvroLogical | null): JsonValue {
  if (logical?.kind === 'date') return formatDate(value)
  return logical?.kind === 'time' ? showTime(BigInt(value) * 1000n) : value
}

function showLong(value: bigint, logical: AvroLogical | null): JsonValue {
  if (logical?.kind === 'timestamp') return formatTimestamp(toMicros(value, logical.unit))
  if (logical?.kind === 'time') return showTime(value)
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value.toString()
}

function showTime(micros: bigint): JsonValue {
  return micros >= 0n && micros < DAY_MICROS ? formatTime(micros) : micros.toString()
}

function showDouble(value: number): JsonValue {
  return Number.isFinite(value) ? value : String(value)
}

function showBytes(cursor: AvroCursor, start: number, logical: AvroLogical | null): JsonValue {
  const bytes = cursor.bytes.subarray(start, cursor.at)
  if (logical?.kind === 'uuid') return formatUuid(bytes)
  if (logical?.kind === 'decimal' && bytes.length <= MAX_DECIMAL_BYTES) {
    return formatDecimal(bigintOfBytes(bytes, 0, bytes.length), logical.scale)
  }
  return Buffer.from(bytes).toString('base64')
}

export function formatUuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** Nanoseconds are floored. */
export function toMicros(value: bigint, unit: 'millis' | 'micros' | 'nanos'): bigint {
  return unit === 'millis' ? value * 1000n : unit === 'micros' ? value : floorDivide(value, 1000n)
}
