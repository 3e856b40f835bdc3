import { formatDecimal } from '../../domain/decimal-text.ts'
import { formatDate, formatTimestamp } from '../../domain/time-text.ts'
import type { ColumnBuilder } from './builder.ts'
import { BytesBuilder } from './bytes-builder.ts'
import { BooleanBuilder, Decimal128Builder, FloatBuilder, Int32Builder, Int64Builder } from './scalar-builders.ts'

/** The canonical text of a scalar that is present: the one that `canonicalText` gives for its type. */
export function valueText(builder: ColumnBuilder, index: number): string {
  if (builder instanceof BytesBuilder) return builder.text(index)
  if (builder instanceof Int64Builder || builder instanceof Decimal128Builder) {
    const value = builder.at(index)
    const { type } = builder
    if (type.kind === 'timestamp') return formatTimestamp(value)
    return type.kind === 'decimal' ? formatDecimal(value, type.scale) : value.toString()
  }
  if (builder instanceof Int32Builder) {
    return builder.type.kind === 'date' ? formatDate(builder.data[index]!) : String(builder.data[index])
  }
  if (builder instanceof BooleanBuilder) return builder.data[index] === 1 ? 'true' : 'false'
  return builder instanceof FloatBuilder ? String(builder.data[index]) : 'a value'
}
