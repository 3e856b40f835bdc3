import { DuckDBInstance } from '@duckdb/node-api'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * A second way to a table's rows, sharing nothing with the kernel: the JSON log read naively from its first entry, or
 * from its last checkpoint where the first entries are gone, and DuckDB over the files that it names.
 */
export async function activeFiles(table: string): Promise<string[]> {
  const log = join(table, '_delta_log')
  const names = await readdir(log)
  const entries = names.filter((name) => /^\d{20}\.json$/.test(name)).sort()
  const checkpoint = names
    .filter((name) => name.endsWith('.checkpoint.parquet'))
    .sort()
    .at(-1)
  const active = new Set<string>()
  const isWhole = entries[0] === `${'0'.repeat(20)}.json`
  if (!isWhole && checkpoint !== undefined) {
    const sql = `select add.path as path from read_parquet('${join(log, checkpoint)}') where add.path is not null`
    for (const { path } of await duckdbRows(sql)) active.add(decodeURIComponent(String(path)))
  }
  for (const entry of entries) {
    if (!isWhole && checkpoint !== undefined && entry.slice(0, 20) <= checkpoint.slice(0, 20)) continue
    for (const line of (await readFile(join(log, entry), 'utf8')).split('\n')) {
      if (line.trim() === '') continue
      const action = JSON.parse(line) as { add?: { path: string }; remove?: { path: string } }
      if (action.add !== undefined) active.add(decodeURIComponent(action.add.path))
      if (action.remove !== undefined) active.delete(decodeURIComponent(action.remove.path))
    }
  }
  return [...active].map((path) => join(table, path))
}

export interface RawOptions {
  /** Only its files, such as `as_of_date=2026-01-04`. */
  readonly partition?: string
}

/** Rows of SQL in which `rows` is the table; values as DuckDB's JSON gives them. */
export async function rawRows(
  table: string,
  sql: string,
  { partition }: RawOptions = {},
): Promise<Record<string, unknown>[]> {
  const all = await activeFiles(table)
  const files = partition === undefined ? all : all.filter((file) => file.startsWith(`${join(table, partition)}/`))
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
