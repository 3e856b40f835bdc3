import type { Column, ColumnType } from '../../domain/column-batch.ts'
import { formatDecimal } from '../../domain/decimal-text.ts'
import { cellsOf, type ParquetCell } from '../../parquet/decode/read-cell.ts'
import { rawJson, type LogJson, type LogObject } from '../log/log-json.ts'

const DAY_MS = 86_400_000
/** Days whose year has four digits, as dates in texts have. */
const [FIRST_DAY, LAST_DAY] = [Date.parse('0000-01-01') / DAY_MS, Date.parse('9999-12-31') / DAY_MS]

/**
 * By row of `add.stats_parsed`: the statistics in the form that `add.stats` has (PROTOCOL, "Per-file Statistics"), where
 * decimals are scaled numbers, dates and times are texts. What has no such form is left out: it bounds nothing.
 */
export function structStats(column: Column): (row: number) => LogObject | null {
  const { type } = column
  const read = cellsOf(column)
  return (row) => {
    const cell = read(row)
    const stats = type.kind === 'struct' ? jsonOf(type, cell) : null
    return typeof stats === 'object' ? (stats as LogObject | null) : null
  }
}

function jsonOf(type: ColumnType, cell: ParquetCell): LogJson {
  if (cell === null) return null
  switch (type.kind) {
    case 'struct': {
      const values = cell as { readonly [name: string]: ParquetCell }
      const known = type.fields.map(({ name, type: inner }) => [name, jsonOf(inner, values[name] ?? null)] as const)
      return Object.fromEntries(known.filter(([, json]) => json !== null))
    }
    case 'decimal':
      return typeof cell === 'bigint' ? rawJson(formatDecimal(cell, type.scale)) : null
    case 'date':
      return typeof cell === 'number' && cell >= FIRST_DAY && cell <= LAST_DAY ? dayText(cell) : null
    case 'timestamp':
      return typeof cell === 'bigint' ? timeText(cell) : null
    case 'float32':
    case 'float64':
      return Number.isFinite(cell) ? (cell as number) : null
    case 'boolean':
    case 'int32':
    case 'int64':
    case 'string':
      return cell as LogJson
    default:
      return null
  }
}

function dayText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10)
}

/** Down to the microsecond. */
function timeText(micros: bigint): LogJson {
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n
  const seconds = Number((micros - fraction) / 1_000_000n)
  const day = Math.floor(seconds / 86_400)
  if (day < FIRST_DAY || day > LAST_DAY) return null
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${String(fraction).padStart(6, '0')}Z`
}
