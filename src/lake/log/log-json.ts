/**
 * JSON in which numbers keep every digit: an integer beyond 2^53 is read as a bigint, and a bigint is written as a plain
 * number; a fraction that a double would round is read as its digits (`exactDigits`), and written as them. Delta's
 * `txn.version` and the statistics of 64-bit and decimal columns need this.
 */

export type LogJson = null | boolean | number | bigint | string | readonly LogJson[] | LogObject
export interface LogObject {
  readonly [key: string]: LogJson | undefined
}

const LONG_NUMBER = /[\d.]{16}/
const INTEGER = /^-?\d+$/
const FRACTION = /^-?\d+\.\d+$/

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
  return typeof value === 'object' && value !== null && !Array.isArray(value) && exactDigits(value) === null
}

/** The digits of a number that is held as they are; null for all else. */
export function exactDigits(value: LogJson | undefined): string | null {
  const json = JSON as unknown as { isRawJSON(value: unknown): value is { readonly rawJSON: string } }
  return json.isRawJSON(value) ? value.rawJSON : null
}

/** The source text of a number: standard, though not yet in the compiler's library. */
function reviveExactly(this: unknown, _key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source
  if (typeof value !== 'number' || source === undefined) return value
  if (FRACTION.test(source)) return isSameNumber(value, source) ? value : rawJson(source)
  return INTEGER.test(source) && !Number.isSafeInteger(value) ? BigInt(source) : value
}

/** Whether the number's own digits are those of the text, but for zeros at its end. */
function isSameNumber(value: number, source: string): boolean {
  return String(value) === source || String(value) === source.replace(/\.?0+$/, '')
}
