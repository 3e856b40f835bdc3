import type { ColumnField, ColumnType } from '../../domain/column-batch.ts'
import { MAX_INT64_PRECISION } from '../../domain/column-batch.ts'
import { SluiceError } from '../../domain/errors.ts'
import { bool, i32, struct, text } from './thrift-compact.ts'
import type { ThriftValue } from './thrift-compact.ts'

/** How fields stand in a Parquet file: the elements of its schema, and its leaves with the way down to each. */

export type PhysicalType = 'BOOLEAN' | 'INT32' | 'INT64' | 'FLOAT' | 'DOUBLE' | 'BYTE_ARRAY' | 'FIXED_LEN_BYTE_ARRAY'

/** One step from a column to a column inside it. */
export interface LeafStep {
  readonly into: 'child' | 'element' | 'key' | 'value'
  /** Which child of a struct. */
  readonly child: number
  readonly nullable: boolean
}

export interface ParquetLeaf {
  /** Index of the top-level field. */
  readonly field: number
  readonly fieldNullable: boolean
  readonly path: readonly string[]
  readonly steps: readonly LeafStep[]
  readonly type: ColumnType
  readonly physical: PhysicalType
  /** Bytes of a value in the file, where all have one size; else 0. */
  readonly size: number
  readonly maxDefinition: number
  readonly maxRepetition: number
}

export interface ParquetSchema {
  readonly elements: readonly ThriftValue[]
  readonly leaves: readonly ParquetLeaf[]
}

type Repetition = 'required' | 'optional' | 'repeated'

/** A node on the way down, with what its leaves inherit. */
interface Place {
  readonly field: number
  readonly fieldNullable: boolean
  readonly path: readonly string[]
  readonly steps: readonly LeafStep[]
  readonly definition: number
  readonly repetition: number
}

/** Decimals up to this precision are stored as 32-bit integers (LogicalTypes.md, "DECIMAL"). */
const MAX_INT32_PRECISION = 9

const PHYSICAL_IDS: Record<PhysicalType, number> = {
  BOOLEAN: 0,
  INT32: 1,
  INT64: 2,
  FLOAT: 4,
  DOUBLE: 5,
  BYTE_ARRAY: 6,
  FIXED_LEN_BYTE_ARRAY: 7,
}
const REPETITION_IDS: Record<Repetition, number> = { required: 0, optional: 1, repeated: 2 }
const CONVERTED = { UTF8: 0, MAP: 1, LIST: 3, DECIMAL: 5, DATE: 6, TIMESTAMP_MICROS: 10 }
const LOGICAL = { STRING: 1, MAP: 2, LIST: 3, DECIMAL: 5, DATE: 6, TIMESTAMP: 8 }
const MICROS = 2

export function physicalId(type: PhysicalType): number {
  return PHYSICAL_IDS[type]
}

export function parquetSchema(fields: readonly ColumnField[]): ParquetSchema {
  const elements: ThriftValue[] = [
    struct([
      [4, text('schema')],
      [5, i32(fields.length)],
    ]),
  ]
  const leaves: ParquetLeaf[] = []

  const group = (name: string, repetition: Repetition, children: number, annotation?: 'MAP' | 'LIST'): void => {
    elements.push(
      struct([
        [3, i32(REPETITION_IDS[repetition])],
        [4, text(name)],
        [5, i32(children)],
        [6, annotation === undefined ? null : i32(CONVERTED[annotation])],
        [10, annotation === undefined ? null : struct([[LOGICAL[annotation], struct([])]])],
      ]),
    )
  }

  const down = (place: Place, name: string, nullable: boolean): Place => ({
    ...place,
    path: [...place.path, name],
    definition: place.definition + (nullable ? 1 : 0),
  })
  const into = (place: Place, step: LeafStep): Place => ({ ...place, steps: [...place.steps, step] })
  /** Inside a repeated group, where one more definition level says "has an entry". */
  const repeated = (place: Place, name: string): Place => ({
    ...place,
    path: [...place.path, name],
    definition: place.definition + 1,
    repetition: place.repetition + 1,
  })

  const visit = (place: Place, { name, type, nullable }: ColumnField): void => {
    const repetition = nullable ? 'optional' : 'required'
    switch (type.kind) {
      case 'struct': {
        if (type.fields.length === 0) {
          throw new SluiceError('BUG', `the struct ${place.path.join('.')} has no fields, which Parquet cannot hold`)
        }
        group(name, repetition, type.fields.length)
        for (const [child, field] of type.fields.entries()) {
          const step: LeafStep = { into: 'child', child, nullable: field.nullable }
          visit(into(down(place, field.name, field.nullable), step), field)
        }
        return
      }
      case 'list': {
        group(name, repetition, 1, 'LIST')
        group('list', 'repeated', 1)
        const element = { name: 'element', type: type.element, nullable: type.elementNullable }
        const inside = down(repeated(place, 'list'), 'element', element.nullable)
        visit(into(inside, { into: 'element', child: 0, nullable: element.nullable }), element)
        return
      }
      case 'map': {
        group(name, repetition, 1, 'MAP')
        group('key_value', 'repeated', 2)
        const entry = repeated(place, 'key_value')
        const key: ColumnField = { name: 'key', type: { kind: 'string' }, nullable: false }
        const value: ColumnField = { name: 'value', type: type.value, nullable: type.valueNullable }
        visit(into(down(entry, 'key', false), { into: 'key', child: 0, nullable: false }), key)
        visit(into(down(entry, 'value', value.nullable), { into: 'value', child: 0, nullable: value.nullable }), value)
        return
      }
      default: {
        elements.push(leafElement(name, type, repetition))
        leaves.push({
          field: place.field,
          fieldNullable: place.fieldNullable,
          path: place.path,
          steps: place.steps,
          type,
          physical: physicalType(type),
          size: valueBytes(type),
          maxDefinition: place.definition,
          maxRepetition: place.repetition,
        })
      }
    }
  }

  for (const [index, field] of fields.entries()) {
    const top: Place = {
      field: index,
      fieldNullable: field.nullable,
      path: [field.name],
      steps: [],
      definition: field.nullable ? 1 : 0,
      repetition: 0,
    }
    visit(top, field)
  }
  return { elements, leaves }
}

