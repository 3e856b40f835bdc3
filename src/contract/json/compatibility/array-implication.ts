import { isExactArray, type ExactJson } from '../../../domain/exact-json.ts'
import type { Implication } from './implication.ts'
import type { JsonObject } from '../schema.ts'

interface Items {
  readonly first: readonly ExactJson[]
  readonly rest: ExactJson
}

/** prefixItems and items, and their draft-07 forms items (a list) and additionalItems. */
export function arraysImply({ before, after, path, state }: Implication): void {
  const wanted = itemsOf(after)
  const length = Math.max(wanted.first.length, ...before.map((each) => itemsOf(each).first.length))
  for (let at = 0; at < length; at += 1)
    state.implies(itemAt(before, at), wanted.first[at] ?? wanted.rest, `${path}[]`, state)
  state.implies(itemAt(before, Number.POSITIVE_INFINITY), wanted.rest, `${path}[]`, state)
}

function itemAt(before: readonly JsonObject[], at: number): ExactJson {
  const parts = before.map((each) => {
    const { first, rest } = itemsOf(each)
    return first[at] ?? rest
  })
  if (parts.includes(false)) return false
  const telling = parts.filter((each) => each !== true)
  if (telling.length === 0) return true
  return telling.length === 1 ? telling[0]! : { allOf: telling }
}

function itemsOf(schema: JsonObject): Items {
  const { items, prefixItems, additionalItems } = schema
  if (isExactArray(prefixItems)) return { first: prefixItems, rest: isExactArray(items) ? true : (items ?? true) }
  if (isExactArray(items)) return { first: items, rest: additionalItems ?? true }
  return { first: [], rest: items ?? additionalItems ?? true }
}
