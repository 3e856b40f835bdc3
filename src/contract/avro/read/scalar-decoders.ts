import { BytesBuilder } from '../../columns/bytes-builder.ts'
import {
  BooleanBuilder,
  Decimal128Builder,
  FloatBuilder,
  Int32Builder,
  Int64Builder,
} from '../../columns/scalar-builders.ts'
import { int64Within, textWriter } from '../../columns/text-writer.ts'
import { quoteValue } from '../../rules/breaches.ts'
import { bigintOfBytes, formatDecimal } from '../../../domain/decimal-text.ts'
import { DAY_MICROS, formatDate, formatTimestamp } from '../../../domain/time-text.ts'
import { isValidUtf8, type AvroCursor } from './cursor.ts'
import type { AvroLogical } from '../logical.ts'
import { formatUuid, toMicros } from './read-json.ts'
import type { Decode, Target } from './target.ts'
import type { AvroType } from '../schema.ts'

/** Decimals of more bytes than these have more than 38 digits, sign bytes aside. */
const MAX_DECIMAL_BYTES = 64

export const UUID = /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/

export type Scalar = Exclude<AvroType, { readonly kind: 'null' | 'union' | 'record' | 'array' | 'map' }>

/**
 * How a scalar is read: the writer's physical type, with the logical type of whichever side gives meaning. As Avro
 * resolves the underlying types: where the reader has none, the writer's raw value stands; where only the reader has
 * one, the raw value is taken in the reader's unit.
 */
export type Meaning =
  | { readonly kind: 'boolean' | 'int' | 'float' | 'string' | 'uuid' | 'bytes' | 'date' | 'uuid-bytes' }
  | { readonly kind: 'decimal'; readonly scale: number }
  | { readonly kind: 'time'; readonly unit: 'millis' | 'micros' }
  | { readonly kind: 'timestamp'; readonly unit: 'millis' | 'micros' | 'nanos' }

export function canCast(writer: AvroType, reader: AvroType): boolean {
  if (!isScalar(writer) || !isScalar(reader)) return writer.kind === reader.kind
  return compatible(meaningOf(writer, reader), reader)
}

/** Null where no value of the writer's type can become one of the reader's. */
export function scalarDecoder(writer: AvroType, reader: AvroType, target: Target): Decode | null {
  const meaning = scalarMeaning(writer, reader)
  if (meaning === null || !isScalar(writer) || !isScalar(reader)) return null
  return directDecoder(writer, reader, { meaning, target }) ?? textDecoder(writer, meaning, target)
}

/** Null where the pair is not of scalars, or no value of the one can become one of the other. */
export function scalarMeaning(writer: AvroType, reader: AvroType): Meaning | null {
  if (!isScalar(writer) || !isScalar(reader)) return null
  const meaning = meaningOf(writer, reader)
  return compatible(meaning, reader) ? meaning : null
}

function isScalar(type: AvroType): type is Scalar {
  return (
    type.kind !== 'null' &&
    type.kind !== 'union' &&
    type.kind !== 'record' &&
    type.kind !== 'array' &&
    type.kind !== 'map'
  )
}

function meaningOf(writer: Scalar, reader: Scalar): Meaning {
  const own = logicalOf(writer)
  const other = logicalOf(reader)
  switch (writer.kind) {
    case 'boolean':
      return { kind: 'boolean' }
    case 'float':
    case 'double':
      return { kind: 'float' }
    case 'enum':
      return { kind: 'string' }
    case 'string':
      return { kind: other?.kind === 'uuid' ? 'uuid' : 'string' }
    case 'int':
    case 'long': {
      const given = reader.kind === 'int' || reader.kind === 'long' ? (other === null ? null : (own ?? other)) : own
      return given === null ? { kind: 'int' } : integerMeaning(given)
    }
    case 'bytes':
    case 'fixed': {
      const given = reader.kind === 'bytes' || reader.kind === 'fixed' ? (other === null ? null : (own ?? other)) : own
      if (given?.kind === 'decimal') return { kind: 'decimal', scale: given.scale }
      return { kind: given?.kind === 'uuid' && writer.kind === 'fixed' && writer.size === 16 ? 'uuid-bytes' : 'bytes' }
    }
  }
}

function integerMeaning(logical: AvroLogical): Meaning {
  switch (logical.kind) {
    case 'timestamp':
    case 'time':
      return logical
    case 'date':
      return { kind: 'date' }
    case 'decimal':
    case 'uuid':
      return { kind: 'int' }
  }
}

function logicalOf(type: Scalar): AvroLogical | null {
  return 'logical' in type ? type.logical : null
}

