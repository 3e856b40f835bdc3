import {
  isExactArray,
  isExactObject,
  stringifyExact,
  canonicalJson,
  type ExactJson,
} from '../../../domain/exact-json.ts'
import type { Incompatibility } from '../../incompatibility.ts'
import { arraysImply } from './array-implication.ts'
import { boundsImply } from './bound-implication.ts'
import { objectsImply } from './object-implication.ts'
import { add, holds, type Implication, type ImplicationState } from './implication.ts'
import { conjuncts, type JsonObject, type JsonSchema } from '../schema.ts'
import { typesOf } from '../shape.ts'

const BUDGET = 100_000

/**
 * Why data that `writer` describes may fail under `reader`. The test is containment, keyword by keyword: sound for what
 * it says yes to, except that `oneOf` is taken as `anyOf`, and that a property which the reader requires without
 * declaring is overlooked (both as the Confluent registry has it). Where containment cannot be seen, the answer is no.
 */
export function jsonIncompatibilities(writer: JsonSchema, reader: JsonSchema): Incompatibility[] {
  const state = {
    beforeRoot: writer.root,
    afterRoot: reader.root,
    found: [],
    seen: [],
    budget: { left: BUDGET },
    implies,
  }
  implies(writer.root, reader.root, '', state)
  return state.found
}

function implies(before: ExactJson, after: ExactJson, path: string, state: ImplicationState): void {
  state.budget.left -= 1
  if (state.budget.left < 0) return add(state, { kind: 'shape', path, message: 'the schemas are too large to compare' })
  if (after === true || before === false || isEmpty(after)) return undefined
  if (after === false) return add(state, { kind: 'shape', path, message: 'nothing is allowed here any more' })
  if (state.seen.some(([a, b]) => a === before && b === after)) return undefined
  const inner = { ...state, seen: [...state.seen, [before, after] as const] }
  const held = conjuncts(before, state.beforeRoot)
  for (const part of conjuncts(after, state.afterRoot)) impliesOne(held, part, path, inner)
  return undefined
}

/** `swapped`: what `not` needs, containment the other way. */
function swapped(state: ImplicationState): ImplicationState {
  return { ...state, beforeRoot: state.afterRoot, afterRoot: state.beforeRoot }
}

function impliesOne(before: readonly JsonObject[], after: JsonObject, path: string, state: ImplicationState): void {
  const union = before.find((each) => branchesOf(each) !== null)
  const afterBranches = branchesOf(after)
  const question = { before, after, types: typesOf(before), path, state }
  if (afterBranches !== null) compareBranches(afterBranches, question)
  else if (union !== undefined && !isTypeOnly(after)) {
    // Each branch, with all else that holds, must satisfy what is asked.
    for (const branch of branchesOf(union)!) {
      const rest = before.map((each) => (each === union ? without(each) : each))
      const merged = [...rest, ...conjuncts(branch, state.beforeRoot)]
      compareKeywords({ ...question, before: merged, types: typesOf(merged) })
    }
    return
  }
  compareKeywords(question)
}

function compareBranches(branches: readonly ExactJson[], { before, path, state }: Implication): void {
  const union = before.find((each) => branchesOf(each) !== null)
  const cases =
    union === undefined
      ? splitTypes(before)
      : branchesOf(union)!.map((branch) => ({
          allOf: [...before.map((each) => (each === union ? without(each) : each)), branch],
        }))
  const lost = cases.filter((each) => !branches.some((branch) => holds(each, branch, state)))
  if (lost.length > 0)
    add(state, { kind: 'shape', path, message: 'a value that one alternative allowed fits none of the new ones' })
}

/** A schema of several types is the union of one schema a type. */
function splitTypes(before: readonly JsonObject[]): JsonObject[] {
  const types = [...typesOf(before)]
  const all: JsonObject = { allOf: before }
  const named = before.some((each) => isExactArray(each['type']))
  return named && types.length > 1 ? types.map((type) => ({ allOf: [...before, { type }] })) : [all]
}

