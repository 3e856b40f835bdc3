import { isExactArray, isExactObject, type ExactJson } from '../../domain/exact-json.ts'
import { invalidContract } from '../invalid.ts'
import { resolvePointer, type JsonObject, type JsonSchema } from './schema.ts'

/** What tags of privacy stand below schemas. */
export interface InnerTags {
  readonly pii: boolean
  readonly onIngest: boolean
}

/** Keywords whose values are data, or names, and no schemas. */
const DATA = new Set(['enum', 'const', 'default', 'examples', 'required', 'dependentRequired', 'type'])
/** Keywords whose values are schemas by name. */
const NAMED = new Set(['properties', 'patternProperties', 'dependentSchemas', 'dependencies'])
/** Only what refers to them takes part. */
const DEFINED = new Set(['$defs', 'definitions'])

/** A definition that many fields share is read for each of them. */
const BUDGET = 1_000_000

/** Finds tags wherever a schema may stand: in tuples, branches, patterns, references. One finder a contract. */
export class TagFinder {
  readonly #schema: JsonSchema
  #left = BUDGET

  constructor(schema: JsonSchema) {
    this.#schema = schema
  }

  /** `known`: schemas whose own tags are read already. */
  below(schemas: readonly JsonObject[], known: readonly JsonObject[] = schemas): InnerTags {
    const seen = new Set<ExactJson>(known)
    const found = { pii: false, onIngest: false }
    for (const each of schemas) this.#inside(each, seen, found)
    return found
  }

  #visit(schema: ExactJson | undefined, seen: Set<ExactJson>, found: { pii: boolean; onIngest: boolean }): void {
    if (schema === undefined || seen.has(schema)) return
    if (isExactArray(schema)) for (const each of schema) this.#visit(each, seen, found)
    if (!isExactObject(schema)) return
    seen.add(schema)
    found.pii ||= schema['pii'] !== undefined
    found.onIngest ||= schema['on_ingest'] !== undefined
    this.#inside(schema, seen, found)
  }

  #inside(schema: JsonObject, seen: Set<ExactJson>, found: { pii: boolean; onIngest: boolean }): void {
    this.#left -= 1
    const { subject, root } = this.#schema
    if (this.#left < 0) throw invalidContract({ subject, path: '' }, 'the schema is too large to look for pii in it')
    for (const [word, value] of Object.entries(schema)) {
      if (DATA.has(word) || DEFINED.has(word)) continue
      const below = NAMED.has(word) && isExactObject(value) ? Object.values(value) : [value]
      for (const each of below) this.#visit(each, seen, found)
    }
    if (typeof schema['$ref'] === 'string') this.#visit(resolvePointer(root, schema['$ref']), seen, found)
  }
}