/** Which meanings a reader's type may receive; whether a given value fits is decided value by value. */
function compatible(meaning: Meaning, reader: Scalar): boolean {
  const logical = logicalOf(reader)
  const text = meaning.kind === 'string' || meaning.kind === 'uuid' || meaning.kind === 'uuid-bytes'
  if (logical?.kind === 'timestamp') return meaning.kind === 'timestamp' || meaning.kind === 'date' || text
  if (logical?.kind === 'date') return meaning.kind === 'date' || text
  if (logical?.kind === 'time') return meaning.kind === 'time'
  if (logical?.kind === 'uuid') return text
  const number = meaning.kind === 'int' || meaning.kind === 'float' || meaning.kind === 'decimal'
  if (logical?.kind === 'decimal') return number || text
  switch (reader.kind) {
    case 'boolean':
      return meaning.kind === 'boolean' || text
    case 'int':
    case 'long':
    case 'float':
    case 'double':
      return number || text
    case 'bytes':
      return meaning.kind === 'bytes' || text
    case 'fixed':
      return meaning.kind === 'bytes'
    case 'string':
    case 'enum':
      return meaning.kind !== 'time'
  }
}

interface DirectContext {
  readonly meaning: Meaning
  readonly target: Target
}

/** The pairs that need no text; null leaves the pair to `textDecoder`. */
function directDecoder(writer: Scalar, reader: Scalar, { meaning, target }: DirectContext): Decode | null {
  const { builder } = target
  if (builder instanceof BooleanBuilder && writer.kind === 'boolean')
    return (cursor) => builder.append(cursor.readBoolean())
  if (builder instanceof Int32Builder && writer.kind === 'int' && (meaning.kind === 'int' || meaning.kind === 'date')) {
    return (cursor) => builder.append(cursor.readInt())
  }
  if (builder instanceof Int64Builder) return int64Decoder(writer, meaning, { builder, target })
  if (builder instanceof Decimal128Builder && meaning.kind === 'decimal')
    return decimalDecoder(writer, meaning.scale, { builder, target })
  if (builder instanceof FloatBuilder) {
    if (writer.kind === 'float') return (cursor) => builder.append(cursor.readFloat())
    if (writer.kind === 'double' && builder.type.kind === 'float64')
      return (cursor) => builder.append(cursor.readDouble())
  }
  return builder instanceof BytesBuilder ? bytesDecoder(writer, reader, { meaning, target, builder }) : null
}

interface BuilderContext<B> {
  readonly builder: B
  readonly target: Target
}

function int64Decoder(
  writer: Scalar,
  meaning: Meaning,
  { builder, target }: BuilderContext<Int64Builder>,
): Decode | null {
  const { type } = builder
  if (type.kind === 'decimal')
    return meaning.kind === 'decimal' ? decimalDecoder(writer, meaning.scale, { builder, target }) : null
  if (writer.kind !== 'long' && writer.kind !== 'int') return null
  const read = (cursor: AvroCursor): bigint => (writer.kind === 'int' ? BigInt(cursor.readInt()) : cursor.readLong())
  if (type.kind === 'int64') {
    if (meaning.kind === 'time') return (cursor) => putMicros(read(cursor), meaning.unit, { builder, target })
    return meaning.kind === 'int' ? (cursor) => builder.append(read(cursor)) : null
  }
  if (meaning.kind === 'date') return (cursor) => putMicros(read(cursor) * DAY_MICROS, 'micros', { builder, target })
  if (meaning.kind !== 'timestamp') return null
  const { unit } = meaning
  if (unit === 'micros') return (cursor) => builder.append(read(cursor))
  return (cursor) => putMicros(read(cursor), unit, { builder, target })
}

function putMicros(
  value: bigint,
  unit: 'millis' | 'micros' | 'nanos',
  { builder, target }: BuilderContext<Int64Builder>,
): void {
  const micros = int64Within(toMicros(value, unit))
  if (micros === null) refuse(target, `${value} ${unit}`)
  else builder.append(micros)
}

function decimalDecoder(
  writer: Scalar,
  scale: number,
  { builder, target }: BuilderContext<Int64Builder | Decimal128Builder>,
): Decode | null {
  const { type } = builder
  if (type.kind !== 'decimal' || (writer.kind !== 'bytes' && writer.kind !== 'fixed')) return null
  const up = 10n ** BigInt(Math.max(0, type.scale - scale))
  const down = 10n ** BigInt(Math.max(0, scale - type.scale))
  const limit = 10n ** BigInt(type.precision)
  return (cursor) => {
    const start = writer.kind === 'fixed' ? cursor.readFixed(writer.size) : cursor.readSpan()
    if (cursor.at - start > MAX_DECIMAL_BYTES) return refuse(target, `a decimal of ${cursor.at - start} bytes`)
    const unscaled = bigintOfBytes(cursor.bytes, start, cursor.at)
    const rescaled = scale === type.scale ? unscaled : (unscaled * up) / down
    const isExact = scale === type.scale || rescaled * down === unscaled * up
    if (isExact && rescaled < limit && rescaled > -limit) builder.append(rescaled)
    else refuse(target, formatDecimal(unscaled, scale))
  }
}

