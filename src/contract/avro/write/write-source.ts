import type { SourceValue } from '../../../ports/source-connector.ts'
import { exactFloat32, int64Within, parseFloatText } from '../../columns/text-writer.ts'
import { isSourceList, isSourceObject, parseSourceBoolean, sourceText } from '../../writing/source-text.ts'
import {
  bytesOfBigint,
  fitsPrecision,
  parseDecimalText,
  parseIntegerText,
  scaleExactly,
} from '../../../domain/decimal-text.ts'
import { quickDecimal, quickTimestampMicros } from '../../values/quick-text.ts'
import { floorDivide, parseDateDays, parseTimeMicros, parseTimestampNanos } from '../../../domain/time-text.ts'
import type { AvroLogical } from '../logical.ts'
import { isNullable } from '../column-types.ts'
import type { AvroField, AvroRecord, AvroType } from '../schema.ts'
import type { AvroWriter } from './writer.ts'

/** `text`: the source has text alone, so '' may stand for null and numbers come as text. */
export type SourceForm = 'text' | 'typed'

/** False, with nothing kept, where the type cannot hold the value exactly. */
export type WriteSource = (value: SourceValue, form: SourceForm, out: AvroWriter) => boolean

export function compileWrite(type: AvroType): WriteSource {
  const write = isNullable(type) ? emptyAsNull(writerOf(type)) : writerOf(type)
  return (value, form, out) => {
    const start = out.length
    const written = write(value, form, out)
    if (!written) out.truncate(start)
    return written
  }
}

function emptyAsNull(write: WriteSource): WriteSource {
  return (value, form, out) => write(form === 'text' && value === '' ? null : value, form, out)
}

function writerOf(type: AvroType): WriteSource {
  switch (type.kind) {
    case 'null':
      return (value) => value === null
    case 'boolean':
      return writeBoolean
    case 'int':
    case 'long':
      return integerWriter(type.kind, type.logical)
    case 'float':
    case 'double':
      return floatWriter(type.kind)
    case 'string':
      return writeString
    case 'bytes':
      return type.logical?.kind === 'decimal' ? decimalWriter(type.logical) : writeBytes
    case 'fixed':
      return type.logical?.kind === 'decimal'
        ? decimalWriter(type.logical, type.size)
        : fixedWriter(type.size, type.logical)
    case 'enum':
      return enumWriter(type.symbols)
    case 'union':
      return unionWriter(type.branches)
    case 'array': {
      const write = lazily(type.items)
      return (value, form, out) => {
        if (!isSourceList(value)) return false
        if (value.length > 0) out.writeSmall(value.length)
        const written = value.every((each) => write()(each, form, out))
        out.writeSmall(0)
        return written
      }
    }
    case 'map':
      return mapWriter(lazily(type.values))
    case 'record':
      return recordWriter(type)
  }
}

/** Compiled at first use: a type may hold itself. */
function lazily(type: AvroType): () => WriteSource {
  let made: WriteSource | null = null
  return () => (made ??= compileWrite(type))
}

const writeBoolean: WriteSource = (value, _form, out) => {
  const flag = typeof value === 'string' ? parseSourceBoolean(value.trim()) : value
  if (typeof flag !== 'boolean') return false
  out.writeBoolean(flag)
  return true
}

function integerWriter(kind: 'int' | 'long', logical: AvroLogical | null): WriteSource {
  const parse = integerParser(logical)
  return (value, _form, out) => {
    const parsed = typeof value === 'bigint' && logical === null ? value : textOr(value, parse)
    const fits = kind === 'int' ? parsed !== null && BigInt.asIntN(32, parsed) === parsed : int64Within(parsed) !== null
    if (parsed === null || !fits) return false
    out.writeLong(parsed)
    return true
  }
}

/**
 * Exact integers in decimal or exponent text (`13995.0`); dates and times in ISO 8601, a space for the T, with or
 * without a zone (none is UTC). What is finer than the unit is refused, except that nanoseconds are floored to
 * microseconds.
 */
function integerParser(logical: AvroLogical | null): (text: string) => bigint | null {
  switch (logical?.kind) {
    case 'date':
      return (text) => {
        const days = parseDateDays(text)
        if (days !== null) return BigInt(days)
        const nanos = parseTimestampNanos(text)
        return nanos === null ? null : divideExactly(nanos, 86_400_000_000_000n)
      }
    case 'time': {
      const { unit } = logical
      return (text) => {
        const micros = parseTimeMicros(text)
        return micros === null || unit === 'micros' ? micros : divideExactly(micros, 1000n)
      }
    }
    case 'timestamp': {
      const { unit } = logical
      return (text) => {
        const quick = unit === 'micros' ? quickTimestampMicros(text) : null
        if (quick !== null) return BigInt(quick)
        const nanos = parseTimestampNanos(text)
        if (nanos === null || unit === 'nanos') return nanos
        const micros = floorDivide(nanos, 1000n)
        return unit === 'micros' ? micros : divideExactly(micros, 1000n)
      }
    }
    default:
      return parseIntegerText
  }
}

