import { readParquetRows } from '../../parquet/read-parquet.ts'
import type { ParquetCell } from '../../parquet/decode/read-cell.ts'
import type { LogJson, LogObject } from '../log/log-json.ts'

/** The columns that bear on a table's state; others, such as those of later protocols, are not even decoded. */
const COLUMNS = ['txn', 'add', 'remove', 'metaData', 'protocol', 'sidecar']

/** A checkpoint's Parquet file as rows in the form of a log entry's lines; 64-bit integers are bigints. */
export async function* readCheckpointRows(bytes: Uint8Array, name: string): AsyncGenerator<LogObject, void, void> {
  for await (const row of readParquetRows({ source: bytes, name, columns: COLUMNS })) {
    yield Object.fromEntries(Object.entries(row).map(([key, cell]) => [key, jsonOf(cell)]))
  }
}

function jsonOf(cell: ParquetCell): LogJson {
  if (cell === null || typeof cell !== 'object') return cell
  // No action holds binary values.
  if (cell instanceof Uint8Array) return null
  if (cell instanceof Map) return Object.fromEntries(Array.from(cell, ([key, item]) => [key, jsonOf(item)]))
  if (Array.isArray(cell)) return cell.map(jsonOf)
  return Object.fromEntries(Object.entries(cell).map(([key, item]) => [key, jsonOf(item)]))
}
