import { isExactArray, isExactObject, type ExactJson } from '../../../domain/exact-json.ts'
import { childPath } from '../../invalid.ts'
import { add, holds, type Implication, type ImplicationState } from './implication.ts'
import { finds } from './finds.ts'
import type { JsonObject } from '../schema.ts'

/** properties, patternProperties, additionalProperties, required, dependencies. */
export function objectsImply(question: Implication): void {
  compareDeclared(question)
  comparePatterned(question)
  compareRest(question)
  compareRequired(question)
  compareDependencies(question)
}

function compareDeclared({ before, after, path, state }: Implication): void {
  for (const [name, wanted] of entriesOf(after['properties'])) {
    const given = schemaOfProperty(before, name)
    const inner: ImplicationState = { ...state, found: [] }
    state.implies(given, wanted, childPath(path, name), inner)
    // An open schema let anything stand under the name: to type it now is to tighten it.
    const open = !before.some((each) => Object.hasOwn(objectOf(each['properties']), name))
    for (const reason of inner.found) {
      state.found.push(
        open
          ? {
              kind: 'rule',
              field: childPath(path, name),
              message: `the property is new, and other values could stand there before (additionalProperties was not false): ${reason.message}`,
            }
          : reason,
      )
    }
  }
}

function comparePatterned({ before, after, path, state }: Implication): void {
  for (const [pattern, wanted] of entriesOf(after['patternProperties'])) {
    for (const name of namesOf(before)) {
      if (finds(pattern, name)) state.implies(schemaOfProperty(before, name), wanted, childPath(path, name), state)
    }
    const held = before.some((each) => {
      const given = objectOf(each['patternProperties'])[pattern]
      return given !== undefined && holds(given, wanted, state)
    })
    if (!held && !holds(restOf(before), wanted, state)) {
      add(state, { kind: 'rule', path, message: `properties that match ${pattern} are held to more` })
    }
  }
}

/** Names that only the old schema declares fall under the new one's additionalProperties. */
function compareRest({ before, after, path, state }: Implication): void {
  const wanted = after['additionalProperties']
  if (wanted === undefined || wanted === true) return
  const patterns = Object.keys(objectOf(after['patternProperties']))
  const declared = objectOf(after['properties'])
  for (const name of namesOf(before)) {
    if (Object.hasOwn(declared, name) || patterns.some((pattern) => finds(pattern, name))) continue
    state.implies(schemaOfProperty(before, name), wanted, childPath(path, name), state)
  }
  for (const each of before) {
    for (const [pattern, given] of entriesOf(each['patternProperties'])) {
      if (!patterns.includes(pattern) && !holds(given, wanted, state)) {
        add(state, {
          kind: 'shape',
          path,
          message: `properties that match ${pattern} fall under additionalProperties now`,
        })
      }
    }
  }
  if (!holds(restOf(before), wanted, state))
    add(state, { kind: 'shape', path, message: 'additionalProperties allows less' })
}

function compareRequired({ before, after, path, state }: Implication): void {
  const { required } = after
  if (!isExactArray(required)) return
  const declared = objectOf(after['properties'])
  for (const name of required) {
    if (typeof name !== 'string' || !Object.hasOwn(declared, name)) continue
    const held = before.some((each) => isExactArray(each['required']) && each['required'].includes(name))
    if (!held) add(state, { kind: 'rule', path: childPath(path, name), message: 'the property becomes required' })
  }
}

function compareDependencies({ before, after, path, state }: Implication): void {
  for (const word of ['dependencies', 'dependentRequired', 'dependentSchemas']) {
    for (const [name, wanted] of entriesOf(after[word])) {
      const held = before.some((each) => {
        const given = objectOf(each[word])[name]
        if (given === undefined) return false
        if (isExactArray(given) && isExactArray(wanted)) return wanted.every((one) => given.includes(one))
        return !isExactArray(given) && !isExactArray(wanted) && holds(given, wanted, state)
      })
      if (!held) add(state, { kind: 'rule', path: childPath(path, name), message: `${word} asks for more` })
    }
  }
}

/** What holds for a property of this name in the old schema. */
function schemaOfProperty(before: readonly JsonObject[], name: string): ExactJson {
  const parts = before.flatMap((each): ExactJson[] => {
    const declared = objectOf(each['properties'])
    const own = Object.hasOwn(declared, name) ? [declared[name]!] : []
    const patterned = entriesOf(each['patternProperties']).flatMap(([pattern, json]) =>
      finds(pattern, name) ? [json] : [],
    )
    const rest = each['additionalProperties']
    return own.length + patterned.length > 0 || rest === undefined ? [...own, ...patterned] : [rest]
  })
  return combine(parts)
}

function restOf(before: readonly JsonObject[]): ExactJson {
  return combine(
    before.flatMap((each) => (each['additionalProperties'] === undefined ? [] : [each['additionalProperties']])),
  )
}

function combine(parts: readonly ExactJson[]): ExactJson {
  if (parts.includes(false)) return false
  const telling = parts.filter((each) => each !== true)
  if (telling.length === 0) return true
  return telling.length === 1 ? telling[0]! : { allOf: telling }
}

function namesOf(before: readonly JsonObject[]): string[] {
  return [...new Set(before.flatMap((each) => Object.keys(objectOf(each['properties']))))]
}

function entriesOf(json: ExactJson | undefined): [string, ExactJson][] {
  return Object.entries(objectOf(json))
}

function objectOf(json: ExactJson | undefined): JsonObject {
  return isExactObject(json) ? json : {}
}
