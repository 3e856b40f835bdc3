import type { ColumnType } from '../../domain/column-batch.ts'
import { ExactNumber, type ExactJson } from '../../domain/exact-json.ts'
import { exactFloat32, int64Within, parseBoolean, parseFloatText } from '../columns/text-writer.ts'
import { formatDecimal, parseDecimal, parseIntegerText } from '../../domain/decimal-text.ts'
import { formatDate, formatTimestamp, parseDateDays, parseTimestampMicros } from '../../domain/time-text.ts'

/** The text of a JSON scalar, or null for what has none. */
export function scalarText(value: ExactJson): string | null {
  if (value instanceof ExactNumber) return value.text
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null
}

/** The one text of a value of this type (`13995` for `13995.0`); null where the text is no such value. */
export function canonicalText(type: ColumnType, text: string): string | null {
  switch (type.kind) {
    case 'string':
      return text.isWellFormed() ? text : null
    case 'boolean':
      return parseBoolean(text) === null ? null : text
    case 'int32': {
      const value = parseIntegerText(text)
      return value === null || BigInt.asIntN(32, value) !== value ? null : value.toString()
    }
    case 'int64':
      return int64Within(parseIntegerText(text))?.toString() ?? null
    case 'decimal': {
      const value = parseDecimal(text, type.precision, type.scale)
      return value === null ? null : formatDecimal(value, type.scale)
    }
    case 'float32':
    case 'float64': {
      const value = parseFloatText(text)
      const fits = type.kind === 'float32' ? exactFloat32(value) : value
      return fits === null ? null : String(fits)
    }
    case 'date': {
      const days = parseDateDays(text)
      return days === null ? null : formatDate(days)
    }
    case 'timestamp': {
      const micros = int64Within(parseTimestampMicros(text))
      return micros === null ? null : formatTimestamp(micros)
    }
    case 'binary':
    case 'list':
    case 'map':
    case 'struct':
      return null
  }
}
