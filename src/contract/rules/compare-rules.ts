import type { ColumnType } from '../../domain/column-batch.ts'
import type { FieldRules } from '../../domain/contract.ts'
import { parseDecimalText, type DecimalText } from '../../domain/decimal-text.ts'
import { parseDateDays, parseTimestampMicros } from '../../domain/time-text.ts'

export interface RuleChange {
  readonly word: keyof FieldRules
  /** `changed`: neither side holds the other, as with two patterns; values that passed may now fail. */
  readonly effect: 'tightened' | 'loosened' | 'changed'
  /** Readable: `minimum is raised from 0 to 1`. */
  readonly text: string
}

/** How the rules of one field changed; empty where they say the same. */
export function compareRules(before: FieldRules, after: FieldRules, type: ColumnType): RuleChange[] {
  return [
    ...compareRequired(before, after),
    ...compareLow(before, after, type),
    ...compareHigh(before, after, type),
    ...compareLengths(before, after),
    ...comparePlain('pattern', before.pattern, after.pattern),
    ...compareMultiple(before, after),
    ...compareEnum(before, after),
    ...compareNot(before, after),
  ]
}

function compareRequired(before: FieldRules, after: FieldRules): RuleChange[] {
  if ((before.required ?? false) === (after.required ?? false)) return []
  return after.required === true
    ? [{ word: 'required', effect: 'tightened', text: 'the field becomes required' }]
    : [{ word: 'required', effect: 'loosened', text: 'the field is no longer required' }]
}

type Bound = 'minimum' | 'exclusiveMinimum' | 'maximum' | 'exclusiveMaximum'

/** Both words for one end are one limit, so that `minimum 0` → `exclusiveMinimum 0` is seen as tightening. */
function compareLow(before: FieldRules, after: FieldRules, type: ColumnType): RuleChange[] {
  const words = ['minimum', 'exclusiveMinimum'] as const
  return compareLimit(words, strictest(words, before, type, 1), strictest(words, after, type, 1), 1)
}

function compareHigh(before: FieldRules, after: FieldRules, type: ColumnType): RuleChange[] {
  const words = ['maximum', 'exclusiveMaximum'] as const
  return compareLimit(words, strictest(words, before, type, -1), strictest(words, after, type, -1), -1)
}

interface Limit {
  readonly word: Bound
  readonly text: string
  readonly value: DecimalText
}

function strictest(words: readonly Bound[], rules: FieldRules, type: ColumnType, sign: 1 | -1): Limit | null {
  const limits = words.flatMap((word): Limit[] => {
    const text = rules[word]
    return text === undefined ? [] : [{ word, text, value: limitValue(text, type) }]
  })
  return limits.reduce<Limit | null>(
    (best, each) => (best === null || compareLimits(each, best) * sign > 0 ? each : best),
    null,
  )
}

function compareLimit(words: readonly Bound[], before: Limit | null, after: Limit | null, sign: 1 | -1): RuleChange[] {
  const word = words[0]!
  if (before === null && after === null) return []
  if (before === null) return [{ word, effect: 'tightened', text: `${after!.word} ${after!.text} is added` }]
  if (after === null) return [{ word, effect: 'loosened', text: `${before.word} ${before.text} is removed` }]
  const order = compareLimits(after, before) * sign
  if (order === 0) return []
  const text = `${before.word} ${before.text} becomes ${after.word} ${after.text}`
  return [{ word, effect: order > 0 ? 'tightened' : 'loosened', text }]
}

/** By value, then: an exclusive bound lies a hair further in (above a minimum, below a maximum). */
function compareLimits(a: Limit, b: Limit): number {
  const order = compareDecimals(a.value, b.value)
  return order !== 0 ? order : hair(a) - hair(b)
}

function hair({ word }: Limit): number {
  return word === 'exclusiveMinimum' ? 1 : word === 'exclusiveMaximum' ? -1 : 0
}

function limitValue(text: string, type: ColumnType): DecimalText {
  if (type.kind === 'date') return { digits: BigInt(parseDateDays(text)!), exponent: 0 }
  if (type.kind === 'timestamp') return { digits: parseTimestampMicros(text)!, exponent: 0 }
  return parseDecimalText(text)!
}

