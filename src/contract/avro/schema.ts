import { isExactArray, isExactObject, parseExactJson, type ExactJson } from '../../domain/exact-json.ts'
import { invalidContract, type ContractPlace } from '../invalid.ts'
import { parseLogical, type AvroLogical } from './logical.ts'

/** Avro 1.12 schemas as values. Named types are shared objects, so a recursive schema is a cyclic graph. */
export type AvroType =
  | { readonly kind: 'null' }
  | { readonly kind: 'boolean' | 'float' | 'double' }
  | {
      readonly kind: 'int' | 'long' | 'string' | 'bytes'
      readonly logical: AvroLogical | null
      /** `connect.name`, what Kafka Connect says of a value. It means nothing to a contract. */
      readonly connect?: string
    }
  | {
      readonly kind: 'fixed'
      readonly name: string
      readonly aliases: readonly string[]
      readonly size: number
      readonly logical: AvroLogical | null
    }
  | AvroEnum
  | { readonly kind: 'array'; readonly items: AvroType }
  | { readonly kind: 'map'; readonly values: AvroType }
  | AvroUnion
  | AvroRecord

export interface AvroEnum {
  readonly kind: 'enum'
  readonly name: string
  readonly aliases: readonly string[]
  readonly symbols: readonly string[]
  readonly fallback: string | null
}

export interface AvroUnion {
  readonly kind: 'union'
  readonly branches: readonly AvroType[]
}

export interface AvroRecord {
  readonly kind: 'record'
  /** Full name. */
  readonly name: string
  readonly aliases: readonly string[]
  readonly fields: readonly AvroField[]
}

export interface AvroField {
  readonly name: string
  readonly aliases: readonly string[]
  readonly type: AvroType
  /** Undefined where the schema gives none. */
  readonly fallback: ExactJson | undefined
  readonly doc: string | null
  /** The field's other attributes: rules and privacy among them. */
  readonly attributes: { readonly [key: string]: ExactJson }
}

/** Schemas come from outside: what is larger or deeper is refused before it costs time. */
export const MAX_SCHEMA_BYTES = 1_000_000
const MAX_DEPTH = 64
const MAX_FIXED_BYTES = 1_000_000

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
const FULL_NAME = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/
const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const
type Primitive = (typeof PRIMITIVES)[number]

interface Scope {
  readonly place: ContractPlace
  readonly names: Map<string, AvroType>
  readonly namespace: string
  readonly depth: number
  readonly strict: boolean
}

/** Attributes that mean something beside a field's name, and nothing inside its type. */
const FIELD_ATTRIBUTES = ['constraints', 'pii', 'on_ingest']

/**
 * Throws CONTRACT_INVALID naming the place. `strict`, for contracts: rules that stand where they would do nothing are
 * refused too; a producer's own schema may carry what it likes.
 */
export function parseAvroSchema(text: string, subject: string, strict = false): AvroType {
  const place = { subject, path: '' }
  if (text.length > MAX_SCHEMA_BYTES)
    throw invalidContract(place, `the schema is larger than ${MAX_SCHEMA_BYTES} characters`)
  let json: ExactJson
  try {
    json = parseExactJson(text).value
  } catch (error) {
    // A bare primitive name is a schema too, and registries accept it without quotes.
    if (isPrimitive(text.trim())) json = text.trim()
    else throw invalidContract(place, 'the schema is no JSON document', error)
  }
  return parseType(json, { place, names: new Map(), namespace: '', depth: 0, strict })
}

