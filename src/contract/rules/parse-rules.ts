import type { ColumnType } from '../../domain/column-batch.ts'
import type { FieldRules } from '../../domain/contract.ts'
import { ExactNumber, isExactArray, isExactObject, type ExactJson } from '../../domain/exact-json.ts'
import { invalidContract, type ContractPlace } from '../invalid.ts'
import { parseDecimalText } from '../../domain/decimal-text.ts'
import { canonicalText, scalarText } from './canonical-text.ts'
import { compilePattern } from './pattern.ts'

const BOUNDS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'] as const
const WORDS = [...BOUNDS, 'multipleOf', 'minLength', 'maxLength', 'pattern', 'enum', 'const', 'not', 'required']

type Draft = { -readonly [K in keyof FieldRules]: FieldRules[K] }

/**
 * Rules in JSON Schema words for a column of one type. A word that is unknown, or that cannot hold for the type, is
 * refused by name: a rule that silently does nothing is worse than none.
 */
export function parseRules(json: ExactJson, type: ColumnType, place: ContractPlace): FieldRules {
  if (!isExactObject(json)) throw invalidContract(place, 'constraints must be an object')
  const rules: Draft = {}
  for (const [word, value] of Object.entries(json)) {
    if (!WORDS.includes(word)) {
      throw invalidContract(place, `unknown constraint ${JSON.stringify(word)}; known are ${WORDS.join(', ')}`)
    }
    parseRule(word, value, { type, place, rules })
  }
  return rules
}

interface RuleContext {
  readonly type: ColumnType
  readonly place: ContractPlace
  readonly rules: Draft
}

function parseRule(word: string, value: ExactJson, context: RuleContext): void {
  const { type, place, rules } = context
  switch (word) {
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      rules[word] = parseBound(word, value, context)
      return
    case 'multipleOf':
      rules.multipleOf = parseMultiple(value, context)
      return
    case 'minLength':
    case 'maxLength':
      if (type.kind !== 'string') throw misplaced(word, context)
      if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
        throw invalidContract(place, `${word} must be a whole number of code points`)
      }
      rules[word] = value
      return
    case 'pattern':
      if (type.kind !== 'string') throw misplaced(word, context)
      if (typeof value !== 'string') throw invalidContract(place, 'pattern must be a text')
      compilePattern(value, place)
      rules.pattern = value
      return
    case 'enum':
      if (!isExactArray(value) || value.length === 0) throw invalidContract(place, 'enum must be a list of values')
      allow(value, word, context)
      return
    case 'const':
      allow([value], word, context)
      return
    case 'not':
      rules.not = parseNot(value, context)
      return
    case 'required':
      if (typeof value !== 'boolean') throw invalidContract(place, 'required must be true or false')
      rules.required = value
  }
}

function parseBound(word: string, value: ExactJson, context: RuleContext): string {
  const { type, place } = context
  switch (type.kind) {
    case 'int32':
    case 'int64':
    case 'decimal':
    case 'float32':
    case 'float64': {
      const text = numberText(value)
      if (text === null) throw invalidContract(place, `${word} must be a number`)
      return text
    }
    case 'date':
    case 'timestamp': {
      const text = typeof value === 'string' ? canonicalText(type, value) : null
      if (text === null) throw invalidContract(place, `${word} of a ${type.kind} must be an ISO 8601 text`)
      return text
    }
    default:
      throw misplaced(word, context)
  }
}

function parseMultiple(value: ExactJson, context: RuleContext): string {
  const { kind } = context.type
  if (kind !== 'int32' && kind !== 'int64' && kind !== 'decimal') throw misplaced('multipleOf', context)
  const text = numberText(value)
  const number = text === null ? null : parseDecimalText(text)
  if (text === null || number === null || number.digits <= 0n) {
    throw invalidContract(context.place, 'multipleOf must be a number above 0')
  }
  return text
}

/** `{"const": v}` or `{"enum": [v, …]}`. */
function parseNot(value: ExactJson, context: RuleContext): readonly string[] {
  const { place } = context
  if (!isExactObject(value)) throw invalidContract(place, 'not must be {"const": …} or {"enum": […]}')
  const listed: ExactJson[] = []
  for (const [word, each] of Object.entries(value)) {
    if (word === 'const') listed.push(each)
    else if (word === 'enum' && isExactArray(each)) listed.push(...each)
    else
      throw invalidContract(place, `unknown constraint ${JSON.stringify(`not.${word}`)}; known are not.const, not.enum`)
  }
  if (listed.length === 0) throw invalidContract(place, 'not must name at least one value')
  return listed.map((each) => valueText(each, 'not', context))
}

function allow(values: readonly ExactJson[], word: string, context: RuleContext): void {
  const { rules } = context
  const texts = values.filter((each) => each !== null).map((each) => valueText(each, word, context))
  rules.enum = rules.enum === undefined ? texts : rules.enum.filter((text) => texts.includes(text))
}

function valueText(value: ExactJson, word: string, context: RuleContext): string {
  const { type, place } = context
  if (type.kind === 'binary' || type.kind === 'list' || type.kind === 'map' || type.kind === 'struct') {
    throw misplaced(word, context)
  }
  const quoted = type.kind === 'string' || type.kind === 'date' || type.kind === 'timestamp'
  const fits = quoted === (typeof value === 'string') || (type.kind === 'decimal' && typeof value === 'string')
  const text = fits ? scalarText(value) : null
  const canonical = text === null ? null : canonicalText(type, text)
  if (canonical === null) throw invalidContract(place, `${word} holds a value that is no ${type.kind}`)
  return canonical
}

function numberText(value: ExactJson): string | null {
  if (value instanceof ExactNumber) return parseDecimalText(value.text) === null ? null : value.text
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : null
}

function misplaced(word: string, { type, place }: RuleContext): Error {
  return invalidContract(place, `constraint ${word} does not apply to a field of type ${type.kind}`)
}
