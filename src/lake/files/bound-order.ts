import type { ColumnType } from '../../domain/column-batch.ts'
import { exactDigits, type LogJson } from '../log/log-json.ts'

/** A value that can be put in order: numbers and integers by size, texts as their UTF-8 bytes. */
export type Ordered = number | bigint | Uint8Array

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/
/** Partition folders of other writers have a space, no zone, and up to nine digits of a second. */
const INSTANT = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})?$/
const DATE = /^\d{4}-\d{2}-\d{2}$/
const DAY_MS = 86_400_000

/**
 * A value of a column in JSON or text form as something to order, or null where it cannot be told: then it bounds
 * nothing. Decimals are scaled to the column's scale; timestamps are microseconds.
 */
export function orderedValue(type: ColumnType, value: LogJson | undefined): Ordered | null {
  switch (type.kind) {
    case 'int32':
    case 'int64':
      return integerOf(value)
    case 'float32':
    case 'float64':
      return floatOf(value)
    case 'decimal':
      return decimalOf(value, type.scale)
    case 'string':
      return typeof value === 'string' ? Buffer.from(value) : null
    case 'date':
      return typeof value === 'string' && DATE.test(value) ? Date.parse(value) / DAY_MS : null
    case 'timestamp':
      return typeof value === 'string' ? microsOf(value) : typeof value === 'bigint' ? value : null
    case 'boolean':
      return value === true || value === 'true' ? 1 : value === false || value === 'false' ? 0 : null
    default:
      return null
  }
}

/** Both must come from one column. */
export function compareOrdered(a: Ordered, b: Ordered): number {
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return Buffer.compare(a instanceof Uint8Array ? a : Buffer.alloc(0), b instanceof Uint8Array ? b : Buffer.alloc(0))
  }
  return a < b ? -1 : a > b ? 1 : 0
}

function integerOf(value: LogJson | undefined): bigint | null {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : null
  return typeof value === 'string' && /^-?\d+$/.test(value) ? BigInt(value) : null
}

function floatOf(value: LogJson | undefined): number | null {
  const text = exactDigits(value) ?? value
  const number = typeof text === 'string' && text.trim() !== '' ? Number(text) : text
  return typeof number === 'number' && !Number.isNaN(number) ? number : null
}

/** Null too where the text has more digits than the scale: then no exact place in the order is known. */
function decimalOf(value: LogJson | undefined, scale: number): bigint | null {
  const text = typeof value === 'number' || typeof value === 'bigint' ? value.toString() : (exactDigits(value) ?? value)
  const match = typeof text === 'string' ? DECIMAL.exec(text) : null
  if (match === null) return null
  const fraction = (match[3] ?? '').replace(/0+$/, '')
  if (fraction.length > scale) return null
  const unscaled = BigInt(match[2]! + fraction.padEnd(scale, '0'))
  return match[1] === '-' ? -unscaled : unscaled
}

function microsOf(text: string): bigint | null {
  const match = INSTANT.exec(text)
  if (match === null) return DATE.test(text) ? BigInt(Date.parse(text)) * 1000n : null
  const seconds = Date.parse(`${match[1]}T${match[2]}${match[4] ?? 'Z'}`)
  if (Number.isNaN(seconds)) return null
  return BigInt(seconds) * 1000n + BigInt((match[3] ?? '').padEnd(6, '0').slice(0, 6) || '0')
}
