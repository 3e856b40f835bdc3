import { ExactNumber, type ExactJson } from '../../../domain/exact-json.ts'
import { compareDecimals, divides } from '../../rules/compare-rules.ts'
import { parseDecimalText } from '../../../domain/decimal-text.ts'
import { add, type Implication } from './implication.ts'
import type { JsonObject } from '../schema.ts'
import type { JsonType } from '../shape.ts'

interface Bound {
  readonly word: string
  readonly on: JsonType
  /** 1: a larger value is stricter; -1: a smaller one is. */
  readonly sign: 1 | -1
  /** The word that means the same, a hair stricter. */
  readonly exclusive?: string
}

const BOUNDS: readonly Bound[] = [
  { word: 'minimum', on: 'number', sign: 1, exclusive: 'exclusiveMinimum' },
  { word: 'maximum', on: 'number', sign: -1, exclusive: 'exclusiveMaximum' },
  { word: 'minLength', on: 'string', sign: 1 },
  { word: 'maxLength', on: 'string', sign: -1 },
  { word: 'minItems', on: 'array', sign: 1 },
  { word: 'maxItems', on: 'array', sign: -1 },
  { word: 'minProperties', on: 'object', sign: 1 },
  { word: 'maxProperties', on: 'object', sign: -1 },
]

/** Limits of size and value, patterns, and multipleOf. */
export function boundsImply(question: Implication): void {
  for (const bound of BOUNDS) {
    if (!canBe(question, bound.on)) continue
    compareBound(question, bound, false)
    if (bound.exclusive !== undefined) compareBound(question, bound, true)
  }
  if (canBe(question, 'number')) compareMultiple(question)
  if (canBe(question, 'string')) comparePattern(question)
  const { before, after, path, state } = question
  if (
    canBe(question, 'array') &&
    after['uniqueItems'] === true &&
    !before.some((each) => each['uniqueItems'] === true)
  ) {
    add(state, { kind: 'rule', path, message: 'uniqueItems is added' })
  }
}

function canBe({ types }: Implication, on: JsonType): boolean {
  return types.has(on) || (on === 'number' && types.has('integer'))
}

function compareBound({ before, after, path, state }: Implication, bound: Bound, exclusive: boolean): void {
  const word = exclusive ? bound.exclusive! : bound.word
  const limit = numberText(after[word])
  if (limit === null || isVacuous(word, limit)) return
  if (!before.some((each) => boundHolds(each, bound, { limit, exclusive }))) {
    add(state, { kind: 'rule', path, message: `${word} becomes ${limit}, which is stricter` })
  }
}

interface Wanted {
  readonly limit: string
  readonly exclusive: boolean
}

function boundHolds(schema: JsonObject, { word, sign, exclusive: exclusiveWord }: Bound, wanted: Wanted): boolean {
  const inclusive = numberText(schema[word])
  if (inclusive !== null) {
    const order = compareTexts(inclusive, wanted.limit) * sign
    if (order > 0 || (order === 0 && !wanted.exclusive)) return true
  }
  const open = exclusiveWord === undefined ? null : numberText(schema[exclusiveWord])
  return open !== null && compareTexts(open, wanted.limit) * sign >= 0
}

/** A minimum size of 0 forbids nothing. */
function isVacuous(word: string, limit: string): boolean {
  return limit === '0' && (word === 'minLength' || word === 'minItems' || word === 'minProperties')
}

function compareMultiple({ before, after, types, path, state }: Implication): void {
  const wanted = numberText(after['multipleOf'])
  if (wanted === null) return
  const held = before.some((each) => {
    const text = numberText(each['multipleOf'])
    return text !== null && divides(wanted, text)
  })
  const integers = !types.has('number') && divides(wanted, '1')
  if (!held && !integers) add(state, { kind: 'rule', path, message: `multipleOf becomes ${wanted}` })
}

function comparePattern({ before, after, path, state }: Implication): void {
  const { pattern } = after
  if (typeof pattern === 'string' && !before.some((each) => each['pattern'] === pattern)) {
    add(state, { kind: 'rule', path, message: `pattern ${pattern} is added or changed` })
  }
}

function numberText(value: ExactJson | undefined): string | null {
  const text = value instanceof ExactNumber ? value.text : typeof value === 'number' ? String(value) : null
  return text === null || parseDecimalText(text) === null ? null : text
}

function compareTexts(a: string, b: string): number {
  return compareDecimals(parseDecimalText(a)!, parseDecimalText(b)!)
}
