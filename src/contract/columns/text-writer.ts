import { parseDateDays, parseTimestampMicros } from '../../domain/time-text.ts'
import { parseDecimal, parseExactDouble, parseIntegerText } from '../../domain/decimal-text.ts'
import type { ColumnBuilder } from './builder.ts'
import { BytesBuilder } from './bytes-builder.ts'
import { BooleanBuilder, Decimal128Builder, FloatBuilder, Int32Builder, Int64Builder } from './scalar-builders.ts'

/** Appends the value that a text stands for; false, with nothing appended, where the text does not fit without loss. */
export type TextWriter = (text: string) => boolean

const INT32_MAX = 0x7fffffffn
export const INT64_MAX = 0x7fffffffffffffffn

/**
 * The one algebra of casts: every scalar has a canonical text, and every scalar column takes the texts that it can
 * hold exactly. Nested columns take none.
 */
export function textWriter(builder: ColumnBuilder): TextWriter {
  if (builder instanceof BytesBuilder) return bytesWriter(builder)
  if (builder instanceof Int64Builder) return int64Writer(builder)
  if (builder instanceof Decimal128Builder) {
    const { precision, scale } = builder.type
    return (text) => take(parseDecimal(text, precision, scale), (value) => builder.append(value))
  }
  if (builder instanceof Int32Builder) {
    return builder.type.kind === 'date'
      ? (text) => take(parseDateDays(text), (value) => builder.append(value))
      : (text) => take(within(parseIntegerText(text), INT32_MAX), (value) => builder.append(Number(value)))
  }
  if (builder instanceof FloatBuilder) {
    return builder.type.kind === 'float64'
      ? (text) => take(parseFloatText(text), (value) => builder.append(value))
      : (text) => take(exactFloat32(parseFloatText(text)), (value) => builder.append(value))
  }
  if (builder instanceof BooleanBuilder) {
    return (text) => take(parseBoolean(text), (value) => builder.append(value))
  }
  return () => false
}

export function int64Within(value: bigint | null): bigint | null {
  return within(value, INT64_MAX)
}

/** `NaN`, `Infinity` and `-Infinity` are how JavaScript, Java and Python write them. */
export function parseFloatText(text: string): number | null {
  if (text === 'NaN') return Number.NaN
  if (text === 'Infinity') return Number.POSITIVE_INFINITY
  if (text === '-Infinity') return Number.NEGATIVE_INFINITY
  return parseExactDouble(text)
}

export function exactFloat32(value: number | null): number | null {
  return value !== null && (Number.isNaN(value) || Math.fround(value) === value) ? value : null
}

export function parseBoolean(text: string): boolean | null {
  return text === 'true' ? true : text === 'false' ? false : null
}

function bytesWriter(builder: BytesBuilder): TextWriter {
  return (text) => {
    if (!text.isWellFormed()) return false
    builder.appendText(text)
    return true
  }
}

function int64Writer(builder: Int64Builder): TextWriter {
  const { type } = builder
  switch (type.kind) {
    case 'int64':
      return (text) => take(int64Within(parseIntegerText(text)), (value) => builder.append(value))
    case 'timestamp':
      return (text) => take(int64Within(parseTimestampMicros(text)), (value) => builder.append(value))
    case 'decimal':
      return (text) => take(parseDecimal(text, type.precision, type.scale), (value) => builder.append(value))
  }
}

function within(value: bigint | null, max: bigint): bigint | null {
  return value === null || value > max || value < -max - 1n ? null : value
}

function take<T>(value: T | null, append: (value: T) => void): boolean {
  if (value === null) return false
  append(value)
  return true
}
