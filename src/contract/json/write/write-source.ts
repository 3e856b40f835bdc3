import type { SourceValue } from '../../../ports/source-connector.ts'
import { int64Within } from '../../columns/text-writer.ts'
import { isSourceList, isSourceObject, parseSourceBoolean, sourceText } from '../../writing/source-text.ts'
import { formatDecimal, parseDecimal, parseDecimalText, parseIntegerText } from '../../../domain/decimal-text.ts'
import { formatDate, formatTimestamp, parseDateDays, parseTimestampMicros } from '../../../domain/time-text.ts'
import type { ColumnType } from '../../../domain/column-batch.ts'
import type { JsonShape } from '../shape.ts'

/** The JSON text of a value that is not null; null where the shape cannot hold it exactly. */
export type JsonToken = (value: SourceValue) => string | null

const JSON_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/

export function compileToken(shape: JsonShape): JsonToken {
  switch (shape.kind) {
    case 'text':
      return anyToken
    case 'scalar':
      return scalarToken(shape.type, shape.quoted)
    case 'list': {
      const token = orNull(shape.element)
      return (value) => (isSourceList(value) ? wrap('[', value.map(token), ']') : null)
    }
    case 'map': {
      const token = orNull(shape.value)
      return (value) =>
        isSourceObject(value)
          ? wrap(
              '{',
              Object.entries(value).map(([key, each]) => keyed(key, token(each))),
              '}',
            )
          : null
    }
    case 'struct': {
      const fields = shape.fields.map(({ name, shape: inner }) => ({
        name,
        nullable: inner.nullable,
        token: compileToken(inner),
      }))
      return (value) => {
        if (!isSourceObject(value)) return null
        const parts = fields.flatMap(({ name, nullable, token }) => {
          const each = Object.hasOwn(value, name) ? value[name]! : null
          if (each === null) return nullable ? [keyed(name, 'null')] : []
          return [keyed(name, token(each))]
        })
        return wrap('{', parts, '}')
      }
    }
  }
}

function orNull(shape: JsonShape): JsonToken {
  const token = compileToken(shape)
  return (value) => (value === null ? (shape.nullable ? 'null' : null) : token(value))
}

function scalarToken(type: ColumnType, quoted: boolean): JsonToken {
  switch (type.kind) {
    case 'boolean':
      return (value) => {
        const flag = typeof value === 'string' ? parseSourceBoolean(value.trim()) : value
        return typeof flag === 'boolean' ? String(flag) : null
      }
    case 'int32':
    case 'int64':
      return (value) => {
        const text = sourceText(value)
        const integer = text === null ? null : int64Within(parseIntegerText(text.trim()))
        return integer === null || (type.kind === 'int32' && BigInt.asIntN(32, integer) !== integer)
          ? null
          : integer.toString()
      }
    case 'decimal':
      return (value) => {
        const text = sourceText(value)
        const unscaled = text === null ? null : parseDecimal(text.trim(), type.precision, type.scale)
        if (unscaled === null) return null
        const plain = formatDecimal(unscaled, type.scale)
        return quoted ? JSON.stringify(plain) : plain
      }
    case 'float32':
    case 'float64':
      return numberToken
    case 'timestamp':
      return textToken((text) => {
        const micros = int64Within(parseTimestampMicros(text.trim()))
        return micros === null ? null : formatTimestamp(micros)
      })
    case 'date':
      return textToken((text) => {
        const days = parseDateDays(text.trim())
        return days === null ? null : formatDate(days)
      })
    case 'binary':
      return (value) => {
        const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value
        return bytes instanceof Uint8Array ? JSON.stringify(Buffer.from(bytes).toString('base64')) : null
      }
    default:
      return textToken((text) => text)
  }
}

/** Every digit that the source gave is kept; the reader takes the nearest double. */
const numberToken: JsonToken = (value) => {
  const text = sourceText(value)?.trim() ?? null
  const number = text === null ? null : parseDecimalText(text)
  if (text === null || number === null || !Number.isFinite(Number(text))) return null
  return JSON_NUMBER.test(text) ? text : `${number.digits}e${number.exponent}`
}

function textToken(convert: (text: string) => string | null): JsonToken {
  return (value) => {
    const text = sourceText(value)
    const converted = text === null || !text.isWellFormed() ? null : convert(text)
    return converted === null ? null : JSON.stringify(converted)
  }
}

const anyToken: JsonToken = (value) => {
  if (value === null) return 'null'
  if (typeof value === 'number' || typeof value === 'bigint') return numberToken(value)
  if (typeof value === 'boolean') return String(value)
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'))
  if (isSourceList(value)) return wrap('[', value.map(anyToken), ']')
  if (isSourceObject(value))
    return wrap(
      '{',
      Object.entries(value).map(([key, each]) => keyed(key, anyToken(each))),
      '}',
    )
  const text = sourceText(value)
  return text === null || !text.isWellFormed() ? null : JSON.stringify(text)
}

function keyed(key: string, token: string | null): string | null {
  return token === null || !key.isWellFormed() ? null : `${JSON.stringify(key)}:${token}`
}

function wrap(open: string, parts: readonly (string | null)[], close: string): string | null {
  return parts.includes(null) ? null : `${open}${parts.join(',')}${close}`
}
