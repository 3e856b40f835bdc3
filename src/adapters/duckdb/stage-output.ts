import { DuckDBMapValue } from '@duckdb/node-api'
import type { DuckDBConnection, DuckDBType, DuckDBValue } from '@duckdb/node-api'
import { rm } from 'node:fs/promises'
import type { ColumnField } from '../../domain/column-batch.ts'
import { SluiceError } from '../../domain/errors.ts'
import { quoteIdentifier } from '../../domain/identifier.ts'
import type { Aside, EngineFile, StageOutput, StagedFile } from '../../ports/model-engine.ts'
import { fileType, storedType } from './duckdb-types.ts'
import { ZONELESS, withZone } from './instants.ts'
import { fileStats } from './file-stats.ts'
import type { ReportedStats } from './file-stats.ts'
import { keptSelect } from './input-view.ts'
import { quoteText } from './files/quote.ts'
import type { OpenViews } from './open-views.ts'
import { runAndReadAll } from './run-statement.ts'
import { prepareSelect } from './session.ts'

/**
 * Writes a result as Parquet and tells what it wrote. A partitioned result has one file a partition, whatever its
 * size; else a file ends once it passes `targetFileBytes`. An empty result has no file.
 */
export async function stageOutput(
  connection: DuckDBConnection,
  output: StageOutput,
  views: OpenViews,
): Promise<{ fields: readonly ColumnField[]; files: readonly StagedFile[] }> {
  const { sql, partitionBy, slices } = output
  const fields = output.fields ?? (await resultFields(connection, sql))
  const options = ['format parquet', 'compression zstd', 'compression_level 1', 'return_stats']
  if (partitionBy.length > 0) {
    options.push(`partition_by (${partitionBy.map((name) => quoteIdentifier(name)).join(', ')})`)
  } else {
    options.push(`file_size_bytes ${Math.max(1, Math.floor(output.targetFileBytes))}`)
  }
  const folder = output.folder.replace(/\/+$/, '')
  const files: StagedFile[] = []
  const write = async (rows: string, target: string): Promise<void> => {
    const written = await runAndReadAll(connection, `copy (${rows}) to ${quoteText(target)} (${options.join(', ')})`)
    for (const row of written.getRowObjects()) {
      const staged = toStagedFile(row, fields, partitionBy)
      if (staged.rows > 0) files.push(staged)
      else await rm(staged.localFile, { force: true })
    }
  }
  if (slices === undefined || partitionBy.length === 0) {
    await write(await storedSelect(connection, sql, fields), `${folder}/staged`)
    return { fields, files }
  }
  let count = 0
  const stored = await storedSelect(connection, slices.others, fields)
  const parts = partitionBy.flatMap((name) => fields.find((field) => field.name === name) ?? [])
  for await (const { input, others } of views.slices({ view: slices.view, others: stored }, fields, parts)) {
    count += 1
    const kept =
      input === null ? '' : `${await keptSelect(connection, { input, fields, keeps: slices.keeps })} union all `
    await write(`${kept}${others}`, `${folder}/staged-${count}`)
  }
  return { fields, files }
}

/** Rows that are read again soon and then go: written for speed. */
export async function writeAside(connection: DuckDBConnection, aside: Aside): Promise<readonly EngineFile[]> {
  const target = `${aside.folder.replace(/\/+$/, '')}/aside.parquet`
  const select = await storedSelect(connection, aside.sql, aside.fields)
  const written = await runAndReadAll(
    connection,
    `copy (${select}) to ${quoteText(target)} (format parquet, compression snappy, return_stats)`,
  )
  const rows = written.getRowObjects().reduce((sum, row) => sum + Number(row['count']), 0)
  return rows === 0 ? [] : [{ path: target, localFile: target, partitionValues: {} }]
}

/** The SELECT with each column as its field is stored. */
async function storedSelect(
  connection: DuckDBConnection,
  sql: string,
  fields: readonly ColumnField[],
): Promise<string> {
  const types = new Map(await selectColumns(connection, sql, (name, type) => [name, String(type)] as const))
  const columns = fields.map((field) => {
    const name = quoteIdentifier(field.name)
    const isZoneless = field.type.kind === 'timestamp' && types.get(field.name) === ZONELESS
    return `${isZoneless ? withZone(name) : `cast(${name} as ${fileType(field.type)})`} as ${name}`
  })
  // the newline ends a line comment that the SQL may end with
  return `select ${columns.join(', ')} from (${sql}\n) result`
}

/** Names and stored types of a SELECT's columns. */
function resultFields(connection: DuckDBConnection, sql: string): Promise<readonly ColumnField[]> {
  return selectColumns(connection, sql, (name, type) => ({ name, type: storedType(type, name), nullable: true }))
}

async function selectColumns<T>(
  connection: DuckDBConnection,
  sql: string,
  read: (name: string, type: DuckDBType) => T,
): Promise<readonly T[]> {
  const statement = await prepareSelect(connection, sql)
  try {
    return Array.from({ length: statement.columnCount }, (_, index) =>
      read(statement.columnName(index), statement.columnType(index)),
    )
  } finally {
    statement.destroySync()
  }
}

/** A row of RETURN_STATS. */
export function toStagedFile(
  row: Readonly<Record<string, DuckDBValue>>,
  fields: readonly ColumnField[],
  partitionBy: readonly string[],
): StagedFile {
  const inFile = fields.filter((field) => !partitionBy.includes(field.name))
  const reported = new Map<string, ReportedStats>()
  for (const { key, value } of entriesOf(row['column_statistics'])) {
    reported.set(
      String(key),
      new Map(entriesOf(value).map((entry) => [String(entry.key), entry.value === null ? null : String(entry.value)])),
    )
  }
  const keys = new Map(entriesOf(row['partition_keys']).map(({ key, value }) => [String(key), value]))
  const partitionValues = Object.fromEntries(
    partitionBy.map((name) => {
      const value = keys.get(name)
      if (value === undefined) throw new SluiceError('BUG', `the engine wrote a file without a value of ${name}`)
      return [name, value === null ? null : String(value)]
    }),
  )
  return {
    localFile: String(row['filename']),
    partitionValues,
    bytes: Number(row['file_size_bytes']),
    rows: Number(row['count']),
    stats: fileStats(inFile, reported),
  }
}

function entriesOf(value: DuckDBValue | undefined): DuckDBMapValue['entries'] {
  return value instanceof DuckDBMapValue ? value.entries : []
}
