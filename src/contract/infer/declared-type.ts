import type { ColumnType } from '../../domain/column-batch.ts'
import type { JsonValue } from '../../domain/dead-letter.ts'
import type { DescribedColumn } from '../../ports/source-connector.ts'

/** The Avro type of a column that its source declares. Pure. */
export interface DeclaredType {
  readonly type: JsonValue
  readonly note: string | null
}

export function declaredType({ name, holds, type }: DescribedColumn): DeclaredType {
  const avro = holds === null ? null : avroOf(holds, name)
  if (holds === null || avro === null)
    return { type: 'string', note: `${type} as text: no type of a contract holds all of it` }
  // A time without a zone is read as UTC; that it has none is worth knowing to those who read the contract.
  const isZoneless = holds.kind === 'timestamp' && /without time zone|ntz/i.test(type ?? '')
  return { type: isZoneless ? LOCAL : avro, note: null }
}

const LOCAL: JsonValue = { type: 'long', logicalType: 'local-timestamp-micros' }

/** `path` names the records of one schema apart. Null for a struct with a field that no record can have. */
function avroOf(type: ColumnType, path: string): JsonValue | null {
  switch (type.kind) {
    case 'boolean':
    case 'string':
      return type.kind
    case 'int32':
      return 'int'
    case 'int64':
      return 'long'
    case 'float32':
      return 'float'
    case 'float64':
      return 'double'
    case 'binary':
      return 'bytes'
    case 'date':
      return { type: 'int', logicalType: 'date' }
    case 'timestamp':
      return { type: 'long', logicalType: 'timestamp-micros' }
    case 'decimal':
      return { type: 'bytes', logicalType: 'decimal', precision: type.precision, scale: type.scale }
    case 'list': {
      const items = orNull(avroOf(type.element, `${path}__item`), type.elementNullable)
      return items === null ? null : { type: 'array', items }
    }
    case 'map': {
      const values = orNull(avroOf(type.value, `${path}__value`), type.valueNullable)
      return values === null ? null : { type: 'map', values }
    }
    case 'struct': {
      const fields: JsonValue[] = []
      for (const field of type.fields) {
        const inner = orNull(avroOf(field.type, `${path}__${field.name}`), true)
        if (inner === null || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(field.name)) return null
        fields.push({ name: field.name, type: inner, default: null })
      }
      return fields.length === 0 ? null : { type: 'record', name: `${path}__record`, fields }
    }
  }
}

function orNull(type: JsonValue | null, isNullable: boolean): JsonValue | null {
  return type === null || !isNullable ? type : ['null', type]
}
