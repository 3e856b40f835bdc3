import { MAX_INT64_PRECISION, type ColumnType } from '../../domain/column-batch.ts'

/** Bytes that a value takes in its column, whatever stands in it: its slot and its validity, those of all fields of a struct. */
export function leastBytes(type: ColumnType): number {
  switch (type.kind) {
    case 'boolean':
      return 2
    case 'int32':
    case 'date':
    case 'float32':
    case 'string':
    case 'binary':
    case 'list':
    case 'map':
      return 5
    case 'int64':
    case 'timestamp':
    case 'float64':
      return 9
    case 'decimal':
      return type.precision <= MAX_INT64_PRECISION ? 9 : 17
    case 'struct':
      return type.fields.reduce((sum, field) => sum + leastBytes(field.type), 1)
  }
}
