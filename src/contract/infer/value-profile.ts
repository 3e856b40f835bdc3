import type { SourceValue } from '../../ports/source-connector.ts'
import { parseDateDays, parseTimestampNanos } from '../../domain/time-text.ts'
import { isSourceList, isSourceObject, sourceText } from '../writing/source-text.ts'

const MAX_SEEN = 24
const MAX_SEEN_LENGTH = 40
/** An object with more keys than this is a map, not a record. */
const MAX_KEYS = 60

const INTEGER = /^[+-]?\d+$/
const DECIMAL = /^[+-]?\d*\.\d+$|^[+-]?\d+\.$/
const EXPONENT = /^[+-]?(\d+\.?\d*|\.\d+)[eE][+-]?\d{1,3}$/
const BOOLEAN = /^(true|false)$/i
const ZONE = /(Z|z|[+-]\d\d(:?\d\d)?)$/
const INT64_MAX = 2n ** 63n - 1n

export type LeafKind = 'boolean' | 'integer' | 'decimal' | 'exponent' | 'date' | 'timestamp' | 'local' | 'text'

/** Everything that a draft needs to know of the values of one column. Bounded: no values are kept but a few for a hint. */
export class ValueProfile {
  values = 0
  nulls = 0
  /** Texts of no length. */
  empties = 0
  readonly kinds = new Map<LeafKind, number>()
  /** A typed source's texts that are numbers: what it could not give as one. */
  numericTexts = 0
  maxIntegerDigits = 0
  maxScale = 0
  fitsInt64 = true
  leadingZeros = false
  maxLength = 0
  lists = 0
  objects = 0
  items: ValueProfile | null = null
  readonly fields = new Map<string, ValueProfile>()
  isWide = false
  /** The first few different texts; null once there are more. */
  seen: Map<string, number> | null = new Map()
  /** Texts that have the form of an e-mail address, a telephone number, an IP address. */
  readonly shapes = new Map<string, number>()

  add(value: SourceValue, textual: boolean): void {
    this.values += 1
    if (value === null) {
      this.nulls += 1
      return
    }
    if (isSourceList(value)) return this.#addList(value, textual)
    if (isSourceObject(value)) return this.#addObject(value, textual)
    const text = sourceText(value) ?? ''
    if (text === '') {
      this.empties += 1
      return
    }
    this.maxLength = Math.max(this.maxLength, text.length)
    this.#see(text)
    const kind = kindOf(value, text, textual)
    this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + 1)
    const isNumeric = kind === 'integer' || kind === 'decimal'
    if (isNumeric) this.#measure(text.trim())
    if (kind === 'text') this.#shape(text)
    if (!textual && typeof value === 'string' && kind === 'text' && DECIMAL.test(text)) {
      this.numericTexts += 1
      this.#measure(text)
    }
  }

  get present(): number {
    return this.values - this.nulls - this.empties
  }

  #addList(value: readonly SourceValue[], textual: boolean): void {
    this.lists += 1
    this.items ??= new ValueProfile()
    for (const each of value) this.items.add(each, textual)
  }

  #addObject(value: { readonly [key: string]: SourceValue }, textual: boolean): void {
    this.objects += 1
    this.items ??= new ValueProfile()
    for (const [key, each] of Object.entries(value)) {
      this.items.add(each, textual)
      if (this.isWide) continue
      const field = this.fields.get(key) ?? new ValueProfile()
      this.fields.set(key, field)
      field.add(each, textual)
      if (this.fields.size > MAX_KEYS || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) {
        this.isWide = true
        this.fields.clear()
      }
    }
  }

  #see(text: string): void {
    if (this.seen === null) return
    this.seen.set(text, (this.seen.get(text) ?? 0) + 1)
    if (this.seen.size > MAX_SEEN || text.length > MAX_SEEN_LENGTH) this.seen = null
  }

  #measure(text: string): void {
    const digits = text.replace(/^[+-]/, '')
    const [whole = '', fraction = ''] = digits.split('.')
    if (whole.length > 1 && whole.startsWith('0')) this.leadingZeros = true
    this.maxIntegerDigits = Math.max(this.maxIntegerDigits, whole.replace(/^0+/, '').length)
    this.maxScale = Math.max(this.maxScale, fraction.length)
    if (!text.includes('.') && whole.length > 18) {
      const number = BigInt(digits)
      if (number > INT64_MAX) this.fitsInt64 = false
    }
  }

  #shape(text: string): void {
    const shape = shapeOf(text.trim())
    if (shape !== null) this.shapes.set(shape, (this.shapes.get(shape) ?? 0) + 1)
  }
}

function kindOf(value: SourceValue, text: string, textual: boolean): LeafKind {
  if (typeof value === 'boolean') return 'boolean'
  if (typeof value === 'bigint') return 'integer'
  if (value instanceof Date) return 'timestamp'
  if (typeof value === 'number') return numberKind(text) ?? 'exponent'
  const trimmed = text.trim()
  if (textual) {
    if (BOOLEAN.test(trimmed)) return 'boolean'
    const number = numberKind(trimmed)
    if (number !== null) return number
  }
  if (parseDateDays(trimmed) !== null) return 'date'
  if (parseTimestampNanos(trimmed) !== null) return ZONE.test(trimmed.slice(10)) ? 'timestamp' : 'local'
  return 'text'
}

function numberKind(text: string): 'integer' | 'decimal' | 'exponent' | null {
  if (INTEGER.test(text)) return 'integer'
  if (DECIMAL.test(text)) return 'decimal'
  return EXPONENT.test(text) ? 'exponent' : null
}

function shapeOf(text: string): string | null {
  if (/^[^\s@]{1,64}@[^\s@]+\.[^\s@]+$/.test(text)) return 'email'
  if (/^(\d{1,3}\.){3}\d{1,3}$/.test(text) || /^[0-9a-f]{0,4}(:[0-9a-f]{0,4}){3,7}$/i.test(text)) return 'ip'
  if (/^\+\d[\d ()/.-]{6,20}$/.test(text)) return 'phone'
  return /^[A-Z]{2}\d{2} ?[A-Z0-9]{4}[A-Z0-9 ]{7,26}$/.test(text) ? 'iban' : null
}
