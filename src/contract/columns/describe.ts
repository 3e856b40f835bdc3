import type { ColumnType } from '../../domain/column-batch.ts'

/** A column type in words: `decimal(12,3)`, `list of string`. */
export function describeColumn(type: ColumnType): string {
  switch (type.kind) {
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`
    case 'list':
      return `list of ${describeColumn(type.element)}`
    case 'map':
      return `map of ${describeColumn(type.value)}`
    case 'struct':
      return `struct of ${type.fields.map(({ name, type: inner }) => `${name} ${describeColumn(inner)}`).join(', ')}`
    default:
      return type.kind
  }
}
