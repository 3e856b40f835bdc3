import type { DuckDBConnection, DuckDBType } from '@duckdb/node-api'
import { quoteIdentifier } from '../../domain/identifier.ts'
import type { ColumnField } from '../../domain/column-batch.ts'
import type { EngineInput } from '../../ports/model-engine.ts'
import { createDeletedTable, FILE_NUMBER, leftRows, ROW_NUMBER, WITH_ROW_NUMBERS } from './files/deleted-rows.ts'
import { fileType, queryType } from './duckdb-types.ts'
import { INSTANT, withoutZone, withZone } from './instants.ts'
import { localFile, quoteText } from './files/quote.ts'
import { filesByNames, ownValue } from './files/stored-columns.ts'
import type { NamedFiles } from './files/stored-columns.ts'

const LOCAL = 'sluice_local_file'
const VALUES_AT_ONCE = 1000

/**
 * A view over a table's files with the table's own columns and types, whatever each file holds: files are read by
 * column name, a column that a file lacks is null, partition values come from the log, `_file` is the log's path.
 */
export async function createInputView(connection: DuckDBConnection, input: EngineInput): Promise<void> {
  const create = await createClause(connection, input)
  if (input.files.length === 0) {
    await connection.run(`${create} as ${emptySelect(input)}`)
    return
  }
  await createFileTable(connection, filesTable(input), input)
  const sets = new Map(
    input.files.flatMap(({ deletedRows }, no) => (deletedRows === undefined ? [] : [[no, deletedRows]])),
  )
  if (sets.size > 0) await createDeletedTable(connection, deletedTable(input), sets)
  await connection.run(`${create} as ${await filesSelect(connection, input)}`)
}

/** A view that is there already, over other ones of the files that it was made over. */
export async function narrowInputView(connection: DuckDBConnection, input: EngineInput): Promise<void> {
  const select = input.files.length === 0 ? emptySelect(input) : await filesSelect(connection, input)
  await connection.run(`create or replace temp view ${quoteIdentifier(input.name)} as ${select}`)
}

export function filesTable({ schema, name }: EngineInput): string {
  return quoteIdentifier(`${schema ?? ''}__${name}__files`)
}

function deletedTable({ schema, name }: EngineInput): string {
  return `${schema ?? ''}__${name}__deleted`
}

function emptySelect({ fields, schema }: EngineInput): string {
  const columns = fields.map((field) => `cast(null as ${queryType(field.type)}) as ${quoteIdentifier(field.name)}`)
  if (schema === undefined) columns.push('cast(null as VARCHAR) as _file')
  return `select ${columns.join(', ')} where false`
}

async function filesSelect(connection: DuckDBConnection, input: EngineInput): Promise<string> {
  const groups = await openGroups(connection, input)
  const selects = groups.map(({ source, columns }) => {
    const named = input.schema === undefined ? [...columns, 'f.path as _file'] : columns
    return `select ${named.join(', ')} from ${source}`
  })
  return selects.join(' union all ')
}

/** Files that are read alike: those with deleted rows cost a look at each row, and the others do not pay for it. */
async function openGroups(connection: DuckDBConnection, input: EngineInput): Promise<readonly OpenFiles[]> {
  const groups: OpenFiles[] = []
  for (const { files, nameOf } of await filesByNames(connection, input)) {
    for (const hasDeleted of [false, true]) {
      const alike = files.filter((file) => (file.deletedRows !== undefined) === hasDeleted)
      if (alike.length === 0) continue
      groups.push(await openFiles(connection, { ...input, files: alike }, { hasDeleted, nameOf }))
    }
  }
  return groups
}

/**
 * SELECT of rows of a table as they are stored, of those that `keeps` (over alias `k`, the view's columns) tells: a
 * column that its files hold just as it is to be written goes through unread by any cast.
 */
export async function keptSelect(
  connection: DuckDBConnection,
  {
    input,
    fields,
    keeps,
  }: { readonly input: EngineInput; readonly fields: readonly ColumnField[]; readonly keeps: string },
): Promise<string> {
  const selects = (await openGroups(connection, input)).map((group) => keptOf(group, input, fields))
  return selects.map((select) => `${select} where ${keeps}`).join(' union all ')
}

function keptOf({ source, columns, present }: OpenFiles, input: EngineInput, fields: readonly ColumnField[]): string {
  const stored = fields.map((field, index) => {
    const isPart = input.partitionColumns.some((name) => sameName(name, field.name))
    const isAsStored =
      !isPart && input.stored === undefined && present.get(field.name.toLowerCase()) === writtenType(field)
    const name = quoteIdentifier(field.name)
    return { name, as: isAsStored ? quoteIdentifier(`sluice_stored_${index}`) : null, field }
  })
  const through = stored.flatMap(({ name, as }) => (as === null ? [] : [`r.${name} as ${as}`]))
  const output = stored.map(
    ({ name, as, field }) => `${as === null ? toStored(`k.${name}`, field) : `k.${as}`} as ${name}`,
  )
  return `select ${output.join(', ')} from (select ${[...columns, ...through].join(', ')} from ${source}) k`
}

