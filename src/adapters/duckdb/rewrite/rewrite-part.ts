import type { DuckDBConnection } from '@duckdb/node-api'
import { join } from 'node:path'
import type { ColumnField, ColumnType } from '../../../domain/column-batch.ts'
import { quoteIdentifier } from '../../../domain/identifier.ts'
import type {
  EngineFile,
  EngineRow,
  EvenFiles,
  RewritePart,
  RewritePlan,
  RewrittenPart,
} from '../../../ports/model-engine.ts'
import { fileType } from '../duckdb-types.ts'
import { toEngineValue } from '../engine-values.ts'
import { localFile, quoteText } from '../files/quote.ts'
import { createInputView, heldTypes, keptSelect, writtenType } from '../input-view.ts'
import { withZone, ZONELESS } from '../instants.ts'
import type { PartitionedWrites } from '../session.ts'
import { toStagedFile } from '../stage-output.ts'
import { runAndReadAll, runStatement } from '../run-statement.ts'
import { clusterSql, TILE } from './cluster-sql.ts'
import { tileRanks } from './tile-ranks.ts'

export interface PartRequest {
  readonly plan: RewritePlan
  readonly part: RewritePart
  readonly index: number
  readonly memoryLimitBytes: number
}

const ROW_GROUP_ROWS = 122_880
const LEAST_GROUP_ROWS = 2048
/** So that a query for few rows of a clustered file reads few of its pages. */
const GROUPS_A_FILE = 8
/** Rows that each thread holds of tiles that are under way. */
const FLUSH_GROUPS = 2
/** Else each of very many tiles would stay open to the end; rows come in their order, so few are met again. */
const OPEN_TILES = 500
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
  const ordered = clusterBy.length === 0 ? { select: rows, sample: [] } : await clustered(connection, request, rows)
  const options = [
    'format parquet',
    'compression zstd',
    'compression_level 1',
    `parquet_version ${fields.some(({ type }) => holdsFloats(type)) ? 'v1' : 'v2'}`,
    `row_group_size ${rowGroupRows(part.even)}`,
    `row_group_size_bytes ${Math.floor(memoryLimitBytes / GROUP_SHARE)}`,
    'return_stats',
  ]
  if (await holdsSignedZeros(connection, rows, fields)) options.push('dictionary_size_limit 0')
  if (isTiled(request)) options.push(`partition_by (${TILE})`)
  const target = join(folder, isTiled(request) ? `part-${index}` : `part-${index}.parquet`)
  const written = await runAndReadAll(
    connection,
    `copy (${ordered.select}) to ${quoteText(target)} (${options.join(', ')})`,
  )
  const files = written.getRowObjects().map((row) => toStagedFile(row, fields, []))
  return { files: files.filter(({ rows: count }) => count > 0), sample: ordered.sample }
}

export function tileWrites({ parts }: RewritePlan): PartitionedWrites {
  return { openFiles: OPEN_TILES, flushRows: FLUSH_GROUPS * Math.max(...parts.map(({ even }) => rowGroupRows(even))) }
}

function isTiled({ plan, part }: PartRequest): boolean {
  return plan.clusterBy.length > 0 && part.even !== null && part.even.files > 1
}

/** SELECT of the rows in their order, of several files tile by tile. */
async function clustered(
  connection: DuckDBConnection,
  request: PartRequest,
  rows: string,
): Promise<{ readonly select: string; readonly sample: readonly EngineRow[] }> {
  const { plan, part } = request
  const names = plan.fields.map(({ name }) => name)
  const files = part.even?.files ?? 1
  const clustering = clusterSql(rows, { fields: names, columns: plan.clusterBy, files })
  for (const statement of clustering.statements) await runStatement(connection, statement)
  const sample = await rowsOf(connection, clustering.shown)
  if (!isTiled(request)) return { select: clustering.select, sample }
  const ranks = (await runAndReadAll(connection, clustering.ranks)).getColumns() as number[][]
  const { statements, select } = clustering.tiled(tileRanks({ ranks, rankCount: clustering.rankCount, files }))
  for (const statement of statements) await runStatement(connection, statement)
  return { select, sample }
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

function rowGroupRows(file: EvenFiles | null): number {
  const rows = file === null ? ROW_GROUP_ROWS : Math.min(ROW_GROUP_ROWS, file.rows / GROUPS_A_FILE)
  return Math.max(1, Math.floor(rows / LEAST_GROUP_ROWS)) * LEAST_GROUP_ROWS
}
