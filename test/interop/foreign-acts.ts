import type { DeltaEngine } from '../services/delta-engine.ts'
import { rowsOf, textsOf, type SeenRow } from './seen-rows.ts'
import type { SeenTable } from '../services/delta-engine.ts'

/** What another engine does to a table of ours, and what rows it leaves by plain reckoning. A kind or an act is a line. */

export interface Kind {
  readonly table: string
  /** A column whose values that are not null are each there once. */
  readonly key: string
  /** What a MERGE changes: the SQL, and what it makes of a cell. */
  readonly set: { readonly column: string; readonly sql: string; readonly makes: (cell: unknown) => unknown }
  /** SQL of a key that is not there yet; a MERGE inserts it. */
  readonly fresh: { readonly sql: string; readonly makes: (key: string) => string } | null
}

const oneMore = (column: string, type: string): Kind['set'] => ({
  column,
  sql: `cast(${column} + 1 as ${type})`,
  makes: (cell) => String(BigInt(cell as string) + 1n),
})
const another = (key: string): Kind['fresh'] => ({ sql: `concat(${key}, '-new')`, makes: (text) => `${text}-new` })

export const BRONZE: Kind = { table: 'bronze/things', key: 'big', set: oneMore('n', 'int'), fresh: null }

export const MODEL_KINDS: readonly Kind[] = [
  { table: 'silver/things', key: 'id', set: oneMore('n', 'int'), fresh: another('id') },
  {
    table: 'gold/dim_thing',
    key: 'thing_sk',
    set: { column: 'region', sql: `'moved'`, makes: () => 'moved' },
    fresh: another('thing_sk'),
  },
  { table: 'gold/fact_thing', key: 'id', set: oneMore('n', 'int'), fresh: another('id') },
  { table: 'gold/totals', key: 'region', set: oneMore('things', 'bigint'), fresh: another('region') },
  {
    table: 'gold/dim_thing_snapshot',
    key: 'thing_sk',
    set: { column: 'region', sql: `'moved'`, makes: () => 'moved' },
    fresh: another('thing_sk'),
  },
]

export interface Act {
  readonly name: string
  /** Whether rows of an offset are lost, or there twice, once it is done. */
  readonly breaks: 'missing' | 'doubled' | null
  /** Does it, and gives the rows that the table should have then. */
  readonly run: (engine: DeltaEngine, uri: string, on: ActOn) => Promise<readonly SeenRow[]>
}

export interface ActOn {
  readonly kind: Kind
  readonly rows: readonly SeenRow[]
  /** Of the table, in order. */
  readonly columns: readonly string[]
  /** The row that it is about. */
  readonly row: SeenRow
}

export const NEUTRAL_ACTS: readonly Act[] = [
  { name: 'OPTIMIZE', breaks: null, run: (engine, uri, { rows }) => engine.optimize(uri).then(() => rows) },
  {
    name: 'OPTIMIZE ZORDER',
    breaks: null,
    run: (engine, uri, { rows, kind }) => engine.optimize(uri, [kind.key]).then(() => rows),
  },
  { name: 'VACUUM', breaks: null, run: (engine, uri, { rows }) => engine.vacuum(uri).then(() => rows) },
]

export const CHANGING_ACTS: readonly Act[] = [
  {
    name: 'MERGE',
    breaks: null,
    async run(engine, uri, { kind, rows, columns, row }) {
      const { key, set, fresh } = kind
      const select = (asKey: string): string =>
        `select ${columns.map((name) => (name === set.column ? `${set.sql} as ${name}` : name === key ? `${asKey} as ${name}` : name)).join(', ')} from t where ${isRow(kind, row)}`
      const selects = fresh === null ? [select(key)] : [select(key), select(fresh.sql)]
      await engine.merge(uri, { select: selects.join(' union all '), on: key, set: [set.column] })
      const changed = { ...row, [set.column]: set.makes(row[set.column]) }
      const inserted = fresh === null ? [] : [{ ...changed, [key]: fresh.makes(row[key] as string) }]
      return [...rows.map((each) => (each[key] === row[key] ? changed : each)), ...inserted]
    },
  },
  {
    name: 'append',
    breaks: 'doubled',
    async run(engine, uri, { kind, rows, row }) {
      await engine.append(uri, `select * from t where ${isRow(kind, row)}`)
      return [...rows, ...rows.filter((each) => each[kind.key] === row[kind.key])]
    },
  },
  {
    name: 'DELETE',
    breaks: 'missing',
    async run(engine, uri, { kind, rows, row }) {
      await engine.remove(uri, isRow(kind, row))
      return rows.filter((each) => each[kind.key] !== row[kind.key])
    },
  },
]

/** The row of the `nth` key, in the order of their texts, of those that have one. */
export function actOn(kind: Kind, table: SeenTable, nth: number): ActOn {
  const rows = rowsOf(table.columns)
  const keyed = rows
    .filter((row) => row[kind.key] !== null && row[kind.set.column] !== null)
    .sort((a, b) => (textsOf([a])[0]! < textsOf([b])[0]! ? -1 : 1))
  return { kind, rows, columns: table.schema.map(({ name }) => name), row: keyed[nth % keyed.length]! }
}

function isRow({ key }: Kind, row: SeenRow): string {
  const value = row[key] as string
  return `${key} = ${key === 'big' ? value : `'${value.replaceAll("'", "''")}'`}`
}
