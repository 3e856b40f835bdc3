import { SluiceError } from '../../src/domain/errors.ts'
import { travelNames } from '../../src/domain/source-name.ts'
import type { TableColumn, TableDescription } from '../../src/ports/table-source.ts'
import { columnTypeOf, orderOf } from './column-type.ts'
import type { RedshiftOptions } from './redshift-options.ts'
import type { Session } from './session.ts'

/** `pg_catalog`, as Redshift has it too. A name without a schema is what the search path finds. */
const COLUMNS = `
  select a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, c.reltuples, k.conkey
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_catalog.pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
  where c.relname = $1 and `

const NEIGHBOURS = `
  select n.nspname || '.' || c.relname
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'v', 'm', 'p', 'f') and lower(c.relname) = lower($1)
  order by 1 limit 5`

/** Throws SOURCE_UNREADABLE where there is no such table, with those of that name elsewhere. */
export async function describeTable(session: Session, options: RedshiftOptions): Promise<TableDescription> {
  const { table, database } = options
  const name = table.at(-1)!
  const schema = table.at(-2)
  const text = table.join('.')
  if (table.length === 3 && table[0] !== database)
    throw missing(options, `${text} is of another database than ${database}, which this source logs in to`)
  const rows = await (schema === undefined
    ? session.query(`${COLUMNS} pg_catalog.pg_table_is_visible(c.oid) order by a.attnum`, [name])
    : session.query(`${COLUMNS} n.nspname = $2 order by a.attnum`, [name, schema]))
  const [first] = rows
  if (first === undefined) {
    const near = (await session.query(NEIGHBOURS, [name])).map(([found]) => found)
    throw missing(
      options,
      near.length === 0
        ? `database ${database} has no table ${text} that user ${options.user} can see`
        : `there is no table ${text}; there is ${near.join(', ')}`,
    )
  }
  const travels = travelNames(rows.map(([, column]) => column!))
  const columns = rows.map((row, at): TableColumn => {
    const [, column, type, notNull] = row as readonly string[]
    return {
      name: column!,
      travels: travels[at]!,
      type: type!,
      nullable: notNull !== 't',
      holds: columnTypeOf(type!),
      order: orderOf(type!),
    }
  })
  const byNumber = new Map(rows.map(([number, column]) => [number, column]))
  const key = (first[5] ?? '').replaceAll(/[{}]/g, '').split(',').filter(Boolean)
  const estimate = Number(first[4])
  return {
    table: text,
    columns,
    key: key.flatMap((number) => byNumber.get(number) ?? []),
    rows: estimate >= 0 ? estimate : null,
    bytes: null,
  }
}

function missing({ source }: RedshiftOptions, what: string): SluiceError {
  const key = `sources.${source}.table`
  return new SluiceError('SOURCE_UNREADABLE', `source ${source}: ${what}`, {
    where: { source, key },
    hint: `Mend ${key}, or grant the user what it needs.`,
  })
}
