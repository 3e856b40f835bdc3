import type { ColumnField, ColumnType } from '../domain/column-batch.ts'
import { SluiceError } from '../domain/errors.ts'
import { isObject, parseLogJson, writeLogJson } from './log/log-json.ts'
import type { LogJson, LogObject } from './log/log-json.ts'

/**
 * Columns ↔ the text of Delta's schema (PROTOCOL, "Schema Serialization Format"). Delta's narrower integers are read as
 * int32 and its zoneless timestamps as timestamps (UTC); both keep every value. A type without a counterpart is
 * refused by name.
 */

const PRIMITIVES: Readonly<Record<string, ColumnType>> = {
  boolean: { kind: 'boolean' },
  byte: { kind: 'int32' },
  short: { kind: 'int32' },
  integer: { kind: 'int32' },
  long: { kind: 'int64' },
  float: { kind: 'float32' },
  double: { kind: 'float64' },
  string: { kind: 'string' },
  binary: { kind: 'binary' },
  date: { kind: 'date' },
  timestamp: { kind: 'timestamp' },
  timestamp_ntz: { kind: 'timestamp' },
  decimal: { kind: 'decimal', precision: 10, scale: 0 },
}
const NAMES: Readonly<Record<string, string>> = {
  boolean: 'boolean',
  int32: 'integer',
  int64: 'long',
  float32: 'float',
  float64: 'double',
  string: 'string',
  binary: 'binary',
  date: 'date',
  timestamp: 'timestamp',
}
const DECIMAL = /^decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)$/
/** What Parquet writers of the Delta family refuse in a name at reader version 1. */
const FORBIDDEN_IN_NAME = /[ ,;{}()\n\t=]/

export function parseDeltaSchema(text: string): ColumnField[] {
  try {
    return readFields(parseStruct(text), '')
  } catch (error) {
    // The stack is what bounds how deep a schema may nest.
    if (error instanceof RangeError) throw refused('the schema of the table nests too deep', error)
    throw error
  }
}

/** With `previous`, fields that stay keep their metadata and, where the column is unchanged, their exact type. */
export function formatDeltaSchema(fields: readonly ColumnField[], previous?: string): string {
  checkNames(fields, '')
  return writeLogJson(writeStruct(fields, previous === undefined ? null : parseStruct(previous)))
}

/** Features that live in field metadata and that a writer must honour: the names of those present. */
export function schemaFeatures(text: string): string[] {
  const found = new Set<string>()
  visitFields(parseStruct(text), ({ metadata }) => {
    if (!isObject(metadata)) return
    if ('delta.invariants' in metadata) found.add('invariants')
    if ('delta.generationExpression' in metadata) found.add('generatedColumns')
    if ('delta.identity.start' in metadata) found.add('identityColumns')
  })
  return [...found]
}

export function checkPartitionColumns(fields: readonly ColumnField[], partitionColumns: readonly string[]): void {
  for (const name of partitionColumns) {
    const type = fields.find((field) => field.name === name)?.type
    if (type === undefined) throw refused(`partition column ${JSON.stringify(name)} is not a column`)
    if (type.kind === 'list' || type.kind === 'map' || type.kind === 'struct') {
      throw refused(`partition column ${JSON.stringify(name)} has the nested type ${type.kind}`)
    }
  }
  if (new Set(partitionColumns).size < partitionColumns.length) throw refused('a partition column is named twice')
  if (fields.length > 0 && partitionColumns.length === fields.length)
    throw refused('every column is a partition column')
}

/** The schema's text as JSON: a struct, or TABLE_UNSUPPORTED. */
export function parseStruct(text: string): LogObject {
  let schema: LogJson
  try {
    schema = parseLogJson(text)
  } catch (cause) {
    throw new SluiceError('TABLE_UNSUPPORTED', 'the schema of the table is no JSON', { cause })
  }
  if (!isObject(schema) || schema['type'] !== 'struct') throw refused('the schema of the table is no struct')
  return schema
}

function readFields(struct: LogObject, path: string): ColumnField[] {
  const names = new Set<string>()
  return fieldList(struct).map((field) => {
    const { name } = field
    if (typeof name !== 'string') throw refused(`a column of the table has no name, inside ${JSON.stringify(path)}`)
    if (names.has(name)) throw refused(`column ${JSON.stringify(path + name)} occurs twice`)
    names.add(name)
    return { name, type: readType(field['type'], path + name), nullable: field['nullable'] !== false }
  })
}

