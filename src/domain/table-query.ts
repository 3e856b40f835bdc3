import { quoteIdentifier } from './identifier.ts'
import { keysetAfter, keysetUpTo, type Bind, type KeysetForm } from './keyset.ts'

/** A page of a foreign table, apart from any database's way of writing it. Names are those of the catalogue. */
export interface TableQuery {
  /** By their names, in the order in which their values come. */
  readonly columns: readonly string[]
  readonly table: readonly string[]
  /** Ascending; rows where one of these is null are left out. */
  readonly order: readonly string[]
  /** Only rows behind each of these, in that order. Fewer values than `order`: behind all rows that begin with them. */
  readonly after: readonly (readonly string[])[]
  /** Only rows up to this, in that order. Fewer values than `order`: all rows that begin with them. */
  readonly upTo: readonly string[] | null
  /** Only rows whose first column of `order` is at least, and less than, this. */
  readonly from: string | null
  readonly before: string | null
  readonly limit: number | null
}

/** How a database writes a statement. */
export interface SqlDialect {
  readonly form: KeysetForm
  /** What stands for the value number `number` (from 1) of the statement, which is compared with `column`. */
  placeholder(number: number, column: string): string
  /** What is selected for a column (already quoted), so that its text keeps all that it has; itself by default. */
  selected?(quoted: string, column: string): string
  /** What is read in place of the table (already quoted); itself by default. */
  from?(quoted: string): string
}

export interface SqlStatement {
  readonly text: string
  /** By number. Values that a query brings never stand in its text (I14). */
  readonly binds: readonly string[]
}

/** The statement that reads a page, in order. Pure. */
export function selectRows(query: TableQuery, dialect: SqlDialect): SqlStatement {
  const binds: string[] = []
  const { order, after, upTo, from, before, limit } = query
  const quoted = order.map((name) => quoteIdentifier(name))
  const place = (value: string, column: string): string => {
    binds.push(value)
    return dialect.placeholder(binds.length, column)
  }
  const bind: Bind = (value, column) => place(value, order[column]!)
  const conditions = quoted.map((name) => `${name} is not null`)
  if (from !== null) conditions.push(`${quoted[0]!} >= ${place(from, order[0]!)}`)
  if (before !== null) conditions.push(`${quoted[0]!} < ${place(before, order[0]!)}`)
  for (const values of after) conditions.push(keysetAfter({ columns: quoted, values }, dialect.form, bind))
  if (upTo !== null) conditions.push(keysetUpTo({ columns: quoted, values: upTo }, dialect.form, bind))
  const selected = query.columns.map((name) => {
    const column = quoteIdentifier(name)
    return dialect.selected?.(column, name) ?? column
  })
  const text = [
    `select ${selected.join(', ')}`,
    `from ${dialect.from?.(quoteTable(query.table)) ?? quoteTable(query.table)}`,
    `where ${conditions.join(' and ')}`,
    `order by ${quoted.join(', ')}`,
    ...(limit === null ? [] : [`limit ${Math.trunc(limit)}`]),
  ].join(' ')
  return { text, binds }
}

export function quoteTable(parts: readonly string[]): string {
  return parts.map((part) => quoteIdentifier(part)).join('.')
}
