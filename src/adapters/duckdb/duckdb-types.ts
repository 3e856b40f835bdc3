import { DuckDBTypeId } from '@duckdb/node-api'
import type { DuckDBDecimalType, DuckDBListType, DuckDBMapType, DuckDBStructType, DuckDBType } from '@duckdb/node-api'
import type { ColumnField, ColumnType } from '../../domain/column-batch.ts'
import { SluiceError } from '../../domain/errors.ts'
import { quoteIdentifier } from '../../domain/identifier.ts'

/**
 * Our types in DuckDB's words. Inside queries a timestamp has no zone and means UTC, as a Spark session in UTC has it;
 * in files it is an instant, as Delta's `timestamp` is.
 */
export function queryType(type: ColumnType): string {
  return typeText(type, 'TIMESTAMP')
}

export function fileType(type: ColumnType): string {
  return typeText(type, 'TIMESTAMPTZ')
}

function typeText(type: ColumnType, timestamp: string): string {
  switch (type.kind) {
    case 'boolean':
      return 'BOOLEAN'
    case 'int32':
      return 'INTEGER'
    case 'int64':
      return 'BIGINT'
    case 'float32':
      return 'FLOAT'
    case 'float64':
      return 'DOUBLE'
    case 'decimal':
      return `DECIMAL(${type.precision},${type.scale})`
    case 'string':
      return 'VARCHAR'
    case 'binary':
      return 'BLOB'
    case 'date':
      return 'DATE'
    case 'timestamp':
      return timestamp
    case 'list':
      return `${typeText(type.element, timestamp)}[]`
    case 'map':
      return `MAP(VARCHAR, ${typeText(type.value, timestamp)})`
    case 'struct':
      return `STRUCT(${type.fields.map((f) => `${quoteIdentifier(f.name)} ${typeText(f.type, timestamp)}`).join(', ')})`
  }
}

/** The type that a result column is stored as. Sums of integers are wider than 64 bits and become decimals of 38 digits. */
export function storedType(type: DuckDBType, column: string): ColumnType {
  switch (type.typeId) {
    case DuckDBTypeId.BOOLEAN:
      return { kind: 'boolean' }
    case DuckDBTypeId.TINYINT:
    case DuckDBTypeId.SMALLINT:
    case DuckDBTypeId.INTEGER:
    case DuckDBTypeId.UTINYINT:
    case DuckDBTypeId.USMALLINT:
      return { kind: 'int32' }
    case DuckDBTypeId.UINTEGER:
    case DuckDBTypeId.BIGINT:
      return { kind: 'int64' }
    case DuckDBTypeId.UBIGINT:
    case DuckDBTypeId.HUGEINT:
    case DuckDBTypeId.UHUGEINT:
      return { kind: 'decimal', precision: 38, scale: 0 }
    case DuckDBTypeId.FLOAT:
      return { kind: 'float32' }
    case DuckDBTypeId.DOUBLE:
      return { kind: 'float64' }
    case DuckDBTypeId.DECIMAL: {
      const { width, scale } = type as DuckDBDecimalType
      return { kind: 'decimal', precision: width, scale }
    }
    case DuckDBTypeId.VARCHAR:
    case DuckDBTypeId.UUID:
    case DuckDBTypeId.ENUM:
    case DuckDBTypeId.SQLNULL:
      return { kind: 'string' }
    case DuckDBTypeId.BLOB:
      return { kind: 'binary' }
    case DuckDBTypeId.DATE:
      return { kind: 'date' }
    case DuckDBTypeId.TIMESTAMP:
    case DuckDBTypeId.TIMESTAMP_TZ:
    case DuckDBTypeId.TIMESTAMP_S:
    case DuckDBTypeId.TIMESTAMP_MS:
    case DuckDBTypeId.TIMESTAMP_NS:
      return { kind: 'timestamp' }
    case DuckDBTypeId.LIST:
      return { kind: 'list', element: storedType((type as DuckDBListType).valueType, column), elementNullable: true }
    case DuckDBTypeId.MAP: {
      const { keyType, valueType } = type as DuckDBMapType
      if (keyType.typeId !== DuckDBTypeId.VARCHAR) throw noSuchType(type, column)
      return { kind: 'map', value: storedType(valueType, column), valueNullable: true }
    }
    case DuckDBTypeId.STRUCT: {
      const { entryNames, entryTypes } = type as DuckDBStructType
      const fields = entryNames.map((name, index): ColumnField => {
        const entry = entryTypes[index]
        if (entry === undefined) throw noSuchType(type, column)
        return { name, type: storedType(entry, column), nullable: true }
      })
      return { kind: 'struct', fields }
    }
    default:
      throw noSuchType(type, column)
  }
}

function noSuchType(type: DuckDBType, column: string): SluiceError {
  return new SluiceError('MODEL_SQL', `column ${column} is of type ${String(type)}, which a table cannot hold`, {
    hint: 'Cast the column to a number, text, date or timestamp.',
  })
}
