import type { ColumnType } from '../../domain/column-batch.ts'
import { isExactArray, isExactObject, type ExactJson } from '../../domain/exact-json.ts'
import { invalidContract, type ContractPlace } from '../invalid.ts'
import { conjuncts, type JsonObject, type JsonSchema } from './schema.ts'

/** How a JSON value stands in a column. */
export type JsonShape = {
  /** The schema admits null. */
  readonly nullable: boolean
  /** All that applies to the value: rules and attributes are read from here. */
  readonly schemas: readonly JsonObject[]
} & (
  | { readonly kind: 'scalar'; readonly type: ColumnType; readonly quoted: boolean }
  /** Any value, kept as JSON text. */
  | { readonly kind: 'text' }
  | { readonly kind: 'list'; readonly element: JsonShape }
  | { readonly kind: 'map'; readonly value: JsonShape }
  | { readonly kind: 'struct'; readonly fields: readonly JsonProperty[] }
)

export interface JsonProperty {
  readonly name: string
  readonly shape: JsonShape
  readonly required: boolean
}

const TYPES = ['null', 'boolean', 'integer', 'number', 'string', 'array', 'object'] as const
export type JsonType = (typeof TYPES)[number]

/** A schema can name itself twice at each level: columns are counted, or a short text would ask for millions. */
const MAX_COLUMNS = 5000

interface ShapeContext {
  readonly schema: JsonSchema
  readonly place: ContractPlace
  readonly within: readonly ExactJson[]
  readonly budget: { left: number }
}

/** The record's fields. Throws CONTRACT_INVALID where the schema describes no object with properties. */
export function recordShape(schema: JsonSchema): readonly JsonProperty[] {
  const place = { subject: schema.subject, path: '' }
  const shape = shapeOf(schema.root, { schema, place, within: [], budget: { left: MAX_COLUMNS } })
  if (shape.kind !== 'struct') throw invalidContract(place, 'a contract must be an object with properties')
  return shape.fields
}

function shapeOf(json: ExactJson, context: ShapeContext): JsonShape {
  context.budget.left -= 1
  if (context.budget.left < 0) throw invalidContract(context.place, `the schema has more than ${MAX_COLUMNS} fields`)
  const schemas = withOnlyBranch(conjuncts(json, context.schema.root), context.schema.root)
  const types = typesOf(schemas)
  const nullable = types.has('null')
  types.delete('null')
  const base = { nullable, schemas }
  if (context.within.includes(json)) return { ...base, kind: 'text' }
  const inner = { ...context, within: [...context.within, json] }
  const properties = propertiesOf(schemas)
  const only = types.size === 1 || (types.size === 2 && types.has('integer') && types.has('number'))
  if (types.has('object') && (only || (types.size === TYPES.length - 1 && properties.length > 0))) {
    return objectShape(schemas, properties, base, inner)
  }
  if (!only) return { ...base, kind: 'text' }
  if (types.has('array')) {
    const items = schemas.map((each) => each['items']).find(isExactObject)
    const tuple = schemas.some((each) => isExactArray(each['items']) || each['prefixItems'] !== undefined)
    return items === undefined || tuple
      ? { ...base, kind: 'text' }
      : { ...base, kind: 'list', element: shapeOf(items, inner) }
  }
  return { ...base, kind: 'scalar', ...scalarType(types, schemas, context.place) }
}

function objectShape(
  schemas: readonly JsonObject[],
  properties: readonly (readonly [string, ExactJson])[],
  base: { readonly nullable: boolean; readonly schemas: readonly JsonObject[] },
  context: ShapeContext,
): JsonShape {
  if (properties.length > 0) {
    const required = new Set(schemas.flatMap((each) => (isExactArray(each['required']) ? each['required'] : [])))
    const fields = properties.map(([name, json]) => {
      const path = context.place.path === '' ? name : `${context.place.path}.${name}`
      return {
        name,
        required: required.has(name),
        shape: shapeOf(json, { ...context, place: { subject: context.place.subject, path } }),
      }
    })
    return { ...base, kind: 'struct', fields }
  }
  const additional = schemas.map((each) => each['additionalProperties']).find(isExactObject)
  const patterned = schemas.some((each) => each['patternProperties'] !== undefined)
  return additional === undefined || patterned
    ? { ...base, kind: 'text' }
    : { ...base, kind: 'map', value: shapeOf(additional, context) }
}