/** As DuckDB writes the type of a column that is stored as the field says. */
export function writtenType({ type }: ColumnField): string {
  return type.kind === 'timestamp' ? INSTANT : fileType(type)
}

/** A column of a view as it is stored. */
function toStored(column: string, { type }: ColumnField): string {
  return type.kind === 'timestamp' ? withZone(column) : `cast(${column} as ${fileType(type)})`
}

interface OpenFiles {
  /** What stands after FROM. */
  readonly source: string
  /** The table's columns out of it, by their names. */
  readonly columns: readonly string[]
  /** What the files hold, by name in lower case, as DuckDB writes the type. */
  readonly present: ReadonlyMap<string, string>
}

async function openFiles(
  connection: DuckDBConnection,
  input: EngineInput,
  { hasDeleted, nameOf }: { readonly hasDeleted: boolean; readonly nameOf: NamedFiles['nameOf'] },
): Promise<OpenFiles> {
  const list = input.files.map((file) => quoteText(localFile(file))).join(', ')
  const read = `read_parquet([${list}], union_by_name=true, hive_partitioning=false, filename='${LOCAL}'${hasDeleted ? WITH_ROW_NUMBERS : ''})`
  const types = await heldTypes(connection, `select * from ${read}`)
  if (hasDeleted) types.delete(ROW_NUMBER)
  const present = new Map(Array.from(types, ([name, type]) => [name, String(type)]))
  const columns = input.fields.map((field) => {
    const column = quoteIdentifier(field.name)
    const partition = input.partitionColumns.findIndex((name) => sameName(name, field.name))
    if (partition >= 0) return `f.p${partition} as ${column}`
    const own = input.stored?.columns.find(({ name }) => name === field.name)
    const name = input.stored === undefined ? field.name : own === undefined ? null : nameOf(own)
    const held = name === null ? undefined : types.get(name.toLowerCase())
    if (name === null || held === undefined) return `cast(null as ${queryType(field.type)}) as ${column}`
    const stored = `r.${quoteIdentifier(name)}`
    const from = own === undefined ? stored : ownValue(stored, { column: own, nameOf, type: field.type, held })
    const isInstant = field.type.kind === 'timestamp' && String(held) === INSTANT
    return `${isInstant ? withoutZone(from) : `cast(${from} as ${queryType(field.type)})`} as ${column}`
  })
  const left = hasDeleted ? leftRows(deletedTable(input)) : ''
  return { source: `${read} r join ${filesTable(input)} f on r.${LOCAL} = f.local${left}`, columns, present }
}

async function createClause(connection: DuckDBConnection, { schema, name }: EngineInput): Promise<string> {
  if (schema === undefined) return `create temp view ${quoteIdentifier(name)}`
  await connection.run(`create schema if not exists ${quoteIdentifier(schema)}`)
  return `create view ${quoteIdentifier(schema)}.${quoteIdentifier(name)}`
}

/** Local path, path of the log and partition values of each file. An empty partition value is null, as in Delta. */
async function createFileTable(connection: DuckDBConnection, files: string, input: EngineInput): Promise<void> {
  const types = input.partitionColumns.map((name) => input.fields.find((field) => sameName(field.name, name))?.type)
  const partitions = types.map((type, index) => `p${index} ${type === undefined ? 'VARCHAR' : queryType(type)}`)
  await connection.run(
    `create table ${files} (${[`${FILE_NUMBER} INTEGER`, 'local VARCHAR', 'path VARCHAR', ...partitions].join(', ')})`,
  )
  for (let start = 0; start < input.files.length; start += VALUES_AT_ONCE) {
    const rows = input.files.slice(start, start + VALUES_AT_ONCE).map((file, index) => {
      const values = input.partitionColumns.map((name) => {
        const value = file.partitionValues[name] ?? ''
        return value === '' ? 'null' : quoteText(value)
      })
      return `(${[start + index, quoteText(localFile(file)), quoteText(file.path), ...values].join(', ')})`
    })
    await connection.run(`insert into ${files} values ${rows.join(', ')}`)
  }
}

/** By name in lower case, as DuckDB writes the type. */
export async function heldTypes(connection: DuckDBConnection, sql: string): Promise<Map<string, DuckDBType>> {
  const statement = await connection.prepare(sql)
  try {
    const types = new Map<string, DuckDBType>()
    for (let index = 0; index < statement.columnCount; index += 1) {
      types.set(statement.columnName(index).toLowerCase(), statement.columnType(index))
    }
    return types
  } finally {
    statement.destroySync()
  }
}

function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}