function compareKeywords(question: Implication): void {
  compareType(question)
  compareValues(question)
  compareNot(question)
  compareVerbatim(question)
  boundsImply(question)
  if (question.types.has('object')) objectsImply(question)
  if (question.types.has('array')) arraysImply(question)
}

function compareType({ after, types, path, state }: Implication): void {
  const { type } = after
  if (type === undefined) return
  const allowed = typesOf([{ type }])
  const lost = [...types].filter((each) => !allowed.has(each))
  if (lost.length > 0)
    add(state, {
      kind: 'shape',
      path,
      message: `the type becomes ${stringifyExact(type)}, and ${lost.join(', ')} was allowed`,
    })
}

function compareValues({ before, after, types, path, state }: Implication): void {
  const allowed = valuesOf(after)
  if (allowed === null) return
  const held = before.map(valuesOf).find((values) => values !== null)
  if (held === undefined || held === null) {
    if (types.size > 0) add(state, { kind: 'rule', path, message: `only ${show(allowed)} is allowed now` })
    return
  }
  const lost = held.filter((value) => !allowed.some((each) => same(each, value)))
  if (lost.length > 0) add(state, { kind: 'rule', path, message: `${show(lost)} is no longer allowed` })
}

function compareNot({ before, after, path, state }: Implication): void {
  const { not } = after
  if (not === undefined) return
  const held = before.some((each) => each['not'] !== undefined && holds(not, each['not'], swapped(state)))
  if (!held) add(state, { kind: 'rule', path, message: 'more values are forbidden by not' })
}

/** Keywords whose meaning is not compared: they must stand as they stood. */
const VERBATIM = [
  'if',
  'then',
  'else',
  'contains',
  'minContains',
  'maxContains',
  'propertyNames',
  'unevaluatedProperties',
  'unevaluatedItems',
]

/** Formats that name a column type: with another, the column changes. */
const TYPED_FORMATS = ['date-time', 'date', 'decimal', 'int32', 'float']

function compareVerbatim({ before, after, path, state }: Implication): void {
  for (const word of VERBATIM) {
    const value = after[word]
    if (
      value !== undefined &&
      value !== true &&
      !before.some((each) => each[word] !== undefined && same(each[word], value))
    ) {
      add(state, { kind: 'shape', path, message: `${word} is added or changed` })
    }
  }
  const { format } = after
  if (
    typeof format === 'string' &&
    TYPED_FORMATS.includes(format) &&
    !before.some((each) => each['format'] === format)
  ) {
    add(state, { kind: 'shape', path, message: `format ${format} is added` })
  }
}

function branchesOf(schema: JsonObject): readonly ExactJson[] | null {
  const branches = schema['anyOf'] ?? schema['oneOf']
  return isExactArray(branches) ? branches : null
}

function without(schema: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(schema).filter(([word]) => word !== (schema['anyOf'] === undefined ? 'oneOf' : 'anyOf')),
  )
}

function isTypeOnly(schema: JsonObject): boolean {
  return Object.keys(schema).every((word) => word === 'type' || word.startsWith('$') || word === 'definitions')
}

function isEmpty(schema: ExactJson): boolean {
  return isExactObject(schema) && Object.keys(schema).length === 0
}

function valuesOf(schema: JsonObject): readonly ExactJson[] | null {
  if (schema['const'] !== undefined) return [schema['const']]
  return isExactArray(schema['enum']) ? schema['enum'] : null
}

function same(a: ExactJson, b: ExactJson): boolean {
  return canonicalJson(stringifyExact(a)) === canonicalJson(stringifyExact(b))
}

function show(values: readonly ExactJson[]): string {
  return values.slice(0, 5).map(stringifyExact).join(', ') + (values.length > 5 ? ', …' : '')
}
