import type { ColumnType } from '../domain/column-batch.ts'
import { ExactNumber, type ExactJson } from '../domain/exact-json.ts'

/** Values of suites in SQL of the portable dialect: nothing of them can end a literal or be read as SQL (I14). */

/** A backslash is an escape on one engine and a character on another: it is written as `chr(92)`. */
export function sqlText(text: string): string {
  const quoted = text.split('\\').map((part) => `'${part.replaceAll("'", "''")}'`)
  return quoted.length === 1 ? quoted[0]! : `concat(${quoted.join(', chr(92), ')})`
}

const TIME = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2}(?:\.\d{1,6})?))?(?:Z|\+00:?00)?)?$/
const ZONED = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?[+-]\d{2}:?\d{2}$/

/** The value as a literal of the column's type; null where it is no value of that type. */
export function sqlLiteral(value: ExactJson, type: ColumnType): string | null {
  switch (type.kind) {
    case 'boolean':
      return typeof value === 'boolean' ? String(value) : null
    case 'int32':
    case 'int64':
    case 'float32':
    case 'float64':
    case 'decimal':
      return sqlNumber(value)
    case 'string':
      return typeof value === 'string' && !value.includes('\0') ? sqlText(value) : null
    case 'date':
    case 'timestamp':
      return typeof value === 'string' ? sqlTime(value) : null
    case 'binary':
    case 'list':
    case 'map':
    case 'struct':
      return null
  }
}

export function sqlNumber(value: ExactJson): string | null {
  const text = value instanceof ExactNumber ? value.text : typeof value === 'number' ? String(value) : null
  return text !== null && /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text) ? text : null
}

/** A day is its first instant; without a zone a time is UTC. */
function sqlTime(text: string): string | null {
  const utc = ZONED.test(text) ? isoText(Date.parse(text)) : text
  const parts = TIME.exec(utc)
  if (parts === null || Number.isNaN(Date.parse(`${parts[1]}T${parts[2] ?? '00:00'}Z`))) return null
  return `timestamp '${parts[1]} ${parts[2] ?? '00:00'}:${parts[3] ?? '00'}'`
}

export function sqlInstant(ms: number): string {
  return sqlTime(isoText(ms)) ?? `timestamp '1970-01-01 00:00:00'`
}

function isoText(ms: number): string {
  return Number.isNaN(ms) ? '' : new Date(ms).toISOString()
}
