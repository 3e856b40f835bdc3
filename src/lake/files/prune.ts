import type { ColumnField, ColumnType } from '../../domain/column-batch.ts'
import type { LogJson } from '../log/log-json.ts'
import type { AddFile } from './add-file.ts'
import { compareOrdered, orderedValue } from './bound-order.ts'
import type { Ordered } from './bound-order.ts'

/** What rows are wanted by one column: `min` ≤ value ≤ `max`, in JSON or text form; null values are not wanted. */
export interface ColumnRange {
  readonly column: string
  readonly min?: LogJson
  readonly max?: LogJson
}

export interface PrunedTable {
  readonly fields: readonly ColumnField[]
  readonly partitionColumns: readonly string[]
}

/**
 * The files that may hold a row within all ranges, by partition values and statistics. A file is left out only where
 * it certainly holds none: what is unknown, missing or cannot be ordered keeps it. Pure.
 */
export function pruneFiles(files: Iterable<AddFile>, table: PrunedTable, ranges: readonly ColumnRange[]): AddFile[] {
  return Array.from(files).filter((file) => ranges.every((range) => mayHold(file, table, range)))
}

function mayHold(file: AddFile, { fields, partitionColumns }: PrunedTable, range: ColumnRange): boolean {
  const type = fields.find((field) => field.name === range.column)?.type
  if (type === undefined) return true
  if (partitionColumns.includes(range.column)) {
    const value = file.partitionValues[range.column]
    if (value === undefined) return true
    return value !== null && overlaps(range, type, { min: value, max: value })
  }
  const { stats } = file
  if (stats === null) return true
  if (stats.rows !== null && stats.rows === stats.nulls[range.column]) return false
  return overlaps(range, type, { min: stats.min[range.column], max: stats.max[range.column] })
}

interface Bounds {
  readonly min: LogJson | undefined
  readonly max: LogJson | undefined
}

function overlaps(range: ColumnRange, type: ColumnType, bounds: Bounds): boolean {
  const greatest = orderedValue(type, bounds.max)
  return (
    !isBelow(type.kind === 'timestamp' ? endOfMillisecond(greatest) : greatest, orderedValue(type, range.min)) &&
    !isBelow(orderedValue(type, range.max), orderedValue(type, bounds.min))
  )
}

function isBelow(a: Ordered | null, b: Ordered | null): boolean {
  return a !== null && b !== null && compareOrdered(a, b) < 0
}

/** Statistics state milliseconds, and some writers cut the greatest one off instead of rounding it up. */
function endOfMillisecond(value: Ordered | null): Ordered | null {
  return typeof value === 'bigint' ? value + 999n : value
}