interface BytesContext extends BuilderContext<BytesBuilder> {
  readonly meaning: Meaning
}

function bytesDecoder(writer: Scalar, reader: Scalar, { meaning, target, builder }: BytesContext): Decode | null {
  if (writer.kind === 'enum' && reader.kind === 'enum') {
    const symbols = symbolBytes(writer, reader)
    return (cursor) => {
      const symbol = symbols[cursor.readIndex(symbols.length, 'enum')]!
      builder.append(symbol, 0, symbol.length)
    }
  }
  if (writer.kind === 'string' && meaning.kind === 'string') {
    return (cursor) => {
      const start = cursor.readTextSpan()
      builder.append(cursor.bytes, start, cursor.at)
    }
  }
  if (meaning.kind === 'uuid') {
    return (cursor) => {
      const start = cursor.readTextSpan()
      const text = cursor.text(start)
      if (UUID.test(text)) builder.append(cursor.bytes, start, cursor.at)
      else refuse(target, text)
    }
  }
  if (meaning.kind !== 'bytes' || (writer.kind !== 'bytes' && writer.kind !== 'fixed')) return null
  const size = reader.kind === 'fixed' ? reader.size : null
  const toText = builder.type.kind === 'string'
  return (cursor) => {
    const start = writer.kind === 'fixed' ? cursor.readFixed(writer.size) : cursor.readSpan()
    if (size !== null && cursor.at - start !== size) refuse(target, `${cursor.at - start} bytes`)
    else if (toText && !isValidUtf8(cursor.bytes, start, cursor.at)) refuse(target, 'bytes that are no UTF-8')
    else builder.append(cursor.bytes, start, cursor.at)
  }
}

/**
 * The text of each of the writer's symbols. One that the reader lacks becomes the reader's default where it has one;
 * else the contract's rule names it.
 */
export function symbolBytes(writer: Scalar & { kind: 'enum' }, reader: Scalar & { kind: 'enum' }): Uint8Array[] {
  return writer.symbols.map((symbol) =>
    Buffer.from(reader.symbols.includes(symbol) ? symbol : (reader.fallback ?? symbol)),
  )
}

/** By the canonical text, in which every scalar can be written: exact, and slower. */
function textDecoder(writer: Scalar, meaning: Meaning, target: Target): Decode {
  const read = textReader(writer, meaning)
  const write = textWriter(target.builder)
  return (cursor) => {
    const text = read(cursor)
    if (text === null || !write(text)) refuse(target, text ?? 'bytes that have no text')
  }
}

function textReader(writer: Scalar, meaning: Meaning): (cursor: AvroCursor) => string | null {
  switch (writer.kind) {
    case 'boolean':
      return (cursor) => String(cursor.readBoolean())
    case 'float':
      return (cursor) => String(cursor.readFloat())
    case 'double':
      return (cursor) => String(cursor.readDouble())
    case 'string':
      return (cursor) => cursor.text(cursor.readTextSpan())
    case 'enum':
      return (cursor) => writer.symbols[cursor.readIndex(writer.symbols.length, 'enum')]!
    case 'int':
    case 'long': {
      const read = (cursor: AvroCursor): bigint =>
        writer.kind === 'int' ? BigInt(cursor.readInt()) : cursor.readLong()
      if (meaning.kind === 'date') return (cursor) => formatDate(Number(read(cursor)))
      if (meaning.kind === 'timestamp') return (cursor) => formatTimestamp(toMicros(read(cursor), meaning.unit))
      return (cursor) => read(cursor).toString()
    }
    case 'bytes':
    case 'fixed':
      return (cursor) => {
        const start = writer.kind === 'fixed' ? cursor.readFixed(writer.size) : cursor.readSpan()
        if (meaning.kind === 'uuid-bytes') return formatUuid(cursor.bytes.subarray(start, cursor.at))
        if (meaning.kind !== 'decimal' || cursor.at - start > MAX_DECIMAL_BYTES) return null
        return formatDecimal(bigintOfBytes(cursor.bytes, start, cursor.at), meaning.scale)
      }
  }
}

function refuse(target: Target, shown: string): void {
  const { builder, path, pii, row } = target
  builder.appendNull()
  row.typeBreach(path, builder.type, quoteValue(shown, pii))
}
