import {
  MAX_INT64_PRECISION,
  type Column,
  type ColumnBatch,
  type ColumnField,
  type ColumnType,
} from '../../domain/column-batch.ts'
import { sameType } from './table-fields.ts'

/** Casts columns to the table's types where those are wider (see `fits`); never with loss. */
export function castBatch(batch: ColumnBatch, tableFields: readonly ColumnField[]): ColumnBatch {
  const byName = new Map(tableFields.map((field) => [field.name, field]))
  const fields: ColumnField[] = []
  const columns = batch.columns.map((column, i) => {
    const target = byName.get(batch.fields[i]!.name) ?? batch.fields[i]!
    fields.push(target)
    return sameType(column.type, target.type) ? column : castColumn(column, target.type)
  })
  return { length: batch.length, fields, columns }
}

function castColumn(column: Column, type: ColumnType): Column {
  const { values, length, validity } = column
  if (values.layout === 'constant') {
    return { type, length, validity, values: { layout: 'constant', entry: castColumn(values.entry, type) } }
  }
  if (type.kind === 'int64' && values.layout === 'int32') {
    return { type, length, validity, values: { layout: 'int64', data: BigInt64Array.from(values.data, BigInt) } }
  }
  if (type.kind === 'float64' && (values.layout === 'int32' || values.layout === 'float32')) {
    return { type, length, validity, values: { layout: 'float64', data: Float64Array.from(values.data) } }
  }
  if (type.kind === 'decimal') return castDecimal(column, type)
  throw new TypeError(`a column of kind ${column.type.kind} does not fit kind ${type.kind}`)
}

function castDecimal(column: Column, type: ColumnType & { kind: 'decimal' }): Column {
  const { values, length, validity } = column
  const factor = 10n ** BigInt(type.scale - (column.type.kind === 'decimal' ? column.type.scale : 0))
  const unscaled = (row: number): bigint => {
    if (values.layout === 'int32') return BigInt(values.data[row]!)
    if (values.layout === 'int64') return values.data[row]!
    if (values.layout === 'decimal128') return readInt128(values.data, row * 16)
    throw new TypeError(`a column of layout ${values.layout} is no number`)
  }
  if (type.precision <= MAX_INT64_PRECISION) {
    const data = new BigInt64Array(length)
    for (let row = 0; row < length; row += 1) data[row] = unscaled(row) * factor
    return { type, length, validity, values: { layout: 'int64', data } }
  }
  const data = new Uint8Array(length * 16)
  const view = new DataView(data.buffer)
  for (let row = 0; row < length; row += 1) {
    const value = unscaled(row) * factor
    view.setBigInt64(row * 16, value >> 64n)
    view.setBigUint64(row * 16 + 8, BigInt.asUintN(64, value))
  }
  return { type, length, validity, values: { layout: 'decimal128', data } }
}

function readInt128(data: Uint8Array, at: number): bigint {
  const view = new DataView(data.buffer, data.byteOffset + at, 16)
  return (view.getBigInt64(0) << 64n) | view.getBigUint64(8)
}
