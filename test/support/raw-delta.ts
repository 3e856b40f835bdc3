import { DuckDBInstance } from '@duckdb/node-api'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * A second way to a table's rows, sharing nothing with the kernel: the JSON log read naively from its first entry, and
 * DuckDB over the files that it names. For tables small enough to have all their JSON entries.
 */
export async function activeFiles(table: string): Promise<string[]> {
  const log = join(table, '_delta_log')
  const entries = (await readdir(log)).filter((name) => /^\d{20}\.json$/.test(name)).sort()
  const active = new Set<string>()
  for (const entry of entries) {
    for (const line of (await readFile(join(log, entry), 'utf8')).split('\n')) {
      if (line.trim() === '') continue
      const action = JSON.parse(line) as { add?: { path: string }; remove?: { path: string } }
      if (action.add !== undefined) active.add(decodeURIComponent(action.add.path))
      if (action.remove !== undefined) active.delete(decodeURIComponent(action.remove.path))
    }
  }
  return [...active].map((path) => join(table, path))
}

/** Rows of SQL in which `rows` is the table; values as DuckDB's JSON gives them. */
export async function rawRows(table: string, sql: string): Promise<Record<string, unknown>[]> {
  const files = await activeFiles(table)
  const list = files.map((file) => `'${file.replaceAll("'", "''")}'`).join(', ')
  return duckdbRows(
    `with rows as (select * from read_parquet([${list}], union_by_name = true, hive_partitioning = false)) ${sql}`,
  )
}

export async function duckdbRows(sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    await connection.run("set TimeZone = 'UTC'")
    const reader = await connection.runAndReadAll(sql)
    return reader.getRowObjectsJson()
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
