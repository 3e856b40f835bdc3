import {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBInstance,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
} from '@duckdb/node-api'
import type { DuckDBValue } from '@duckdb/node-api'
import type { Cell } from './build-columns.ts'

/** DuckDB as the reader that knows nothing of ours. */

export interface Duck {
  rows(sql: string): Promise<Cell[][]>
  run(sql: string): Promise<void>
  close(): void
}

export async function openDuck(): Promise<Duck> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  await connection.run(`set timezone = 'UTC'`)
  return {
    rows: async (sql) => (await connection.runAndReadAll(sql)).getRows().map((row) => row.map(cellOf)),
    run: async (sql) => {
      await connection.run(sql)
    },
    close: () => {
      connection.closeSync()
      instance.closeSync()
    },
  }
}

function cellOf(value: DuckDBValue): Cell {
  if (value === null || typeof value !== 'object') return value
  if (value instanceof DuckDBDecimalValue) return value.value
  if (value instanceof DuckDBDateValue) return value.days
  if (value instanceof DuckDBTimestampTZValue) return value.micros
  if (value instanceof DuckDBBlobValue) return value.bytes
  if (value instanceof DuckDBListValue) return value.items.map(cellOf)
  if (value instanceof DuckDBMapValue) {
    return new Map(value.entries.map(({ key, value: inner }) => [key as string, cellOf(inner)]))
  }
  if (value instanceof DuckDBStructValue) {
    return Object.fromEntries(Object.entries(value.entries).map(([name, inner]) => [name, cellOf(inner)]))
  }
  throw new TypeError(`no cell for ${String(value)}`)
}