/** `format` names what JSON has no type for; docs/contracts.md lists the words. */
function scalarType(
  types: ReadonlySet<JsonType>,
  schemas: readonly JsonObject[],
  place: ContractPlace,
): { type: ColumnType; quoted: boolean } {
  const word = (name: string): ExactJson | undefined =>
    schemas.map((each) => each[name]).find((value) => value !== undefined)
  const format = word('format')
  if (format === 'decimal' && !types.has('boolean'))
    return { type: decimalType(word('precision'), word('scale'), place), quoted: types.has('string') }
  if (types.has('number')) return { type: { kind: format === 'float' ? 'float32' : 'float64' }, quoted: false }
  if (types.has('integer')) return { type: { kind: format === 'int32' ? 'int32' : 'int64' }, quoted: false }
  if (types.has('boolean')) return { type: { kind: 'boolean' }, quoted: false }
  if (format === 'date-time') return { type: { kind: 'timestamp' }, quoted: true }
  if (format === 'date') return { type: { kind: 'date' }, quoted: true }
  return { type: { kind: word('contentEncoding') === 'base64' ? 'binary' : 'string' }, quoted: true }
}

function decimalType(precision: ExactJson | undefined, scale: ExactJson = 0, place: ContractPlace): ColumnType {
  if (typeof precision !== 'number' || !Number.isSafeInteger(precision) || precision < 1 || precision > 38) {
    throw invalidContract(place, 'format decimal needs a precision from 1 to 38')
  }
  if (typeof scale !== 'number' || !Number.isSafeInteger(scale) || scale < 0 || scale > precision) {
    throw invalidContract(place, 'format decimal needs a scale from 0 to its precision')
  }
  return { kind: 'decimal', precision, scale }
}

function propertiesOf(schemas: readonly JsonObject[]): [string, ExactJson][] {
  const found = new Map<string, ExactJson>()
  for (const { properties } of schemas) {
    if (!isExactObject(properties)) continue
    for (const [name, json] of Object.entries(properties)) if (!found.has(name)) found.set(name, json)
  }
  return [...found]
}

/** `anyOf` or `oneOf` of null and one other schema is that schema, made nullable. */
function withOnlyBranch(schemas: readonly JsonObject[], root: ExactJson): JsonObject[] {
  return schemas.flatMap((each) => {
    const branches = each['anyOf'] ?? each['oneOf']
    if (!isExactArray(branches)) return [each]
    const present = branches.filter((branch) => !isNullOnly(branch, root))
    return present.length === 1 && present.length < branches.length ? [each, ...conjuncts(present[0]!, root)] : [each]
  })
}

function isNullOnly(json: ExactJson, root: ExactJson): boolean {
  const types = typesOf(conjuncts(json, root))
  return types.size === 1 && types.has('null')
}

/** The types that a value may have, null among them where some branch of `anyOf` admits it. */
export function typesOf(schemas: readonly JsonObject[]): Set<JsonType> {
  const hasNullBranch = schemas.some(({ anyOf, oneOf }) =>
    [anyOf, oneOf].some(
      (list) => isExactArray(list) && list.some((each) => isExactObject(each) && each['type'] === 'null'),
    ),
  )
  let types: JsonType[] = [...TYPES]
  for (const each of schemas) {
    const own = ownTypes(each)
    if (own !== null)
      types = types.filter(
        (type) =>
          own.includes(type) || (type === 'integer' && own.includes('number')) || (type === 'null' && hasNullBranch),
      )
  }
  return new Set(types)
}

function ownTypes(schema: JsonObject): readonly JsonType[] | null {
  const { type } = schema
  if (typeof type === 'string') return TYPES.filter((each) => each === type)
  if (isExactArray(type)) return TYPES.filter((each) => type.includes(each))
  if (schema['const'] !== undefined) return [typeOfValue(schema['const'])]
  const list = schema['enum']
  if (isExactArray(list)) return [...new Set(list.map(typeOfValue))]
  const { anyOf, oneOf } = schema
  const branches = isExactArray(anyOf) ? anyOf : isExactArray(oneOf) ? oneOf : null
  if (branches === null || !branches.every(isExactObject)) return null
  const each = branches.map(ownTypes)
  return each.every((own) => own !== null) ? [...new Set(each.flat())] : null
}

function typeOfValue(value: ExactJson): JsonType {
  if (value === null) return 'null'
  if (typeof value === 'boolean') return 'boolean'
  if (typeof value === 'string') return 'string'
  if (isExactArray(value)) return 'array'
  if (isExactObject(value)) return 'object'
  return Number.isInteger(Number(typeof value === 'number' ? value : value.text)) ? 'integer' : 'number'
}

export function columnTypeOf(shape: JsonShape): ColumnType {
  switch (shape.kind) {
    case 'scalar':
      return shape.type
    case 'text':
      return { kind: 'string' }
    case 'list':
      return { kind: 'list', element: columnTypeOf(shape.element), elementNullable: true }
    case 'map':
      return { kind: 'map', value: columnTypeOf(shape.value), valueNullable: true }
    case 'struct':
      return {
        kind: 'struct',
        fields: shape.fields.map(({ name, shape: inner }) => ({ name, type: columnTypeOf(inner), nullable: true })),
      }
  }
}
