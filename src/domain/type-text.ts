import type { ColumnType } from './column-batch.ts'

/** A column's type in SQL's words: `decimal(12,3)`, `list<string>`, `struct<a: int, b: map<string, double>>`. */
export function typeText(type: ColumnType): string {
  switch (type.kind) {
    case 'int32':
      return 'int'
    case 'int64':
      return 'bigint'
    case 'float32':
      return 'float'
    case 'float64':
      return 'double'
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`
    case 'list':
      return `list<${typeText(type.element)}>`
    case 'map':
      return `map<string, ${typeText(type.value)}>`
    case 'struct':
      return `struct<${type.fields.map((field) => `${field.name}: ${typeText(field.type)}`).join(', ')}>`
    default:
      return type.kind
  }
}
