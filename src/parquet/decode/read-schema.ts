import type { SchemaElement, SchemaTree } from 'hyparquet'
import type { ColumnField, ColumnType } from '../../domain/column-batch.ts'

/** A file's schema as our fields; null stands for a type that we have no word for. */

export function fieldOf(node: SchemaTree): ColumnField | null {
  const { element } = node
  if (element.repetition_type === 'REPEATED') return null
  const type = node.children.length > 0 ? groupType(node) : leafType(element)
  return type === null ? null : { name: element.name, type, nullable: element.repetition_type === 'OPTIONAL' }
}

function groupType(node: SchemaTree): ColumnType | null {
  const { converted_type: converted, logical_type: logical } = node.element
  if (converted === 'LIST') return listType(node)
  if (converted === 'MAP' || converted === 'MAP_KEY_VALUE') return mapType(node)
  if (logical !== undefined) return null
  const fields: ColumnField[] = []
  for (const child of node.children) {
    const field = fieldOf(child)
    if (field === null) return null
    fields.push(field)
  }
  return { kind: 'struct', fields }
}

/** The three-level form `list.element`, under whatever names. */
function listType(node: SchemaTree): ColumnType | null {
  const middle = node.children[0]
  if (node.children.length !== 1 || middle === undefined) return null
  const inner = middle.children[0]
  if (middle.element.repetition_type !== 'REPEATED' || middle.children.length !== 1 || inner === undefined) return null
  const element = fieldOf(inner)
  return element === null ? null : { kind: 'list', element: element.type, elementNullable: element.nullable }
}

function mapType(node: SchemaTree): ColumnType | null {
  const entry = node.children[0]
  if (node.children.length !== 1 || entry?.element.repetition_type !== 'REPEATED') return null
  const [key, value] = entry.children
  if (entry.children.length !== 2 || key === undefined || value === undefined) return null
  if (key.element.name !== 'key' || value.element.name !== 'value') return null
  const keyField = fieldOf(key)
  const valueField = fieldOf(value)
  if (keyField?.type.kind !== 'string' || valueField === null) return null
  return { kind: 'map', value: valueField.type, valueNullable: valueField.nullable }
}

function leafType(element: SchemaElement): ColumnType | null {
  const { converted_type: converted, logical_type: logical } = element
  if (isDecimal(element)) {
    const precision = element.precision ?? (logical?.type === 'DECIMAL' ? logical.precision : 0)
    const scale = element.scale ?? (logical?.type === 'DECIMAL' ? logical.scale : 0)
    return precision >= 1 && precision <= 38 && scale >= 0 && scale <= precision
      ? { kind: 'decimal', precision, scale }
      : null
  }
  if (logical?.type === 'INTEGER' && converted === undefined) {
    const { bitWidth, isSigned } = logical
    if (bitWidth === 64) return isSigned ? { kind: 'int64' } : null
    return { kind: bitWidth === 32 && !isSigned ? 'int64' : 'int32' }
  }
  switch (converted) {
    case 'UTF8':
    case 'ENUM':
    case 'JSON':
      return { kind: 'string' }
    case 'DATE':
      return { kind: 'date' }
    case 'TIMESTAMP_MILLIS':
    case 'TIMESTAMP_MICROS':
      return { kind: 'timestamp' }
    case 'INT_8':
    case 'INT_16':
    case 'INT_32':
    case 'UINT_8':
    case 'UINT_16':
      return { kind: 'int32' }
    case 'UINT_32':
    case 'INT_64':
      return { kind: 'int64' }
    case undefined:
      break
    default:
      return null
  }
  switch (logical?.type) {
    case 'STRING':
    case 'ENUM':
      return { kind: 'string' }
    case 'UUID':
      return { kind: 'binary' }
    case 'DATE':
      return { kind: 'date' }
    case 'TIMESTAMP':
      return { kind: 'timestamp' }
    case undefined:
      return physicalKind(element)
    default:
      return null
  }
}

function physicalKind({ type }: SchemaElement): ColumnType | null {
  switch (type) {
    case 'BOOLEAN':
      return { kind: 'boolean' }
    case 'INT32':
      return { kind: 'int32' }
    case 'INT64':
      return { kind: 'int64' }
    case 'INT96':
      return { kind: 'timestamp' }
    case 'FLOAT':
      return { kind: 'float32' }
    case 'DOUBLE':
      return { kind: 'float64' }
    case 'BYTE_ARRAY':
    case 'FIXED_LEN_BYTE_ARRAY':
      return { kind: 'binary' }
    default:
      return null
  }
}

function isDecimal(element: SchemaElement): boolean {
  return element.converted_type === 'DECIMAL' || element.logical_type?.type === 'DECIMAL'
}
