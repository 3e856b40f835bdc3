import type { BreachCode } from '../../domain/dead-letter.ts'
import type { ContractField, FieldRules } from '../../domain/contract.ts'
import type { ColumnBuilder } from '../columns/builder.ts'
import { BytesBuilder } from '../columns/bytes-builder.ts'
import {
  BooleanBuilder,
  Decimal128Builder,
  FloatBuilder,
  Int32Builder,
  Int64Builder,
} from '../columns/scalar-builders.ts'
import { parseDecimal, parseDecimalText, type DecimalText } from '../../domain/decimal-text.ts'
import { parseDateDays, parseTimestampMicros } from '../../domain/time-text.ts'
import { compilePattern } from './pattern.ts'

/** One rule on values that are not null. */
export interface ScalarRule {
  readonly code: BreachCode
  /** In the contract's words, e.g. `minimum 0`. */
  readonly text: string
  readonly holds: (index: number) => boolean
}

export const BOUNDS = ['minimum', 'exclusiveMinimum', 'maximum', 'exclusiveMaximum'] as const
export type Bound = (typeof BOUNDS)[number]

/** The rules of a field as checks over the column that holds it; in the order of the contract's words. */
export function compileScalarRules(field: Pick<ContractField, 'rules'>, builder: ColumnBuilder): ScalarRule[] {
  const { rules } = field
  if (builder instanceof BytesBuilder) return textRules(rules, builder)
  if (builder instanceof Int64Builder || builder instanceof Decimal128Builder) {
    return integerRules(rules, builder.type, (index) => builder.at(index))
  }
  if (builder instanceof Int32Builder) return integerRules(rules, builder.type, (index) => BigInt(builder.data[index]!))
  if (builder instanceof FloatBuilder) return floatRules(rules, builder)
  return builder instanceof BooleanBuilder ? booleanRules(rules, builder) : []
}

function textRules(rules: FieldRules, builder: BytesBuilder): ScalarRule[] {
  const out: ScalarRule[] = []
  const { minLength, maxLength, pattern } = rules
  if (minLength !== undefined) {
    out.push({ code: 'LENGTH', text: `minLength ${minLength}`, holds: (i) => builder.codePoints(i) >= minLength })
  }
  if (maxLength !== undefined) {
    out.push({ code: 'LENGTH', text: `maxLength ${maxLength}`, holds: (i) => builder.codePoints(i) <= maxLength })
  }
  if (pattern !== undefined) {
    const compiled = compilePattern(pattern, { subject: '', path: '' })
    out.push({ code: 'PATTERN', text: `pattern ${pattern}`, holds: (i) => compiled.test(builder.text(i)) })
  }
  return [
    ...out,
    ...listRules(
      rules,
      (text) => text,
      (i) => builder.text(i),
    ),
  ]
}

export type IntegerType = Int64Builder['type'] | Int32Builder['type']

function integerRules(rules: FieldRules, type: IntegerType, at: (index: number) => bigint): ScalarRule[] {
  const out: ScalarRule[] = []
  for (const word of BOUNDS) {
    const text = rules[word]
    if (text === undefined) continue
    const limit = integerBound(word, text, type)
    const low = word === 'minimum' || word === 'exclusiveMinimum'
    out.push({ code: 'RANGE', text: `${word} ${text}`, holds: low ? (i) => at(i) >= limit : (i) => at(i) <= limit })
  }
  const { multipleOf } = rules
  if (multipleOf !== undefined) {
    const step = parseDecimalText(multipleOf)!
    const scale = type.kind === 'decimal' ? type.scale : 0
    const shift = Math.max(0, -(step.exponent + scale))
    const unit = step.digits * 10n ** BigInt(Math.max(0, step.exponent + scale))
    out.push({
      code: 'RANGE',
      text: `multipleOf ${multipleOf}`,
      holds: (i) => (at(i) * 10n ** BigInt(shift)) % unit === 0n,
    })
  }
  return [...out, ...listRules(rules, (text) => integerOf(text, type), at)]
}

/** The bound as an inclusive integer in the column's own unit. */
export function integerBound(word: Bound, text: string, type: IntegerType): bigint {
  if (type.kind === 'date' || type.kind === 'timestamp') {
    const value = integerOf(text, type)
    return word === 'exclusiveMinimum' ? value + 1n : word === 'exclusiveMaximum' ? value - 1n : value
  }
  const { floor, exact } = scaledFloor(parseDecimalText(text)!, type.kind === 'decimal' ? type.scale : 0)
  switch (word) {
    case 'minimum':
      return exact ? floor : floor + 1n
    case 'exclusiveMinimum':
      return floor + 1n
    case 'maximum':
      return floor
    case 'exclusiveMaximum':
      return exact ? floor - 1n : floor
  }
}

function scaledFloor({ digits, exponent }: DecimalText, scale: number): { floor: bigint; exact: boolean } {
  const power = exponent + scale
  // Past these powers the bound lies outside, or within one unit of zero of, all that a column holds.
  if (power >= 0) return { floor: digits * 10n ** BigInt(Math.min(power, 500)), exact: true }
  const by = 10n ** BigInt(Math.min(-power, 500))
  const quotient = digits / by
  const exact = digits % by === 0n
  return { floor: digits < 0n && !exact ? quotient - 1n : quotient, exact }
}

function integerOf(text: string, type: IntegerType): bigint {
  switch (type.kind) {
    case 'date':
      return BigInt(parseDateDays(text)!)
    case 'timestamp':
      return parseTimestampMicros(text)!
    case 'decimal':
      return parseDecimal(text, type.precision, type.scale)!
    case 'int32':
    case 'int64':
      return BigInt(text)
  }
}

function floatRules(rules: FieldRules, builder: FloatBuilder): ScalarRule[] {
  const out: ScalarRule[] = []
  for (const word of BOUNDS) {
    const text = rules[word]
    if (text === undefined) continue
    const limit = Number(text)
    const holds: Record<Bound, (value: number) => boolean> = {
      minimum: (value) => value >= limit,
      exclusiveMinimum: (value) => value > limit,
      maximum: (value) => value <= limit,
      exclusiveMaximum: (value) => value < limit,
    }
    out.push({ code: 'RANGE', text: `${word} ${text}`, holds: (i) => holds[word](builder.data[i]!) })
  }
  return [...out, ...listRules(rules, Number, (i) => builder.data[i]!)]
}

function booleanRules(rules: FieldRules, builder: BooleanBuilder): ScalarRule[] {
  return listRules(
    rules,
    (text) => (text === 'true' ? 1 : 0),
    (i) => builder.data[i]!,
  )
}

function listRules<T>(rules: FieldRules, parse: (text: string) => T, at: (index: number) => T): ScalarRule[] {
  const out: ScalarRule[] = []
  if (rules.enum !== undefined) {
    const allowed = new Set(rules.enum.map(parse))
    out.push({ code: 'ENUM', text: `enum ${JSON.stringify(rules.enum)}`, holds: (i) => allowed.has(at(i)) })
  }
  if (rules.not !== undefined) {
    const forbidden = new Set(rules.not.map(parse))
    const words = rules.not.length === 1 ? `not const ${rules.not[0]}` : `not enum ${JSON.stringify(rules.not)}`
    out.push({ code: 'NOT', text: words, holds: (i) => !forbidden.has(at(i)) })
  }
  return out
}
