import type { JsonValue } from './dead-letter.ts'

/**
 * JSON without loss of digits: `JSON.parse` rounds what a double cannot hold (longs past 2^53, long decimals). Here a
 * number whose text and double differ in value stays as its text.
 */

export class ExactNumber {
  /** As it stands in the document. */
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export type ExactJson =
  | null
  | boolean
  | number
  | string
  | ExactNumber
  | readonly ExactJson[]
  | { readonly [key: string]: ExactJson }

export interface ExactDocument {
  readonly value: ExactJson
  /** True where no number needed to stay text: `value` then equals what `JSON.parse` gives. */
  readonly plain: boolean
}

/**
 * Where no number of a document looks like this, a double holds each of them: up to 15 digits round-trip, as does
 * a whole number below 9 × 10^15, and without an exponent they are of a size that a double has. Texts inside the document may look so too; that costs time and no more.
 */
const LONG_NUMBER = 16
const EXPONENT = /[0-9][eE][-+0-9]/
const AT_NUMBER = /(?:^|[[,:\s])-?(?:9[0-9]{15}|[0-9.]{17}|[0-9.]+[eE])/

/**
 * Documents nested deeper are refused: whoever walks one goes as deep, and a stack's end is not the same place twice, so
 * it must not be what decides. Other readers stop at 64 to 1,000.
 */
export const MAX_JSON_DEPTH = 256

/** Each takes a hundred bytes once it is read, more than the heap of a thread has for the largest records. */
export const MAX_JSON_VALUES = 500_000

/** Throws SyntaxError (never shown to users: its text quotes the document), or RangeError past these bounds. */
export function parseExactJson(text: string): ExactDocument {
  if (text.length > MAX_JSON_VALUES * 2 || opensMany(text)) checkSize(text)
  if (!((hasLongNumber(text) || EXPONENT.test(text)) && AT_NUMBER.test(text))) {
    return { value: JSON.parse(text) as ExactJson, plain: true }
  }
  let plain = true
  const value = JSON.parse(text, (_key: string, each: unknown, ...rest: readonly { readonly source?: string }[]) => {
    if (typeof each !== 'number') return each
    const source = rest[0]?.source
    if (source === undefined || String(each) === source || sameNumber(String(each), source)) return each
    plain = false
    return new ExactNumber(source)
  }) as ExactJson
  return { value, plain }
}

/** Few documents open so many objects and lists at all; only in those is it counted how deep they stand. */
function opensMany(text: string): boolean {
  if (text.length <= MAX_JSON_DEPTH) return false
  let left = MAX_JSON_DEPTH
  for (const opening of ['{', '[']) {
    for (let at = text.indexOf(opening); at >= 0; at = text.indexOf(opening, at + 1)) {
      left -= 1
      if (left < 0) return true
    }
  }
  return false
}

/** Of what is no document, anything may be found. */
function checkSize(text: string): void {
  let [depth, values, quoted] = [0, 1, false]
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (quoted) {
      if (code === 92) at += 1
      else if (code === 34) quoted = false
    } else if (code === 34) quoted = true
    else if (code === 44) values += 1
    else if (code === 123 || code === 91) {
      depth += 1
      values += 1
      if (depth > MAX_JSON_DEPTH) throw new RangeError(`it is nested deeper than ${MAX_JSON_DEPTH}`)
    } else if (code === 125 || code === 93) depth -= 1
  }
  if (values > MAX_JSON_VALUES) throw new RangeError(`it holds more than ${MAX_JSON_VALUES} values`)
}

/** A run of so many digits and dots covers every so manieth place. */
function hasLongNumber(text: string): boolean {
  for (let at = LONG_NUMBER - 1; at < text.length; at += LONG_NUMBER) {
    let [from, to] = [at, at]
    while (from >= 0 && isDigitOrDot(text.charCodeAt(from))) from -= 1
    if (from === at) continue
    while (to < text.length && isDigitOrDot(text.charCodeAt(to))) to += 1
    if (to - from > LONG_NUMBER) return true
  }
  return false
}

function isDigitOrDot(code: number): boolean {
  return (code >= 48 && code <= 57) || code === 46
}

/** One text for all documents of equal content: keys sorted, no white space, numbers with every digit. */
export function canonicalJson(text: string): string {
  const out: string[] = []
  writeCanonical(parseExactJson(text).value, out)
  return out.join('')
}

export function isExactObject(value: ExactJson | undefined): value is { readonly [key: string]: ExactJson } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber)
}

/** Plain JSON for showing: a number that a double cannot hold becomes a string. */
export function showExact(value: ExactJson): JsonValue {
  if (value instanceof ExactNumber) return value.text
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (isExactArray(value)) return value.map(showExact)
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, showExact(each)]))
}

/** Values that keep every digit: a whole number that a double cannot hold is a bigint, any other its text. */
export type PlainExact =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly PlainExact[]
  | { readonly [key: string]: PlainExact }

export function plainExact(value: ExactJson): PlainExact {
  if (value instanceof ExactNumber) return /^-?\d+$/.test(value.text) ? BigInt(value.text) : value.text
  if (typeof value !== 'object' || value === null) return value
  if (isExactArray(value)) return value.map(plainExact)
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plainExact(each)]))
}

export function isExactArray(value: ExactJson | undefined): value is readonly ExactJson[] {
  return Array.isArray(value)
}

/** JSON text with every digit, keys in their order. */
export function stringifyExact(value: ExactJson): string {
  if (value instanceof ExactNumber) return value.text
  if (isExactArray(value)) return `[${value.map(stringifyExact).join(',')}]`
  if (!isExactObject(value)) return JSON.stringify(value)
  return `{${Object.entries(value)
    .map(([key, each]) => `${JSON.stringify(key)}:${stringifyExact(each)}`)
    .join(',')}}`
}

function writeCanonical(value: ExactJson, out: string[]): void {
  if (value instanceof ExactNumber) {
    out.push(value.text)
  } else if (isExactArray(value)) {
    out.push('[')
    value.forEach((each, i) => {
      if (i > 0) out.push(',')
      writeCanonical(each, out)
    })
    out.push(']')
  } else if (isExactObject(value)) {
    out.push('{')
    Object.keys(value)
      .sort()
      .forEach((key, i) => {
        out.push(i > 0 ? ',' : '', JSON.stringify(key), ':')
        writeCanonical(value[key]!, out)
      })
    out.push('}')
  } else {
    out.push(JSON.stringify(value))
  }
}

/** True where two JSON number texts stand for one number (`1.0` and `1`, `1e2` and `100`). */
function sameNumber(a: string, b: string): boolean {
  const left = normal(a)
  const right = normal(b)
  return left !== null && right !== null && left === right
}

function normal(text: string): string | null {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)
  if (match === null) return null
  const fraction = match[3] ?? ''
  const digits = (match[2]! + fraction).replace(/^0+/, '')
  const kept = trimZeros(digits)
  if (kept === '') return '0'
  const exponent = Number(match[4] ?? '0') - fraction.length + (digits.length - kept.length)
  return `${match[1]}${kept}e${exponent}`
}

function trimZeros(digits: string): string {
  let end = digits.length
  while (end > 0 && digits.charCodeAt(end - 1) === 48) end -= 1
  return digits.slice(0, end)
}
