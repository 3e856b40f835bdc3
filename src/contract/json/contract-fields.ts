import { fieldHasPii, type ContractField, type FieldRules } from '../../domain/contract.ts'
import type { ColumnType } from '../../domain/column-batch.ts'
import { ExactNumber, isExactArray, isExactObject, type ExactJson } from '../../domain/exact-json.ts'
import { parseIntegerText } from '../../domain/decimal-text.ts'
import { int64Within } from '../columns/text-writer.ts'
import { childPath, invalidContract, type ContractPlace } from '../invalid.ts'
import { parsePrivacy } from '../privacy/field-privacy.ts'
import { parseRules } from '../rules/parse-rules.ts'
import { TagFinder } from './inner-tags.ts'
import { conjuncts, type JsonObject, type JsonSchema } from './schema.ts'
import { columnTypeOf, recordShape, type JsonShape } from './shape.ts'

/** The contract's fields. Their rules are what `diff` shows and what exact numbers are held to; the schema itself judges. */
export function jsonContractFields(schema: JsonSchema): ContractField[] {
  const place = { subject: schema.subject, path: '' }
  const finder = new TagFinder(schema)
  const fields = recordShape(schema).map((property) => fieldOf(property, place, finder))
  checkRoot(schema, fields, finder)
  return fields
}

/** Tags of fields that have no name (`patternProperties`, `additionalProperties`) hold only as far as unknown fields are hidden. */
function checkRoot({ root, subject }: JsonSchema, fields: readonly ContractField[], finder: TagFinder): void {
  const own = conjuncts(root, root)
  const nameless = own.map((schema) =>
    Object.fromEntries(Object.entries(schema).filter(([word]) => word !== 'properties')),
  )
  const tags = finder.below(nameless, own)
  const place = { subject, path: '' }
  if (tags.onIngest)
    throw invalidContract(place, 'on_ingest stands where no field has a name; it belongs in properties')
  if (tags.pii && !fields.some(fieldHasPii))
    throw invalidContract(place, 'pii stands where no field has a name; tag a field in properties too')
}

interface Named {
  readonly name: string
  readonly shape: JsonShape
  readonly required: boolean
}

function fieldOf({ name, shape, required }: Named, parent: ContractPlace, finder: TagFinder): ContractField {
  const place = { subject: parent.subject, path: childPath(parent.path, name) }
  const type = columnTypeOf(shape)
  const attributes = Object.assign({}, ...[...shape.schemas].reverse()) as JsonObject
  const children = childrenOf(shape, place, finder)
  const privacy = parsePrivacy(attributes, { place, parent, type })
  const tags = finder.below(shape.schemas)
  if (tags.onIngest)
    throw invalidContract(place, 'on_ingest is for fields of the record itself, not for what stands inside one')
  // Tags that no column of ours stands for make the whole field private.
  const isPrivate = tags.pii && privacy.pii === null && children?.some(fieldHasPii) !== true
  return {
    column: { name, type, nullable: true },
    rules: { ...rulesOf(shape, type, place), ...(required ? { required } : {}) },
    ...privacy,
    ...(isPrivate ? { pii: 'private' } : {}),
    doc: typeof attributes['description'] === 'string' ? attributes['description'] : null,
    ...(children === null ? {} : { children }),
  }
}

function childrenOf(shape: JsonShape, place: ContractPlace, finder: TagFinder): ContractField[] | null {
  switch (shape.kind) {
    case 'struct':
      return shape.fields.map((field) => fieldOf(field, place, finder))
    case 'list':
      return [fieldOf({ name: '[]', shape: shape.element, required: false }, place, finder)]
    case 'map':
      return [fieldOf({ name: '[]', shape: shape.value, required: false }, place, finder)]
    case 'scalar':
    case 'text':
      return null
  }
}

const BOUNDS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']

function rulesOf(shape: JsonShape, type: ColumnType, place: ContractPlace): FieldRules {
  if (shape.kind !== 'scalar') return {}
  const words = Object.fromEntries(
    [...shape.schemas]
      .reverse()
      .flatMap((schema) => Object.entries(schema).filter(([word, value]) => applies(word, value, type))),
  )
  return parseRules(words, type, place)
}

/** JSON Schema lets any keyword stand on any type, where it may say nothing: only what holds for the column is kept. */
function applies(word: string, value: ExactJson, type: ColumnType): boolean {
  const isNumber = typeof value === 'number' || value instanceof ExactNumber
  switch (type.kind) {
    case 'string':
      if (word === 'minLength' || word === 'maxLength') return isNumber
      if (word === 'pattern') return typeof value === 'string'
      return listApplies(word, value, (each) => typeof each === 'string')
    case 'int32':
    case 'int64':
    case 'decimal':
      if (BOUNDS.includes(word)) return isNumber
      return type.kind !== 'decimal' && listApplies(word, value, (each) => isWhole(each, type.kind === 'int64'))
    case 'float32':
    case 'float64':
      return BOUNDS.includes(word) && word !== 'multipleOf' && isNumber
    case 'boolean':
      return listApplies(word, value, (each) => typeof each === 'boolean')
    default:
      return false
  }
}

function isWhole(value: ExactJson, long: boolean): boolean {
  if (Number.isSafeInteger(value)) return true
  const text = value instanceof ExactNumber ? value.text : typeof value === 'number' ? String(value) : null
  return long && text !== null && int64Within(parseIntegerText(text)) !== null
}

function listApplies(word: string, value: ExactJson, fits: (each: ExactJson) => boolean): boolean {
  if (word === 'const') return fits(value)
  if (word === 'enum')
    return isExactArray(value) && value.length > 0 && value.every((each) => each === null || fits(each))
  if (word !== 'not' || !isExactObject(value)) return false
  const entries = Object.entries(value)
  return (
    entries.length > 0 &&
    entries.every(([inner, each]) =>
      inner === 'const' ? fits(each) : inner === 'enum' && isExactArray(each) && each.every(fits),
    )
  )
}
