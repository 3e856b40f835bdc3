import type { ColumnField } from '../../domain/column-batch.ts'
import type { ColumnStats } from '../../domain/column-stats.ts'
import type { JsonValue } from '../../domain/dead-letter.ts'

/** Columns past this many have no statistics, as in Delta's own writers (`delta.dataSkippingNumIndexedCols`). */
const INDEXED_COLUMNS = 32

export interface StatedFile {
  readonly rows: number
  readonly stats: readonly ColumnStats[]
  /** The table's columns; statistics of others, and of partition columns, are left out. */
  readonly fields: readonly ColumnField[]
  readonly partitionColumns: readonly string[]
  /** Columns whose least and greatest value must not stand in the log. */
  readonly unstated: ReadonlySet<string>
}

/** The text of `add.stats` (PROTOCOL, "Per-file Statistics"). */
export function formatStats({ rows, stats, fields, partitionColumns, unstated }: StatedFile): string {
  const stored = fields.filter((field) => !partitionColumns.includes(field.name))
  const indexed = new Set(stored.slice(0, INDEXED_COLUMNS).map((field) => field.name))
  const minValues: Record<string, JsonValue> = {}
  const maxValues: Record<string, JsonValue> = {}
  const nullCount: Record<string, number> = {}
  for (const { column, nulls, min, max } of stats) {
    if (!indexed.has(column)) continue
    nullCount[column] = nulls
    if (unstated.has(column)) continue
    if (isBound(min)) minValues[column] = min
    if (isBound(max)) maxValues[column] = max
  }
  return JSON.stringify({ numRecords: rows, minValues, maxValues, nullCount })
}

/** Numbers that JSON cannot state (NaN, infinities) are no bounds. */
function isBound(value: JsonValue | undefined): value is JsonValue {
  return value !== undefined && value !== null && (typeof value !== 'number' || Number.isFinite(value))
}
