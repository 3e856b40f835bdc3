import type { ColumnType } from '../../src/domain/column-batch.ts'
import type { SqlDialect } from '../../src/domain/table-query.ts'
import type { TableColumn } from '../../src/ports/table-source.ts'

/** A column as INFORMATION_SCHEMA.COLUMNS has it. */
export interface CatalogueType {
  readonly dataType: string
  readonly precision: string | null
  readonly scale: string | null
  readonly length: string | null
}

/** As Snowflake's people write it: `NUMBER(38,2)`, `VARCHAR(20)`. */
export function typeText({ dataType, precision, scale, length }: CatalogueType): string {
  const type = dataType.toUpperCase()
  if (type === 'NUMBER' && precision !== null) return `NUMBER(${precision},${scale ?? '0'})`
  if (type === 'TEXT') return length === null ? 'VARCHAR' : `VARCHAR(${length})`
  return type
}

const PLAIN: Readonly<Record<string, ColumnType>> = {
  BOOLEAN: { kind: 'boolean' },
  FLOAT: { kind: 'float64' },
  DATE: { kind: 'date' },
  TIMESTAMP_NTZ: { kind: 'timestamp' },
  TIMESTAMP_LTZ: { kind: 'timestamp' },
  TIMESTAMP_TZ: { kind: 'timestamp' },
  VARCHAR: { kind: 'string' },
  BINARY: { kind: 'binary' },
}

/** What holds every value of a type, nanoseconds of times aside; null where only text does. */
export function columnTypeOf(type: string): ColumnType | null {
  const number = /^NUMBER\((\d+),(\d+)\)$/.exec(type)
  if (number === null) return PLAIN[type.replace(/\(.*/, '')] ?? null
  const [precision, scale] = [Number(number[1]), Number(number[2])]
  return scale === 0 && precision <= 18 ? { kind: 'int64' } : { kind: 'decimal', precision, scale }
}

export function orderOf(type: string): TableColumn['order'] {
  if (type.startsWith('TIMESTAMP')) return 'instant'
  return type === 'DATE' ? 'day' : 'other'
}

/**
 * What is selected so that no digit is lost. Numbers, texts, days, times with a date and bytes come whole as they are;
 * of the others the server makes the text.
 */
export function selectedOf(quoted: string, type: string): string {
  switch (type.replace(/\(.*/, '')) {
    case 'VARIANT':
      return `to_json(${quoted})`
    case 'OBJECT':
    case 'ARRAY':
    case 'MAP':
      return `to_json(to_variant(${quoted}))`
    case 'VECTOR':
      return `to_json(to_variant(cast(${quoted} as array)))`
    case 'GEOGRAPHY':
    case 'GEOMETRY':
      return `st_aswkt(${quoted})`
    case 'TIME':
      return `to_varchar(${quoted}, 'HH24:MI:SS.FF9')`
    default:
      return quoted
  }
}

/** What stands for a bound text that is compared with a column. `?::type` is no place for a value in Snowflake. */
export function placeOf(type: string): string {
  const plain = type.replace(/\(.*/, '')
  if (plain === 'VARCHAR') return '?'
  if (plain === 'FLOAT') return 'cast(? as double)'
  if (plain.startsWith('TIMESTAMP') || plain === 'TIME') return `cast(? as ${plain}(9))`
  return `cast(? as ${type})`
}

/** Snowflake compares lists of values for equality only, so keys are compared column by column. */
export function dialectOf(columns: readonly TableColumn[]): SqlDialect {
  const types = new Map(columns.map(({ name, type }) => [name, type]))
  return {
    form: 'expanded',
    placeholder: (_, column) => placeOf(types.get(column)!),
    selected: (quoted, column) => selectedOf(quoted, types.get(column)!),
  }
}
