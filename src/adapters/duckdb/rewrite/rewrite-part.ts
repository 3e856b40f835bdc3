import type { DuckDBConnection } from '@duckdb/node-api'
import { join } from 'node:path'
import type { ColumnField, ColumnType } from '../../../domain/column-batch.ts'
import { quoteIdentifier } from '../../../domain/identifier.ts'
import type {
  EngineFile,
  EngineRow,
  FileSize,
  RewritePart,
  RewritePlan,
  RewrittenPart,
} from '../../../ports/model-engine.ts'
import { fileType } from '../duckdb-types.ts'
import { toEngineValue } from '../engine-values.ts'
import { localFile, quoteText } from '../files/quote.ts'
import { createInputView, heldTypes, keptSelect, writtenType } from '../input-view.ts'
import { withZone, ZONELESS } from '../instants.ts'
import { toStagedFile } from '../stage-output.ts'
import { runAndReadAll, runStatement } from '../run-statement.ts'
import { clusterSql } from './cluster-sql.ts'

export interface PartRequest {
  readonly plan: RewritePlan
  readonly part: RewritePart
  readonly index: number
  readonly memoryLimitBytes: number
}

const ROW_GROUP_ROWS = 122_880
const LEAST_GROUP_ROWS = 2048
/** A file ends with a row group, and once it and the row group that is under way pass its size. */
const GROUPS_A_FILE = 8
/** Of the memory limit: each thread holds the rows of one row group. */
const GROUP_SHARE = 8

/**
 * A column whose files hold it as it is to be written goes through unread by any cast, so that what a type can hold and
 * SQL cannot say (a year of five digits, infinities) stays as it is.
 */
export async function rewritePart(connection: DuckDBConnection, request: PartRequest): Promise<RewrittenPart> {
  const { plan, part, index, memoryLimitBytes } = request
  const { fields, clusterBy, folder } = plan
  const rows = part.files.some(({ deletedRows }) => deletedRows !== undefined)
    ? await rowsLeft(connection, request)
    : await storedRows(connection, part.files, fields)
  let select = rows
  let sample: readonly EngineRow[] = []
  if (clusterBy.length > 0) {
    const names = fields.map(({ name }) => name)
    const clustering = clusterSql(rows, names, clusterBy)
    for (const statement of clustering.statements) await runStatement(connection, statement)
    sample = await rowsOf(connection, clustering.shown)
    select = clustering.select
  }
  const options = [
    'format parquet',
    'compression zstd',
    'compression_level 1',
    `parquet_version ${fields.some(({ type }) => holdsFloats(type)) ? 'v1' : 'v2'}`,
    `row_group_size ${rowGroupRows(part.fileSize)}`,
    `row_group_size_bytes ${Math.floor(memoryLimitBytes / GROUP_SHARE)}`,
    'return_stats',
  ]
  if (await holdsSignedZeros(connection, rows, fields)) options.push('dictionary_size_limit 0')
  if (part.fileSize !== null) options.push(`file_size_bytes ${Math.max(1, Math.floor(part.fileSize.bytes))}`)
  const target = join(folder, part.fileSize === null ? `part-${index}.parquet` : `part-${index}`)
  const written = await runAndReadAll(connection, `copy (${select}) to ${quoteText(target)} (${options.join(', ')})`)
  const files = written.getRowObjects().map((row) => toStagedFile(row, fields, []))
  return { files: files.filter(({ rows }) => rows > 0), sample }
}

/** SELECT of the files' rows with the columns as they are stored. */
async function storedRows(
  connection: DuckDBConnection,
  files: readonly EngineFile[],
  fields: readonly ColumnField[],
): Promise<string> {
  const list = files.map((file) => quoteText(localFile(file))).join(', ')
  const read = `read_parquet([${list}], union_by_name=true, hive_partitioning=false)`
  const present = await heldTypes(connection, `select * from ${read}`)
  const columns = fields.map((field) => {
    const name = quoteIdentifier(field.name)
    const held = present.get(field.name.toLowerCase())
    const type = held === undefined ? undefined : String(held)
    if (type === writtenType(field)) return `${name} as ${name}`
    if (type === undefined) return `cast(null as ${fileType(field.type)}) as ${name}`
    const isZoneless = field.type.kind === 'timestamp' && type === ZONELESS
    return `${isZoneless ? withZone(name) : `cast(${name} as ${fileType(field.type)})`} as ${name}`
  })
  return `select ${columns.join(', ')} from ${read}`
}

/** The same of files some of whose rows are gone. */
async function rowsLeft(connection: DuckDBConnection, { plan, part, index }: PartRequest): Promise<string> {
  const { fields } = plan
  const input = { name: `sluice_part_${index}`, fields, partitionColumns: [], files: part.files }
  await createInputView(connection, input)
  return keptSelect(connection, { input, fields, keeps: 'true' })
}

async function rowsOf(connection: DuckDBConnection, sql: string): Promise<readonly EngineRow[]> {
  const reader = await runAndReadAll(connection, sql)
  const names = reader.columnNames()
  return reader
    .getRows()
    .map((row): EngineRow => Object.fromEntries(row.map((value, at) => [names[at]!, toEngineValue(value)])))
}

/** A dictionary of DuckDB's holds 0 and -0 as one value. May say so of rows without any: then they are stored without one. */
async function holdsSignedZeros(
  connection: DuckDBConnection,
  rows: string,
  fields: readonly ColumnField[],
): Promise<boolean> {
  const found = fields.flatMap(({ name, type }) => {
    if (!holdsFloats(type)) return []
    const column = quoteIdentifier(name)
    const isPlain = type.kind === 'float32' || type.kind === 'float64'
    return [isPlain ? `(${column} = 0 and signbit(${column}))` : `contains(cast(${column} as VARCHAR), '-0.0')`]
  })
  if (found.length === 0) return false
  const [row] = await rowsOf(
    connection,
    `select coalesce(bool_or(${found.join(' or ')}), false) as found from (${rows})`,
  )
  return row?.['found'] === true
}

/**
 * Version 2 states integers and texts as differences, in a fifth less; floats it would state as split streams of bytes,
 * which Spark's reader does not have.
 */
function holdsFloats(type: ColumnType): boolean {
  switch (type.kind) {
    case 'float32':
    case 'float64':
      return true
    case 'list':
      return holdsFloats(type.element)
    case 'map':
      return holdsFloats(type.value)
    case 'struct':
      return type.fields.some((field) => holdsFloats(field.type))
    default:
      return false
  }
}

function rowGroupRows(file: FileSize | null): number {
  const rows = file === null ? ROW_GROUP_ROWS : Math.min(ROW_GROUP_ROWS, file.rows / GROUPS_A_FILE)
  return Math.max(1, Math.floor(rows / LEAST_GROUP_ROWS)) * LEAST_GROUP_ROWS
}
