import { createHmac } from 'node:crypto'
import type { JsonValue } from './dead-letter.ts'

/**
 * Masks values for what people look at: dead letters, `topic show`, messages. A mask keeps at most a hint of the shape
 * and never enough to find the value again; short values give nothing away. It is not pseudonymisation: equal masks do
 * not mean equal values.
 */

export const HIDDEN = '***'

/** The first letter is shown only where more than this many stay hidden. */
const MIN_HIDDEN = 3

const MASKS: Readonly<Record<string, (text: string) => string>> = {
  email: maskEmail,
  phone: (text) => maskTail(text, 2),
  card: (text) => maskTail(text, 4),
  iban: (text) => maskTail(text, 4),
  name: maskHead,
  address: () => HIDDEN,
  ip: () => HIDDEN,
}

/** `kind` is the contract's word (`email`, `phone`, `card`, `iban`, `name`, …); an unknown kind hides everything. */
export function maskValue(kind: string, value: JsonValue): JsonValue {
  if (value === null) return null
  if (typeof value !== 'string') return HIDDEN
  return (Object.hasOwn(MASKS, kind) ? MASKS[kind]! : () => HIDDEN)(value)
}

/**
 * What `on_ingest: hash` lands instead of a value: HMAC-SHA-256 (RFC 2104) under `key` of the kind, a zero byte and the
 * value's canonical bytes, in hex. Equal values of one kind have equal tokens in every table, so that tables join; equal
 * values of two kinds do not. A pseudonym, not anonymity: who has the key can test a guess.
 */
export function hashToken(key: string, kind: string, value: Uint8Array): string {
  return createHmac('sha256', key).update(kind).update('\0').update(value).digest('hex')
}

/** Keeps names and nesting, hides every value. */
export function maskAll(value: JsonValue): JsonValue {
  if (value === null) return null
  if (typeof value !== 'object') return HIDDEN
  if (isList(value)) return value.map(maskAll)
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, maskAll(each)]))
}

function maskEmail(text: string): string {
  const at = text.lastIndexOf('@')
  const dot = text.lastIndexOf('.')
  if (at <= MIN_HIDDEN || dot < at) return HIDDEN
  return `${firstCodePoint(text)}${HIDDEN}@${HIDDEN}${text.slice(dot).length <= 7 ? text.slice(dot) : ''}`
}

function maskTail(text: string, shown: number): string {
  const digits = text.replace(/[^0-9A-Za-z]/g, '')
  return digits.length < shown + 2 * MIN_HIDDEN ? HIDDEN : `${HIDDEN}${digits.slice(-shown)}`
}

function maskHead(text: string): string {
  return Array.from(text).length <= MIN_HIDDEN ? HIDDEN : `${firstCodePoint(text)}${HIDDEN}`
}

function firstCodePoint(text: string): string {
  return String.fromCodePoint(text.codePointAt(0)!)
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}