function divideExactly(value: bigint, by: bigint): bigint | null {
  return value % by === 0n ? value / by : null
}

/** Texts take the nearest double, as every reader of decimal text does; a float must be that double exactly. */
function floatWriter(kind: 'float' | 'double'): WriteSource {
  return (value, _form, out) => {
    const number = typeof value === 'number' ? value : textOr(value, parseNearest)
    if (number === null) return false
    if (kind === 'double') out.writeDouble(number)
    else if (typeof value === 'string' || exactFloat32(number) !== null) out.writeFloat(number)
    else return false
    return true
  }
}

function parseNearest(text: string): number | null {
  if (parseDecimalText(text) === null) return parseFloatText(text)
  const number = Number(text)
  return Number.isFinite(number) ? number : null
}

const writeString: WriteSource = (value, _form, out) => {
  const text = sourceText(value)
  if (text === null || !text.isWellFormed()) return false
  out.writeText(text)
  return true
}

const writeBytes: WriteSource = (value, _form, out) => {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value
  if (!(bytes instanceof Uint8Array)) return false
  out.writeBytes(bytes)
  return true
}

function fixedWriter(size: number, logical: AvroLogical | null): WriteSource {
  return (value, _form, out) => {
    const hex = typeof value === 'string' && logical?.kind === 'uuid' ? value.replaceAll('-', '') : null
    const bytes = hex !== null && /^[0-9a-fA-F]{32}$/.test(hex) ? Buffer.from(hex, 'hex') : value
    if (!(bytes instanceof Uint8Array) || bytes.length !== size) return false
    out.writeFixed(bytes)
    return true
  }
}

function decimalWriter(
  { precision, scale }: { readonly precision: number; readonly scale: number },
  size?: number,
): WriteSource {
  // Fifteen digits at the most, so that all of the arithmetic is exact.
  const limit = 10 ** Math.min(precision, 15)
  return (value, _form, out) => {
    const quick = size === undefined && typeof value === 'string' ? quickDecimal(value, scale) : null
    if (quick !== null && quick < limit && quick > -limit) {
      out.writeUnscaled(quick)
      return true
    }
    const number = textOr(value, parseDecimalText)
    const unscaled = number === null ? null : scaleExactly(number, scale)
    if (unscaled === null || !fitsPrecision(unscaled, precision)) return false
    const bytes = bytesOfBigint(unscaled, size)
    if (bytes === null) return false
    if (size === undefined) out.writeBytes(bytes)
    else out.writeFixed(bytes)
    return true
  }
}

function enumWriter(symbols: readonly string[]): WriteSource {
  return (value, _form, out) => {
    const index = typeof value === 'string' ? symbols.indexOf(value) : -1
    if (index >= 0) out.writeSmall(index)
    return index >= 0
  }
}

/** The first branch that takes the value; text from a text-only source is tried as a string last. */
function unionWriter(branches: readonly AvroType[]): WriteSource {
  const writes = branches.map((branch, index) => ({ index, branch, write: compileWrite(branch) }))
  const isString = ({ branch }: { readonly branch: AvroType }): number => Number(branch.kind === 'string')
  const stringsLast = writes.toSorted((a, b) => isString(a) - isString(b))
  // A typed text prefers the string branch to a number that it happens to spell.
  const stringsFirst = writes.toSorted((a, b) => isString(b) - isString(a))
  return (value, form, out) => {
    const start = out.length
    for (const { index, write } of typeof value === 'string' && form === 'typed' ? stringsFirst : stringsLast) {
      out.writeSmall(index)
      if (write(value, form, out)) return true
      out.truncate(start)
    }
    return false
  }
}

function mapWriter(write: () => WriteSource): WriteSource {
  return (value, form, out) => {
    if (!isSourceObject(value)) return false
    const entries = Object.entries(value)
    if (entries.length > 0) out.writeSmall(entries.length)
    for (const [key, each] of entries) {
      if (!key.isWellFormed()) return false
      out.writeText(key)
      if (!write()(each, form, out)) return false
    }
    out.writeSmall(0)
    return true
  }
}

function recordWriter(type: AvroRecord): WriteSource {
  const fields = type.fields.map((field: AvroField) => ({ name: field.name, write: lazily(field.type) }))
  return (value, form, out) =>
    isSourceObject(value) &&
    fields.every(({ name, write }) => write()(Object.hasOwn(value, name) ? value[name]! : null, form, out))
}

function textOr<T>(value: SourceValue, parse: (text: string) => T | null): T | null {
  const text = sourceText(value)
  return text === null ? null : parse(text.trim())
}