function readType(type: LogJson | undefined, path: string): ColumnType {
  if (typeof type === 'string') {
    const decimal = DECIMAL.exec(type)
    if (decimal !== null) return { kind: 'decimal', precision: Number(decimal[1]), scale: Number(decimal[2]) }
    return (Object.hasOwn(PRIMITIVES, type) ? PRIMITIVES[type] : undefined) ?? unsupportedType(path, type)
  }
  if (!isObject(type)) return unsupportedType(path, textOf(type))
  switch (type['type']) {
    case 'struct':
      return { kind: 'struct', fields: readFields(type, `${path}.`) }
    case 'array':
      return {
        kind: 'list',
        element: readType(type['elementType'], `${path}.element`),
        elementNullable: type['containsNull'] !== false,
      }
    case 'map':
      if (type['keyType'] !== 'string') return unsupportedType(path, 'map with keys that are not strings')
      return {
        kind: 'map',
        value: readType(type['valueType'], `${path}.value`),
        valueNullable: type['valueContainsNull'] !== false,
      }
    default:
      return unsupportedType(path, textOf(type['type']))
  }
}

function writeStruct(fields: readonly ColumnField[], previous: LogObject | null): LogObject {
  const known = new Map(previous === null ? [] : fieldList(previous).map((field) => [field['name'], field]))
  return {
    type: 'struct',
    fields: fields.map((field) => {
      const before = known.get(field.name)
      const metadata = before?.['metadata'] ?? {}
      return { name: field.name, type: writeType(field.type, before?.['type']), nullable: field.nullable, metadata }
    }),
  }
}

function writeType(type: ColumnType, before: LogJson | undefined): LogJson {
  const old = isObject(before) ? before : null
  switch (type.kind) {
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`
    case 'struct':
      return writeStruct(type.fields, old?.['type'] === 'struct' ? old : null)
    case 'list': {
      const element = writeType(type.element, old?.['elementType'])
      return { type: 'array', elementType: element, containsNull: type.elementNullable }
    }
    case 'map': {
      const value = writeType(type.value, old?.['valueType'])
      return { type: 'map', keyType: 'string', valueType: value, valueContainsNull: type.valueNullable }
    }
    default:
      // `short` stays `short` where the column still is the int32 that it was read as.
      return typeof before === 'string' && PRIMITIVES[before]?.kind === type.kind ? before : NAMES[type.kind]!
  }
}

function visitFields(struct: LogObject, visit: (field: LogObject) => void): void {
  for (const field of fieldList(struct)) {
    visit(field)
    const { type } = field
    if (isObject(type)) visitType(type, visit)
  }
}

function visitType(type: LogObject, visit: (field: LogObject) => void): void {
  if (type['type'] === 'struct') visitFields(type, visit)
  for (const inner of [type['elementType'], type['keyType'], type['valueType']]) {
    if (isObject(inner)) visitType(inner, visit)
  }
}

export function fieldList(struct: LogObject): LogObject[] {
  const fields = struct['fields']
  if (!Array.isArray(fields)) throw refused('the schema of the table has a struct without a list of fields')
  return (fields as readonly LogJson[]).map((field) => {
    if (!isObject(field)) throw refused('the schema of the table has a field that is no object')
    return field
  })
}

function checkNames(fields: readonly ColumnField[], path: string): void {
  const seen = new Set<string>()
  for (const { name, type } of fields) {
    if (name === '' || FORBIDDEN_IN_NAME.test(name)) {
      throw new SluiceError(
        'IDENTIFIER_INVALID',
        `column ${JSON.stringify(path + name)} cannot be stored under that name`,
      )
    }
    const folded = name.toLowerCase()
    if (seen.has(folded)) throw refused(`column ${JSON.stringify(path + name)} occurs twice (case does not count)`)
    seen.add(folded)
    for (let at = type; ; at = at.kind === 'list' ? at.element : at.value) {
      if (at.kind === 'struct') checkNames(at.fields, `${path}${name}.`)
      if (at.kind !== 'list' && at.kind !== 'map') break
    }
  }
}

function unsupportedType(path: string, type: string): never {
  throw refused(`column ${JSON.stringify(path)} has the type ${type}, which Sluice does not have`)
}

function refused(message: string, cause?: unknown): SluiceError {
  return new SluiceError('TABLE_UNSUPPORTED', message, cause === undefined ? {} : { cause })
}

function textOf(value: LogJson | undefined): string {
  return typeof value === 'string' ? value : 'of no name'
}