function parseType(json: ExactJson, scope: Scope): AvroType {
  const { place } = scope
  if (scope.depth > MAX_DEPTH) throw invalidContract(place, `types are nested deeper than ${MAX_DEPTH}`)
  if (typeof json === 'string') return namedType(json, scope)
  if (isExactArray(json)) return parseUnion(json, scope)
  if (!isExactObject(json)) throw invalidContract(place, 'a type must be a name, a union or an object')
  const { type } = json
  const stray = scope.strict ? FIELD_ATTRIBUTES.find((word) => Object.hasOwn(json, word)) : undefined
  if (stray !== undefined)
    throw invalidContract(place, `${stray} stands inside a type; it belongs beside a field's name`)
  switch (type) {
    case 'record':
    case 'error':
      return parseRecord(json, scope)
    case 'enum':
      return parseEnum(json, scope)
    case 'fixed':
      return parseFixed(json, scope)
    case 'array':
      return { kind: 'array', items: parseType(need(json, 'items', scope), deeper(scope, '[]')) }
    case 'map':
      return { kind: 'map', values: parseType(need(json, 'values', scope), deeper(scope, '[]')) }
    case undefined:
      throw invalidContract(place, 'a type object has no "type"')
    default:
      if (typeof type !== 'string') return parseType(type, { ...scope, depth: scope.depth + 1 })
      return isPrimitive(type) ? primitive(type, json, scope) : namedType(type, scope)
  }
}

function primitive(kind: Primitive, json: { readonly [key: string]: ExactJson }, scope: Scope): AvroType {
  switch (kind) {
    case 'int':
    case 'long':
    case 'string':
    case 'bytes':
      return { kind, logical: parseLogical(json, { kind, size: null }, scope.place), ...connectName(json) }
    case 'null':
      return { kind }
    case 'boolean':
    case 'float':
    case 'double':
      return { kind }
  }
}

function connectName(json: { readonly [key: string]: ExactJson }): { readonly connect?: string } {
  const name = json['connect.name']
  return typeof name === 'string' ? { connect: name } : {}
}

function namedType(name: string, scope: Scope): AvroType {
  if (isPrimitive(name)) return primitive(name, {}, scope)
  const full = name.includes('.') ? name : qualify(name, scope.namespace)
  const known = scope.names.get(full) ?? scope.names.get(name)
  if (known === undefined) throw invalidContract(scope.place, `unknown type ${JSON.stringify(name.slice(0, 100))}`)
  return known
}

function parseUnion(json: readonly ExactJson[], scope: Scope): AvroType {
  const branches: AvroType[] = []
  const seen = new Set<string>()
  for (const each of json) {
    const branch = parseType(each, { ...scope, depth: scope.depth + 1 })
    if (branch.kind === 'union') throw invalidContract(scope.place, 'a union may not hold a union')
    const name = branchName(branch)
    if (seen.has(name)) throw invalidContract(scope.place, `a union names ${name} twice`)
    seen.add(name)
    branches.push(branch)
  }
  return { kind: 'union', branches }
}

function parseRecord(json: { readonly [key: string]: ExactJson }, scope: Scope): AvroType {
  const { name, aliases, namespace } = parseNames(json, scope)
  const list = json['fields']
  if (!isExactArray(list)) throw invalidContract(scope.place, `record ${name} has no list of fields`)
  const fields: AvroField[] = []
  const record: AvroRecord = { kind: 'record', name, aliases, fields }
  define(name, record, scope)
  const seen = new Set<string>()
  for (const each of list) {
    const field = parseField(each, { ...scope, namespace })
    if (seen.has(field.name)) throw invalidContract(scope.place, `field ${field.name} stands twice in record ${name}`)
    seen.add(field.name)
    fields.push(field)
  }
  return record
}

const FIELD_WORDS = new Set(['name', 'type', 'default', 'doc', 'aliases', 'order'])

function parseField(json: ExactJson, scope: Scope): AvroField {
  if (!isExactObject(json)) throw invalidContract(scope.place, 'a field must be an object')
  const { name } = json
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw invalidContract(scope.place, 'a field needs a name of letters, digits and "_", not beginning with a digit')
  }
  const inner = deeper(scope, name)
  return {
    name,
    aliases: parseAliases(json['aliases'], inner.place),
    type: parseType(need(json, 'type', inner), inner),
    fallback: json['default'],
    doc: typeof json['doc'] === 'string' ? json['doc'] : null,
    attributes: Object.fromEntries(Object.entries(json).filter(([key]) => !FIELD_WORDS.has(key))),
  }
}

