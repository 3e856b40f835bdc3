import type { ParquetCell } from '../../parquet/decode/read-cell.ts'
import type { LogJson } from '../log/log-json.ts'

/** A value of a checkpoint in the form of a log entry's; 64-bit integers are bigints. */
export function cellJson(cell: ParquetCell): LogJson {
  if (cell === null || typeof cell !== 'object') return cell
  // No action holds binary values.
  if (cell instanceof Uint8Array) return null
  if (cell instanceof Map) return Object.fromEntries(Array.from(cell, ([key, item]) => [key, cellJson(item)]))
  if (Array.isArray(cell)) return cell.map(cellJson)
  return Object.fromEntries(Object.entries(cell).map(([key, item]) => [key, cellJson(item)]))
}