function physicalType(type: ColumnType): PhysicalType {
  switch (type.kind) {
    case 'boolean':
      return 'BOOLEAN'
    case 'int32':
    case 'date':
      return 'INT32'
    case 'int64':
    case 'timestamp':
      return 'INT64'
    case 'float32':
      return 'FLOAT'
    case 'float64':
      return 'DOUBLE'
    case 'decimal':
      if (type.precision <= MAX_INT32_PRECISION) return 'INT32'
      return type.precision <= MAX_INT64_PRECISION ? 'INT64' : 'FIXED_LEN_BYTE_ARRAY'
    case 'string':
    case 'binary':
      return 'BYTE_ARRAY'
    default:
      throw new SluiceError('BUG', `a ${type.kind} has no physical type of its own`)
  }
}

function valueBytes(type: ColumnType): number {
  switch (physicalType(type)) {
    case 'INT32':
    case 'FLOAT':
      return 4
    case 'INT64':
    case 'DOUBLE':
      return 8
    case 'FIXED_LEN_BYTE_ARRAY':
      return type.kind === 'decimal' ? decimalBytes(type.precision) : 0
    default:
      return 0
  }
}

/** The fewest bytes that hold every number of so many digits in two's complement. */
function decimalBytes(precision: number): number {
  let bytes = 1
  while (2n ** BigInt(bytes * 8 - 1) < 10n ** BigInt(precision)) bytes += 1
  return bytes
}

function leafElement(name: string, type: ColumnType, repetition: Repetition): ThriftValue {
  const physical = physicalType(type)
  return struct([
    [1, i32(PHYSICAL_IDS[physical])],
    [2, physical === 'FIXED_LEN_BYTE_ARRAY' ? i32(valueBytes(type)) : null],
    [3, i32(REPETITION_IDS[repetition])],
    [4, text(name)],
    [6, convertedType(type)],
    [7, type.kind === 'decimal' ? i32(type.scale) : null],
    [8, type.kind === 'decimal' ? i32(type.precision) : null],
    [10, logicalType(type)],
  ])
}

function convertedType(type: ColumnType): ThriftValue | null {
  switch (type.kind) {
    case 'string':
      return i32(CONVERTED.UTF8)
    case 'decimal':
      return i32(CONVERTED.DECIMAL)
    case 'date':
      return i32(CONVERTED.DATE)
    case 'timestamp':
      return i32(CONVERTED.TIMESTAMP_MICROS)
    default:
      return null
  }
}

function logicalType(type: ColumnType): ThriftValue | null {
  switch (type.kind) {
    case 'string':
      return struct([[LOGICAL.STRING, struct([])]])
    case 'date':
      return struct([[LOGICAL.DATE, struct([])]])
    case 'decimal': {
      const decimal = struct([
        [1, i32(type.scale)],
        [2, i32(type.precision)],
      ])
      return struct([[LOGICAL.DECIMAL, decimal]])
    }
    case 'timestamp': {
      const timestamp = struct([
        [1, bool(true)],
        [2, struct([[MICROS, struct([])]])],
      ])
      return struct([[LOGICAL.TIMESTAMP, timestamp]])
    }
    default:
      return null
  }
}
