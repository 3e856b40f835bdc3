import { DuckDBMapValue } from '@duckdb/node-api'
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api'
import { rm } from 'node:fs/promises'
import type { ColumnField } from '../../domain/column-batch.ts'
import { SluiceError } from '../../domain/errors.ts'
import { quoteIdentifier } from '../../domain/identifier.ts'
import type { StageOutput, StagedFile } from '../../ports/model-engine.ts'
import { fileType, storedType } from './duckdb-types.ts'
import { fileStats } from './file-stats.ts'
import type { ReportedStats } from './file-stats.ts'
import { quoteText } from './input-view.ts'
import { prepareSelect } from './session.ts'

/**
 * Writes a result as Parquet and tells what it wrote. A partitioned result has one file a partition, whatever its
 * size; else a file ends once it passes `targetFileBytes`. An empty result has no file.
 */
export async function stageOutput(
  connection: DuckDBConnection,
  output: StageOutput,
): Promise<{ fields: readonly ColumnField[]; files: readonly StagedFile[] }> {
  const fields = output.fields ?? (await resultFields(connection, output.sql))
  const columns = fields.map((field) => {
    const name = quoteIdentifier(field.name)
    return `cast(${name} as ${fileType(field.type)}) as ${name}`
  })
  const options = ['format parquet', 'compression zstd', 'return_stats']
  if (output.partitionBy.length > 0) {
    options.push(`partition_by (${output.partitionBy.map((name) => quoteIdentifier(name)).join(', ')})`)
  } else {
    options.push(`file_size_bytes ${Math.max(1, Math.floor(output.targetFileBytes))}`)
  }
  const target = `${output.folder.replace(/\/+$/, '')}/staged`
  // the newline ends a line comment that the SQL may end with
  const select = `select ${columns.join(', ')} from (${output.sql}\n) result`
  const written = await connection.runAndReadAll(`copy (${select}) to ${quoteText(target)} (${options.join(', ')})`)
  const files: StagedFile[] = []
  for (const row of written.getRowObjects()) {
    const staged = toStagedFile(row, fields, output.partitionBy)
    if (staged.rows > 0) files.push(staged)
    else await rm(staged.localFile, { force: true })
  }
  return { fields, files }
}

/** Names and stored types of a SELECT's columns. */
async function resultFields(connection: DuckDBConnection, sql: string): Promise<readonly ColumnField[]> {
  const statement = await prepareSelect(connection, sql)
  try {
    const fields: ColumnField[] = []
    for (let index = 0; index < statement.columnCount; index += 1) {
      const name = statement.columnName(index)
      fields.push({ name, type: storedType(statement.columnType(index), name), nullable: true })
    }
    return fields
  } finally {
    statement.destroySync()
  }
}

function toStagedFile(
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
