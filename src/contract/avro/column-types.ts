import type { ColumnField, ColumnType } from '../../domain/column-batch.ts'
import { invalidContract, type ContractPlace } from '../invalid.ts'
import { branchName, shortName, type AvroType } from './schema.ts'

const MAX_PRECISION = 38
const MAX_COLUMNS = 5000

/** The branches of a union that are not null. */
export function presentBranches(type: AvroType): readonly AvroType[] {
  return type.kind === 'union'
    ? type.branches.filter((branch) => branch.kind !== 'null')
    : type.kind === 'null'
      ? []
      : [type]
}

export function isNullable(type: AvroType): boolean {
  return type.kind === 'null' || (type.kind === 'union' && type.branches.some((branch) => branch.kind === 'null'))
}

/** How one branch of a general union is named as a field of its struct. */
export function memberName(branch: AvroType): string {
  return `member_${shortName(branchName(branch))}`
}

/**
 * The column type of an Avro type. enum and uuid → string; fixed and duration → binary; time → int64 (microseconds of
 * the day); timestamps → timestamp; a general union → a struct with one field a branch (`member_<type>`), of which at
 * most one is not null. Everything nested is nullable in the column; what is required is a rule.
 * Recursive types have no column type and are refused.
 */
export function avroColumnType(type: AvroType, place: ContractPlace): ColumnType {
  if (countColumns(type, new Map()) > MAX_COLUMNS)
    throw invalidContract(place, `the type has more than ${MAX_COLUMNS} columns`)
  return columnTypeOf(type, place, [])
}

/** Named types used twice at each level multiply: counted, once a type, before they are written out. */
function countColumns(type: AvroType, known: Map<AvroType, number>): number {
  const counted = known.get(type)
  if (counted !== undefined) return counted
  known.set(type, 0)
  const inner = (types: readonly AvroType[]): number => types.reduce((sum, each) => sum + countColumns(each, known), 1)
  const count =
    type.kind === 'record'
      ? inner(type.fields.map((field) => field.type))
      : type.kind === 'union'
        ? inner(type.branches)
        : type.kind === 'array'
          ? inner([type.items])
          : type.kind === 'map'
            ? inner([type.values])
            : 1
  known.set(type, count)
  return count
}

function columnTypeOf(type: AvroType, place: ContractPlace, within: readonly AvroType[]): ColumnType {
  switch (type.kind) {
    case 'boolean':
      return { kind: 'boolean' }
    case 'int':
      if (type.logical?.kind === 'date') return { kind: 'date' }
      return { kind: type.logical?.kind === 'time' ? 'int64' : 'int32' }
    case 'long':
      return { kind: type.logical?.kind === 'timestamp' ? 'timestamp' : 'int64' }
    case 'float':
      return { kind: 'float32' }
    case 'double':
      return { kind: 'float64' }
    case 'string':
    case 'enum':
      return { kind: 'string' }
    case 'bytes':
    case 'fixed':
      if (type.logical?.kind === 'uuid') return { kind: 'string' }
      if (type.logical?.kind !== 'decimal') return { kind: 'binary' }
      if (type.logical.precision > MAX_PRECISION) {
        throw invalidContract(place, `decimals hold at most ${MAX_PRECISION} digits, not ${type.logical.precision}`)
      }
      return { kind: 'decimal', precision: type.logical.precision, scale: type.logical.scale }
    case 'array':
      return { kind: 'list', element: columnTypeOf(type.items, place, within), elementNullable: true }
    case 'map':
      return { kind: 'map', value: columnTypeOf(type.values, place, within), valueNullable: true }
    case 'null':
      throw invalidContract(place, 'a field that is always null has no column')
    case 'union':
      return unionColumnType(type, place, within)
    case 'record':
      if (within.includes(type))
        throw invalidContract(place, `type ${type.name} holds itself; columns cannot be recursive`)
      if (type.fields.length === 0) throw invalidContract(place, `record ${type.name} has no fields`)
      return {
        kind: 'struct',
        fields: type.fields.map((field) => column(field.name, columnTypeOf(field.type, place, [...within, type]))),
      }
  }
}

function unionColumnType(type: AvroType, place: ContractPlace, within: readonly AvroType[]): ColumnType {
  const present = presentBranches(type)
  if (present.length === 0) throw invalidContract(place, 'a field that is always null has no column')
  if (present.length === 1) return columnTypeOf(present[0]!, place, within)
  const fields = present.map((branch) => column(memberName(branch), columnTypeOf(branch, place, within)))
  if (new Set(fields.map((field) => field.name.toLowerCase())).size !== fields.length) {
    throw invalidContract(place, 'two branches of a union have one short name')
  }
  return { kind: 'struct', fields }
}

function column(name: string, type: ColumnType): ColumnField {
  return { name, type, nullable: true }
}

/** The Avro type that a column type is read as. */
export function avroOfColumn(type: ColumnType): AvroType {
  switch (type.kind) {
    case 'boolean':
      return { kind: 'boolean' }
    case 'int32':
      return { kind: 'int', logical: null }
    case 'date':
      return { kind: 'int', logical: { kind: 'date' } }
    case 'int64':
      return { kind: 'long', logical: null }
    case 'timestamp':
      return { kind: 'long', logical: { kind: 'timestamp', unit: 'micros' } }
    case 'float32':
      return { kind: 'float' }
    case 'float64':
      return { kind: 'double' }
    case 'decimal':
      return { kind: 'bytes', logical: type }
    case 'string':
      return { kind: 'string', logical: null }
    case 'binary':
      return { kind: 'bytes', logical: null }
    case 'list':
      return { kind: 'array', items: nullable(avroOfColumn(type.element)) }
    case 'map':
      return { kind: 'map', values: nullable(avroOfColumn(type.value)) }
    case 'struct':
      return {
        kind: 'record',
        name: 'struct',
        aliases: [],
        fields: type.fields.map((field) => ({
          name: field.name,
          aliases: [],
          type: nullable(avroOfColumn(field.type)),
          fallback: null,
          doc: null,
          attributes: {},
        })),
      }
  }
}

function nullable(type: AvroType): AvroType {
  return { kind: 'union', branches: [{ kind: 'null' }, type] }
}
