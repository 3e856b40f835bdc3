/**
 * JSON in which integers keep every digit: an integer beyond 2^53 is read as a bigint, and a bigint is written as a
 * plain number. Delta's `txn.version` and the statistics of 64-bit columns need this.
 */

export type LogJson = null | boolean | number | bigint | string | readonly LogJson[] | LogObject
export interface LogObject {
  readonly [key: string]: LogJson | undefined
}

const LONG_NUMBER = /\d{16}/
const INTEGER = /^-?\d+$/

/** Throws SyntaxError on what is no JSON. The slower exact way is taken only where a long run of digits occurs. */
export function parseLogJson(text: string): LogJson {
  return LONG_NUMBER.test(text) ? JSON.parse(text, reviveExactly) : JSON.parse(text)
}

export function writeLogJson(value: LogJson): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? rawJson(item.toString()) : item))
}

/** A number as it stands in `text`, digit for digit. Only for text that is a JSON number. */
export function rawJson(text: string): LogJson {
  return (JSON as unknown as { rawJSON(text: string): LogJson }).rawJSON(text)
}

export function isObject(value: LogJson | undefined): value is LogObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The source text of a number: standard, though not yet in the compiler's library. */
function reviveExactly(this: unknown, _key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
  const source = context?.source
  return source !== undefined && INTEGER.test(source) ? BigInt(source) : value
}