export function compareDecimals(a: DecimalText, b: DecimalText): number {
  if (a.digits === 0n || b.digits === 0n || a.digits < 0n !== b.digits < 0n) {
    return a.digits === b.digits ? 0 : a.digits < b.digits ? -1 : 1
  }
  // Exponents far apart decide by magnitude; near ones are brought to one scale.
  const magnitude = (value: DecimalText): number => value.digits.toString().length + value.exponent
  const sign = a.digits < 0n ? -1 : 1
  if (magnitude(a) !== magnitude(b)) return magnitude(a) < magnitude(b) ? -sign : sign
  const low = Math.min(a.exponent, b.exponent)
  const left = a.digits * 10n ** BigInt(a.exponent - low)
  const right = b.digits * 10n ** BigInt(b.exponent - low)
  return left === right ? 0 : left < right ? -1 : 1
}

function compareLengths(before: FieldRules, after: FieldRules): RuleChange[] {
  return [...compareLength('minLength', 1, before, after), ...compareLength('maxLength', -1, before, after)]
}

function compareLength(
  word: 'minLength' | 'maxLength',
  sign: 1 | -1,
  before: FieldRules,
  after: FieldRules,
): RuleChange[] {
  const [old, now] = [before[word], after[word]]
  if (old === now) return []
  if (old === undefined) return [{ word, effect: 'tightened', text: `${word} ${now} is added` }]
  if (now === undefined) return [{ word, effect: 'loosened', text: `${word} ${old} is removed` }]
  return [
    { word, effect: (now - old) * sign > 0 ? 'tightened' : 'loosened', text: `${word} changes from ${old} to ${now}` },
  ]
}

function comparePlain(word: 'pattern', before: string | undefined, after: string | undefined): RuleChange[] {
  if (before === after) return []
  if (before === undefined) return [{ word, effect: 'tightened', text: `${word} ${after} is added` }]
  if (after === undefined) return [{ word, effect: 'loosened', text: `${word} ${before} is removed` }]
  return [{ word, effect: 'changed', text: `${word} changes from ${before} to ${after}` }]
}

function compareMultiple(before: FieldRules, after: FieldRules): RuleChange[] {
  const [old, now] = [before.multipleOf, after.multipleOf]
  if (old === now) return []
  if (old === undefined) return [{ word: 'multipleOf', effect: 'tightened', text: `multipleOf ${now} is added` }]
  if (now === undefined) return [{ word: 'multipleOf', effect: 'loosened', text: `multipleOf ${old} is removed` }]
  const text = `multipleOf changes from ${old} to ${now}`
  return [{ word: 'multipleOf', effect: divides(now, old) ? 'loosened' : 'changed', text }]
}

/** True where every multiple of `value` is one of `by`. */
export function divides(by: string, value: string): boolean {
  const [a, b] = [parseDecimalText(by), parseDecimalText(value)]
  if (a === null || b === null || a.digits === 0n) return false
  const low = Math.min(a.exponent, b.exponent)
  if (Math.max(a.exponent, b.exponent) - low > 500) return false
  return (b.digits * 10n ** BigInt(b.exponent - low)) % (a.digits * 10n ** BigInt(a.exponent - low)) === 0n
}

function compareEnum(before: FieldRules, after: FieldRules): RuleChange[] {
  const [old, now] = [before.enum, after.enum]
  if (old === undefined && now === undefined) return []
  if (old === undefined) return [{ word: 'enum', effect: 'tightened', text: `enum ${JSON.stringify(now)} is added` }]
  if (now === undefined) return [{ word: 'enum', effect: 'loosened', text: `enum ${JSON.stringify(old)} is removed` }]
  const lost = old.filter((value) => !now.includes(value))
  const gained = now.filter((value) => !old.includes(value))
  if (lost.length > 0) return [{ word: 'enum', effect: 'tightened', text: `enum loses ${lost.join(', ')}` }]
  return gained.length > 0 ? [{ word: 'enum', effect: 'loosened', text: `enum gains ${gained.join(', ')}` }] : []
}

function compareNot(before: FieldRules, after: FieldRules): RuleChange[] {
  const [old, now] = [before.not ?? [], after.not ?? []]
  const gained = now.filter((value) => !old.includes(value))
  const lost = old.filter((value) => !now.includes(value))
  if (gained.length > 0) return [{ word: 'not', effect: 'tightened', text: `not gains ${gained.join(', ')}` }]
  return lost.length > 0 ? [{ word: 'not', effect: 'loosened', text: `not loses ${lost.join(', ')}` }] : []
}
