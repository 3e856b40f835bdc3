/**
 * Values of snowflake-sdk as text with every digit. The SDK gives numbers as the server's own text (`fetchAsString`),
 * texts as they are, and times as dates of its own with seconds and nanoseconds apart, which are read here and not as
 * the session's output formats, whatever those are, would write them.
 */

/** What of a result's column is asked; a part of the SDK's own. */
export interface ResultColumn {
  isDate(): boolean
  isTimestampNtz(): boolean
  isTimestamp(): boolean
  isNumber(): boolean
}

export type Cell = string | null | Uint8Array

interface SnowflakeDate {
  getEpochSeconds(): number
  getNanoSeconds(): number
  getScale(): number
}

export function cellOf(column: ResultColumn): (value: unknown) => Cell {
  if (column.isDate()) return (value) => (value === null ? null : dayText(dateOf(value)))
  if (column.isTimestamp()) {
    const zone = column.isTimestampNtz() ? '' : '+00:00'
    return (value) => (value === null ? null : momentText(dateOf(value), zone))
  }
  if (column.isNumber()) return (value) => (value === null ? null : numberText(scalarText(value)))
  return (value) => {
    if (value === null || typeof value === 'string') return value
    if (value instanceof Uint8Array) return new Uint8Array(value)
    return scalarText(value)
  }
}

function scalarText(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  throw new TypeError(`snowflake-sdk gave a ${typeof value} where text was asked for`)
}

function numberText(text: string): string {
  return FLOATS[text.toLowerCase()] ?? text
}

/** How Snowflake writes what is no number, and how everyone else does. */
const FLOATS: Readonly<Record<string, string>> = {
  inf: 'Infinity',
  '-inf': '-Infinity',
  nan: 'NaN',
}

function dayText(date: SnowflakeDate): string {
  return isoText(date.getEpochSeconds()).slice(0, -'T00:00:00'.length)
}

/** `2026-01-02T03:04:05.123456789`, with as many digits as the column has. */
function momentText(date: SnowflakeDate, zone: string): string {
  const scale = date.getScale()
  const fraction = scale === 0 ? '' : `.${String(date.getNanoSeconds()).padStart(9, '0').slice(0, scale)}`
  return isoText(date.getEpochSeconds()) + fraction + zone
}

/** Years that need more than four digits keep their sign, as ISO 8601 has it. */
function isoText(epochSeconds: number): string {
  return new Date(epochSeconds * 1000).toISOString().slice(0, -'.000Z'.length)
}

function dateOf(value: unknown): SnowflakeDate {
  if (typeof value === 'object' && value !== null && 'getEpochSeconds' in value) return value as SnowflakeDate
  throw new TypeError(`snowflake-sdk gave a ${typeof value} where a time was asked for`)
}

/** Of a time with its zone; digits past the third of a second are cut off. */
export function epochMs(text: string): number {
  return Date.parse(text.replace(/(\.\d{3})\d+/, '$1'))
}
