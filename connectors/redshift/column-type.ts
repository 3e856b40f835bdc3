import type { ColumnType } from '../../src/domain/column-batch.ts'
import type { TableColumn } from '../../src/ports/table-source.ts'

const PLAIN: Readonly<Record<string, ColumnType>> = {
  boolean: { kind: 'boolean' },
  smallint: { kind: 'int32' },
  integer: { kind: 'int32' },
  bigint: { kind: 'int64' },
  real: { kind: 'float32' },
  'double precision': { kind: 'float64' },
  date: { kind: 'date' },
  'timestamp without time zone': { kind: 'timestamp' },
  'timestamp with time zone': { kind: 'timestamp' },
  text: { kind: 'string' },
  bytea: { kind: 'binary' },
  'binary varying': { kind: 'binary' },
}

/** What holds every value of a type, as `format_type` writes it; null where only text does. */
export function columnTypeOf(type: string): ColumnType | null {
  const plain = PLAIN[type.replace(/^(timestamp|binary varying)\(\d+\)/, '$1')]
  if (plain !== undefined) return plain
  if (/^(character varying|character)(\(\d+\))?$/.test(type)) return { kind: 'string' }
  const decimal = /^numeric\((\d+),(\d+)\)$/.exec(type)
  if (decimal === null) return null
  const [precision, scale] = [Number(decimal[1]), Number(decimal[2])]
  return precision <= 38 && scale <= precision ? { kind: 'decimal', precision, scale } : null
}

export function orderOf(type: string): TableColumn['order'] {
  if (type.startsWith('timestamp')) return 'instant'
  return type === 'date' ? 'day' : 'other'
}
