import { isExactArray, isExactObject, parseExactJson, type ExactJson } from '../../domain/exact-json.ts'
import { invalidContract, type ContractPlace } from '../invalid.ts'

export type JsonObject = { readonly [key: string]: ExactJson }

/** A JSON Schema that is safe to work on: bounded, and without references that leave it. */
export interface JsonSchema {
  readonly root: ExactJson
  readonly text: string
  readonly subject: string
  readonly draft: '2020-12' | 'draft-07'
}

/** Schemas come from outside: what is larger or deeper is refused before it costs time. */
const MAX_CHARACTERS = 1_000_000
const MAX_DEPTH = 64

const DRAFTS: Readonly<Record<string, JsonSchema['draft']>> = {
  'https://json-schema.org/draft/2020-12/schema': '2020-12',
  'http://json-schema.org/draft-07/schema': 'draft-07',
}

/** Keywords that would make a schema reach outside itself or run asynchronously. */
const REFUSED = ['$dynamicRef', '$recursiveRef', '$async']

/** Throws CONTRACT_INVALID for what is no schema, too large, or refers outside itself. */
export function parseJsonSchema(text: string, subject: string): JsonSchema {
  const place = { subject, path: '' }
  if (text.length > MAX_CHARACTERS)
    throw invalidContract(place, `the schema is larger than ${MAX_CHARACTERS} characters`)
  let root: ExactJson
  try {
    root = parseExactJson(text).value
  } catch (error) {
    throw invalidContract(place, 'the schema is no JSON document', error)
  }
  if (typeof root !== 'boolean' && !isExactObject(root))
    throw invalidContract(place, 'a JSON Schema must be an object or a boolean')
  checkSafe(root, root, place, 0)
  return { root, text, subject, draft: draftOf(root, place) }
}

function draftOf(root: ExactJson, place: ContractPlace): JsonSchema['draft'] {
  const declared = isExactObject(root) ? root['$schema'] : undefined
  if (declared === undefined) return '2020-12'
  const draft = typeof declared === 'string' ? DRAFTS[declared.replace(/#$/, '')] : undefined
  if (draft === undefined)
    throw invalidContract(
      place,
      `$schema names a draft that is not supported; known are ${Object.keys(DRAFTS).join(', ')}`,
    )
  return draft
}

function checkSafe(json: ExactJson, root: ExactJson, place: ContractPlace, depth: number): void {
  if (depth > MAX_DEPTH) throw invalidContract(place, `the schema is nested deeper than ${MAX_DEPTH}`)
  if (isExactArray(json)) {
    for (const each of json) checkSafe(each, root, place, depth + 1)
  } else if (isExactObject(json)) {
    for (const word of REFUSED) if (Object.hasOwn(json, word)) throw invalidContract(place, `${word} is not supported`)
    const reference = json['$ref']
    if (typeof reference === 'string' && resolvePointer(root, reference) === undefined) {
      throw invalidContract(
        place,
        `$ref ${JSON.stringify(reference.slice(0, 200))} is not "#" or a "#/…" that this schema has; schemas may not refer elsewhere`,
      )
    }
    for (const each of Object.values(json)) checkSafe(each, root, place, depth + 1)
  }
}

/** What a JSON pointer fragment (RFC 6901) points at; undefined where it points nowhere or outside. */
export function resolvePointer(root: ExactJson, reference: string): ExactJson | undefined {
  if (reference === '#') return root
  if (!reference.startsWith('#/')) return undefined
  let at: ExactJson | undefined = root
  for (const part of reference.slice(2).split('/')) {
    const key = decodePart(part)
    if (key === null) return undefined
    if (isExactArray(at)) at = /^\d+$/.test(key) ? at[Number(key)] : undefined
    else if (isExactObject(at)) at = Object.hasOwn(at, key) ? at[key] : undefined
    else return undefined
  }
  return at
}

function decodePart(part: string): string | null {
  try {
    return decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
  } catch {
    return null
  }
}

/**
 * The schemas that all apply where this one does: itself, what it refers to, and the members of `allOf`. Each at most
 * once, so that circles end.
 */
export function conjuncts(schema: ExactJson, root: ExactJson): JsonObject[] {
  const found: JsonObject[] = []
  const visit = (each: ExactJson | undefined): void => {
    if (!isExactObject(each) || found.includes(each)) return
    found.push(each)
    if (typeof each['$ref'] === 'string') visit(resolvePointer(root, each['$ref']))
    const all = each['allOf']
    if (isExactArray(all)) for (const member of all) visit(member)
  }
  visit(schema)
  return found
}
