import { ExactNumber, type ExactJson } from '../../../domain/exact-json.ts'
import type { ColumnBuilder } from '../../columns/builder.ts'
import { BytesBuilder } from '../../columns/bytes-builder.ts'
import { BooleanBuilder, FloatBuilder, Int32Builder, Int64Builder } from '../../columns/scalar-builders.ts'
import { textWriter } from '../../columns/text-writer.ts'
import { scalarText } from '../../rules/canonical-text.ts'
import { quickDateDays, quickDecimal, quickTimestampMicros } from '../../values/quick-text.ts'

/** Appends a value; false, with nothing appended, where the column cannot hold it without loss. */
export type ScalarWriter = (value: ExactJson) => boolean

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** A JSON scalar into a scalar column: strings are no numbers here, except where the column is a decimal. */
export function scalarWriter(builder: ColumnBuilder): ScalarWriter {
  if (builder instanceof BooleanBuilder) {
    return (value) => {
      if (typeof value !== 'boolean') return false
      builder.append(value)
      return true
    }
  }
  if (builder instanceof FloatBuilder) {
    // A number in JSON text is a double to most who write it: the nearest is what they meant, but where none is near.
    const nearest = builder.type.kind === 'float32' ? Math.fround : Number
    return (value) => {
      const number = value instanceof ExactNumber ? Number(value.text) : value
      if (typeof number !== 'number' || !Number.isFinite(nearest(number))) return false
      builder.append(number)
      return true
    }
  }
  if (builder instanceof BytesBuilder) return bytesWriter(builder)
  const whole = textScalarWriter(builder)
  const quick = quickWriter(builder)
  return quick === null ? whole : (value) => quick(value) || whole(value)
}

function bytesWriter(builder: BytesBuilder): ScalarWriter {
  if (builder.type.kind === 'string') {
    return (value) => {
      if (typeof value !== 'string' || !value.isWellFormed()) return false
      builder.appendText(value)
      return true
    }
  }
  return (value) => {
    if (typeof value !== 'string' || !BASE64.test(value)) return false
    const bytes = Buffer.from(value, 'base64')
    builder.append(bytes, 0, bytes.length)
    return true
  }
}

/** What most values look like; false leaves a value to its text. */
function quickWriter(builder: ColumnBuilder): ScalarWriter | null {
  if (builder instanceof Int32Builder) {
    if (builder.type.kind === 'date') return quickText(quickDateDays, (days) => builder.append(days))
    return (value) => {
      if (typeof value !== 'number' || (value | 0) !== value) return false
      builder.append(value)
      return true
    }
  }
  if (!(builder instanceof Int64Builder)) return null
  const { type } = builder
  switch (type.kind) {
    case 'timestamp':
      return quickText(quickTimestampMicros, (micros) => builder.appendNumber(micros))
    case 'int64':
      return (value) => {
        if (!Number.isSafeInteger(value)) return false
        builder.appendNumber(value as number)
        return true
      }
    case 'decimal': {
      const { scale } = type
      const limit = 10 ** Math.min(type.precision, 15)
      return (value) => {
        const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value : ''
        const unscaled = quickDecimal(text, scale)
        if (unscaled === null || unscaled >= limit || unscaled <= -limit) return false
        builder.appendNumber(unscaled)
        return true
      }
    }
  }
}

function quickText(read: (text: string) => number | null, append: (value: number) => void): ScalarWriter {
  return (value) => {
    const number = typeof value === 'string' ? read(value) : null
    if (number === null) return false
    append(number)
    return true
  }
}

function textScalarWriter(builder: ColumnBuilder): ScalarWriter {
  const write = textWriter(builder)
  const { kind } = builder.type
  const textual = kind === 'date' || kind === 'timestamp'
  return (value) => {
    const quoted = typeof value === 'string'
    if (typeof value === 'boolean' || (quoted !== textual && !(quoted && kind === 'decimal'))) return false
    const text = scalarText(value)
    return text !== null && write(text)
  }
}
