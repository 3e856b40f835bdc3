import { SluiceError } from '../../src/domain/errors.ts'
import { quoteIdentifier } from '../../src/domain/identifier.ts'
import { travelNames } from '../../src/domain/source-name.ts'
import { quoteTable } from '../../src/domain/table-query.ts'
import type { TableColumn, TableDescription } from '../../src/ports/table-source.ts'
import { columnTypeOf, orderOf, typeText } from './column-type.ts'
import type { WireRow } from './execute.ts'
import type { Session } from './session.ts'
import type { SnowflakeOptions } from './snowflake-options.ts'

export interface CatalogueTable extends TableDescription {
  /** Database, schema and table as the catalogue has them: what SQL is written with. */
  readonly path: readonly string[]
}

/** Throws SOURCE_UNREADABLE where there is no such table, with those of that name elsewhere. */
export async function describeTable(session: Session, options: SnowflakeOptions): Promise<CatalogueTable> {
  const { schema: defaultSchema, table: written } = options
  const table = written.at(-1)!
  const schema = written.at(-2) ?? defaultSchema
  const database = databaseName(options)
  const catalogue = `${quoteIdentifier(database)}.information_schema`
  // Upper-cased on both sides: names that were written without quotes are in capitals.
  const found = await session.query(
    `select table_schema, table_name, table_type, row_count, bytes from ${catalogue}.tables where upper(table_name) = upper(?) order by table_schema, table_name`,
    [table],
  )
  const place = pick(found, schema, table)
  if (place === null) throw missing(options, { database, schema, table, found })
  const [schemaName, tableName, kind, rows, bytes] = place as readonly string[]
  const path = [database, schemaName!, tableName!]
  const columns = toColumns(
    await session.query(
      `select column_name, data_type, numeric_precision, numeric_scale, character_maximum_length, is_nullable from ${catalogue}.columns where table_schema = ? and table_name = ? order by ordinal_position`,
      [schemaName!, tableName!],
    ),
  )
  return {
    path,
    table: path.join('.'),
    columns,
    key: /VIEW/i.test(kind ?? '') ? [] : await primaryKey(session, path),
    rows: rows === null ? null : Number(rows),
    bytes: bytes === null ? null : Number(bytes),
  }
}

/** The one of that schema, exact before any case. */
function pick(found: readonly WireRow[], schema: string, table: string): WireRow | null {
  const exact = found.find(([inSchema, name]) => inSchema === schema && name === table)
  if (exact !== undefined) return exact
  const folded = found.filter(([inSchema]) => String(inSchema).toUpperCase() === schema.toUpperCase())
  return folded.length === 1 ? folded[0]! : null
}

function databaseName({ source, table, database }: SnowflakeOptions): string {
  const name = table.length === 3 ? table[0]! : database
  if (name === null) {
    const key = `sources.${source}.database`
    throw new SluiceError('SETTINGS_INVALID', `${key} is missing, and the table is written without it`, {
      where: { key },
    })
  }
  return unquoted(name)
}

/** As Snowflake reads a name without quotes; one that was made with small letters in quotes cannot be written so. */
export function unquoted(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_$]*$/.test(name) ? name.toUpperCase() : name
}

function toColumns(rows: readonly WireRow[]): TableColumn[] {
  const names = rows.map(([name]) => String(name))
  const travels = travelNames(names.map(spoken))
  return rows.map((row, at): TableColumn => {
    const [, dataType, precision, scale, length, nullable] = row as readonly (string | null)[]
    const type = typeText({ dataType: dataType!, precision: precision!, scale: scale!, length: length! })
    return {
      name: names[at]!,
      travels: travels[at]!,
      type,
      nullable: nullable !== 'NO',
      holds: columnTypeOf(type),
      order: orderOf(type),
    }
  })
}

/** ORDER_ID was written order_id, or in any other case; what holds a small letter was written in quotes. */
function spoken(name: string): string {
  return /^[A-Z_][A-Z0-9_$]*$/.test(name) ? name.toLowerCase() : name
}

async function primaryKey(session: Session, path: readonly string[]): Promise<readonly string[]> {
  const rows = await session.records(`show primary keys in table ${quoteTable(path)}`)
  return rows
    .toSorted((a, b) => Number(a['key_sequence']) - Number(b['key_sequence']))
    .map((row) => String(row['column_name']))
}

interface Missing {
  readonly database: string
  readonly schema: string
  readonly table: string
  readonly found: readonly WireRow[]
}

function missing({ source, role, user }: SnowflakeOptions, { database, schema, table, found }: Missing): SluiceError {
  const key = `sources.${source}.table`
  const near = found.slice(0, 5).map(([inSchema, name]) => [database, inSchema, name].join('.'))
  const who = role === null ? `user ${user}` : `role ${role}`
  const what =
    near.length === 0
      ? `database ${database} has no table ${schema}.${table} that ${who} can see`
      : `there is no table ${[database, schema, table].join('.')}; there is ${near.join(', ')}`
  return new SluiceError('SOURCE_UNREADABLE', `source ${source}: ${what}`, {
    where: { source, key },
    hint: `Mend ${key}, or grant the role what it needs.`,
  })
}