function parseEnum(json: { readonly [key: string]: ExactJson }, scope: Scope): AvroType {
  const { name, aliases } = parseNames(json, scope)
  const list = json['symbols']
  if (!isExactArray(list)) throw invalidContract(scope.place, `enum ${name} has no list of symbols`)
  const symbols = list.map((each) => {
    if (typeof each !== 'string' || !NAME.test(each))
      throw invalidContract(scope.place, `enum ${name} has a symbol that is no name`)
    return each
  })
  if (new Set(symbols).size !== symbols.length) throw invalidContract(scope.place, `enum ${name} has a symbol twice`)
  const fallback = json['default']
  if (fallback !== undefined && (typeof fallback !== 'string' || !symbols.includes(fallback))) {
    throw invalidContract(scope.place, `the default of enum ${name} is none of its symbols`)
  }
  const type: AvroEnum = {
    kind: 'enum',
    name,
    aliases,
    symbols,
    fallback: typeof fallback === 'string' ? fallback : null,
  }
  define(name, type, scope)
  return type
}

function parseFixed(json: { readonly [key: string]: ExactJson }, scope: Scope): AvroType {
  const { name, aliases } = parseNames(json, scope)
  const { size } = json
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0 || size > MAX_FIXED_BYTES) {
    throw invalidContract(scope.place, `the size of fixed ${name} must be a whole number up to ${MAX_FIXED_BYTES}`)
  }
  const type: AvroType = {
    kind: 'fixed',
    name,
    aliases,
    size,
    logical: parseLogical(json, { kind: 'fixed', size }, scope.place),
  }
  define(name, type, scope)
  return type
}

interface Names {
  readonly name: string
  readonly aliases: readonly string[]
  readonly namespace: string
}

function parseNames(json: { readonly [key: string]: ExactJson }, scope: Scope): Names {
  const { name, namespace } = json
  if (typeof name !== 'string' || !FULL_NAME.test(name))
    throw invalidContract(scope.place, 'a named type has no valid name')
  if (namespace !== undefined && (typeof namespace !== 'string' || (namespace !== '' && !FULL_NAME.test(namespace)))) {
    throw invalidContract(scope.place, `the namespace of ${name} is no valid name`)
  }
  const full = name.includes('.') ? name : qualify(name, typeof namespace === 'string' ? namespace : scope.namespace)
  const own = full.slice(0, Math.max(0, full.lastIndexOf('.')))
  const aliases = parseAliases(json['aliases'], scope.place).map((alias) =>
    alias.includes('.') ? alias : qualify(alias, own),
  )
  return { name: full, aliases, namespace: own }
}

function parseAliases(json: ExactJson | undefined, place: ContractPlace): string[] {
  if (json === undefined) return []
  if (!isExactArray(json)) throw invalidContract(place, 'aliases must be a list of names')
  return json.map((each) => {
    if (typeof each !== 'string' || !FULL_NAME.test(each))
      throw invalidContract(place, 'aliases must be a list of names')
    return each
  })
}

function define(name: string, type: AvroType, scope: Scope): void {
  if (scope.names.has(name) || isPrimitive(name)) throw invalidContract(scope.place, `type ${name} is defined twice`)
  scope.names.set(name, type)
}

/** The name by which a union tells its branches apart. */
export function branchName(type: AvroType): string {
  return 'name' in type ? type.name : type.kind
}

export function shortName(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}

function need(json: { readonly [key: string]: ExactJson }, key: string, scope: Scope): ExactJson {
  const value = json[key]
  if (value === undefined) throw invalidContract(scope.place, `"${key}" is missing`)
  return value
}

function deeper(scope: Scope, name: string): Scope {
  const path = name === '[]' ? `${scope.place.path}[]` : scope.place.path === '' ? name : `${scope.place.path}.${name}`
  return { ...scope, depth: scope.depth + 1, place: { subject: scope.place.subject, path } }
}

function qualify(name: string, namespace: string): string {
  return namespace === '' ? name : `${namespace}.${name}`
}

function isPrimitive(name: string): name is Primitive {
  return (PRIMITIVES as readonly string[]).includes(name)
}
