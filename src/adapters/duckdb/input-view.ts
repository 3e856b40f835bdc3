import { isAbsolute } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { SluiceError } from '../../domain/errors.ts'
import { quoteIdentifier } from '../../domain/identifier.ts'
import type { EngineFile, EngineInput } from '../../ports/model-engine.ts'
import { queryType } from './duckdb-types.ts'

const LOCAL = 'sluice_local_file'
const VALUES_AT_ONCE = 1000

/**
 * A view over a table's files with the table's own columns and types, whatever each file holds: files are read by
 * column name, a column that a file lacks is null, partition values come from the log, `_file` is the log's path.
 */
export async function createInputView(connection: DuckDBConnection, input: EngineInput): Promise<void> {
  const create = await createClause(connection, input)
  const ownColumnsOnly = input.schema !== undefined
  if (input.files.length === 0) {
    const columns = input.fields.map(
      (field) => `cast(null as ${queryType(field.type)}) as ${quoteIdentifier(field.name)}`,
    )
    if (!ownColumnsOnly) columns.push('cast(null as VARCHAR) as _file')
    await connection.run(`${create} as select ${columns.join(', ')} where false`)
    return
  }
  const files = quoteIdentifier(`${input.schema ?? ''}__${input.name}__files`)
  await createFileTable(connection, files, input)
  const list = input.files.map((file) => quoteText(localFile(file))).join(', ')
  const source = `read_parquet([${list}], union_by_name=true, hive_partitioning=false, filename='${LOCAL}')`
  const present = await columnNames(connection, `select * from ${source}`)
  const columns = input.fields.map((field) => {
    const column = quoteIdentifier(field.name)
    const partition = input.partitionColumns.findIndex((name) => sameName(name, field.name))
    const from = partition >= 0 ? `f.p${partition}` : present.has(field.name.toLowerCase()) ? `r.${column}` : 'null'
    return `cast(${from} as ${queryType(field.type)}) as ${column}`
  })
  if (!ownColumnsOnly) columns.push('f.path as _file')
  await connection.run(
    `${create} as select ${columns.join(', ')} from ${source} r join ${files} f on r.${LOCAL} = f.local`,
  )
}

async function createClause(connection: DuckDBConnection, { schema, name }: EngineInput): Promise<string> {
  if (schema === undefined) return `create temp view ${quoteIdentifier(name)}`
  await connection.run(`create schema if not exists ${quoteIdentifier(schema)}`)
  return `create view ${quoteIdentifier(schema)}.${quoteIdentifier(name)}`
}

/** Text in single quotes; DuckDB knows no escapes inside them but the doubled quote. */
export function quoteText(text: string): string {
  if (text.includes('\0')) throw new SluiceError('IDENTIFIER_INVALID', 'a text holds a zero byte')
  return `'${text.replaceAll("'", "''")}'`
}

export function localFile(file: EngineFile): string {
  if (!isAbsolute(file.localFile)) throw new SluiceError('BUG', `the engine was given a relative path`)
  return file.localFile
}

/** Local path, path of the log and partition values of each file. An empty partition value is null, as in Delta. */
async function createFileTable(connection: DuckDBConnection, files: string, input: EngineInput): Promise<void> {
  const partitions = input.partitionColumns.map((_, index) => `p${index} VARCHAR`)
  await connection.run(`create table ${files} (${['local VARCHAR', 'path VARCHAR', ...partitions].join(', ')})`)
  for (let start = 0; start < input.files.length; start += VALUES_AT_ONCE) {
    const rows = input.files.slice(start, start + VALUES_AT_ONCE).map((file) => {
      const values = input.partitionColumns.map((name) => {
        const value = file.partitionValues[name] ?? ''
        return value === '' ? 'null' : quoteText(value)
      })
      return `(${[quoteText(localFile(file)), quoteText(file.path), ...values].join(', ')})`
    })
    await connection.run(`insert into ${files} values ${rows.join(', ')}`)
  }
}

async function columnNames(connection: DuckDBConnection, sql: string): Promise<ReadonlySet<string>> {
  const statement = await connection.prepare(sql)
  try {
    const names = new Set<string>()
    for (let index = 0; index < statement.columnCount; index += 1) names.add(statement.columnName(index).toLowerCase())
    return names
  } finally {
    statement.destroySync()
  }
}

function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}
