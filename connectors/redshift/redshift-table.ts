import { quoteIdentifier } from '../../src/domain/identifier.ts'
import type { SourceSettings } from '../../src/domain/settings.ts'
import { quoteTable, selectRows, type SqlDialect, type TableQuery } from '../../src/domain/table-query.ts'
import type {
  RowsOptions,
  TableColumn,
  TableDescription,
  TableLook,
  TableRow,
  TableSight,
  TableSource,
} from '../../src/ports/table-source.ts'
import type { ObjectStore } from '../../src/ports/object-store.ts'
import { describeTable } from './catalogue.ts'
import { readRedshiftOptions, type RedshiftOptions } from './redshift-options.ts'
import { openSession, type Session, type Transaction, type WireRow } from './session.ts'
import { countUpTo, readUnloaded } from './unload.ts'

/** Redshift's comparison of rows is not documented to follow SQL, so keys are compared column by column. */
const DIALECT: SqlDialect = { form: 'expanded', placeholder: (number) => `$${number}` }

export interface RedshiftParts {
  readonly settings: Pick<SourceSettings, 'name' | 'options'>
  readonly newId: () => string
  /** Reaches S3 for UNLOAD. */
  readonly storeAt: ((uri: string) => ObjectStore) | undefined
}

/** A table of Redshift, or of PostgreSQL, whose wire protocol it speaks; README.md says what it promises. */
export function openRedshiftTable({ settings, newId, storeAt }: RedshiftParts): TableSource {
  const checked = readRedshiftOptions(settings.name, settings.options)
  const session = openSession(checked)
  let described: Promise<TableDescription> | null = null
  const describe = (): Promise<TableDescription> => {
    described ??= describeTable(session, checked)
    return described
  }
  return {
    describe,
    look: async (request) => look({ session, options: checked, columns: (await describe()).columns }, request),
    async *rows(query, rowsOptions) {
      const { unload } = checked
      const convert = converterOf(query, (await describe()).columns)
      if (
        unload !== null &&
        storeAt !== undefined &&
        (await countUpTo(session.query, query, unload.aboveRows)) > unload.aboveRows
      ) {
        const { columns } = await describe()
        const parts = { query, columns, options: checked, unload, store: storeAt(unload.to), folder: `${newId()}/` }
        for await (const rows of readUnloaded(session.query, { ...parts, ...rowsOptions })) yield convert(rows)
        return
      }
      for await (const rows of readRows(session, { query, rowsOptions })) yield convert(rows)
    },
    close: () => session.close(),
  }
}

interface Looking {
  readonly session: Session
  readonly options: RedshiftOptions
  readonly columns: readonly TableColumn[]
}

async function look({ session, options, columns }: Looking, request: TableLook): Promise<TableSight> {
  const { watermark, notNull, overlapMs, reached, floor } = request
  // The clock stands alone: Redshift's leader node has it, and takes it in no query of a table.
  const [clock] = await session.query('select extract(epoch from now()), now(), now() at time zone $1', [
    await session.zone(),
  ])
  const [epoch, now, localNow] = clock as readonly string[]
  const nowMs = Math.round(Number(epoch) * 1000)
  const table = quoteTable(options.table)
  const isNull = notNull.map((name) => `${quoteIdentifier(name)} is null`).join(' or ')
  const [[nulls] = []] = isNull === '' ? [] : await session.query(`select count(*) from ${table} where ${isNull}`)
  const column = columns.find(({ name }) => name === watermark)
  const told = { nowMs, nulls: BigInt(nulls ?? 0), floor: null, lateFloor: null, isAhead: false }
  if (column === undefined || column.order === 'other') return told
  const day = column.order === 'day'
  const type = day ? 'date' : /with time zone/.test(column.type) ? 'timestamptz' : 'timestamp'
  const clockText = type === 'timestamptz' ? now! : localNow!
  const earlier = (sql: string): string =>
    day
      ? `(${sql} - ${Math.ceil(overlapMs / 86_400_000)})`
      : `(${sql} - interval '${Math.trunc(overlapMs)} milliseconds')`
  const ask = async (sql: string, binds: readonly string[]): Promise<string | null> =>
    (await session.query(`select ${sql}`, binds))[0]?.[0] ?? null
  const quoted = quoteIdentifier(column.name)
  return {
    ...told,
    floor:
      overlapMs === 0 ? null : await ask(`${earlier(`least(max(${quoted}), $1::${type})`)} from ${table}`, [clockText]),
    lateFloor:
      overlapMs === 0 || floor === null
        ? null
        : await ask(`least($1::${type}, ${earlier(`$2::${type}`)})`, [floor, clockText]),
    isAhead: reached !== null && (await ask(`$1::${type} > $2::${type}`, [reached, clockText])) === 't',
  }
}

interface Reading {
  readonly query: TableQuery
  readonly rowsOptions: RowsOptions
}

/**
 * A cursor in a transaction of its own, the way that Redshift itself supports. While one list of rows is at work the
 * next is under way.
 */
async function* readRows(session: Session, { query, rowsOptions }: Reading): AsyncGenerator<WireRow[]> {
  const { batchRows, signal } = rowsOptions
  const { text, binds } = selectRows(query, DIALECT)
  const cut = (): void => session.cut()
  signal?.addEventListener('abort', cut)
  let transaction: Transaction | null = null
  try {
    transaction = await session.transaction()
    const { query: ask } = transaction
    await ask(`declare sluice_rows cursor for ${text}`, binds)
    const fetch = (): Promise<WireRow[]> => {
      const fetched = ask(`fetch forward ${Math.trunc(batchRows)} from sluice_rows`)
      // Told where it is awaited, not before.
      fetched.catch(() => undefined)
      return fetched
    }
    let next: Promise<WireRow[]> | null = fetch()
    while (next !== null) {
      const rows: WireRow[] = await next
      next = rows.length < batchRows ? null : fetch()
      if (rows.length > 0) yield rows
    }
    await transaction.commit()
    transaction = null
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    signal?.removeEventListener('abort', cut)
    await transaction?.rollback()
  }
}

/** Bytes from their text; all other values as they are. */
function converterOf(
  query: TableQuery,
  columns: readonly TableColumn[],
): (rows: readonly WireRow[]) => readonly TableRow[] {
  const binary = query.columns.flatMap((name, at) =>
    columns.find((column) => column.name === name)?.holds?.kind === 'binary' ? [at] : [],
  )
  if (binary.length === 0) return (rows) => rows
  return (rows) =>
    rows.map((row) =>
      row.map((value, at) =>
        value === null || !binary.includes(at) ? value : new Uint8Array(Buffer.from(value.replace(/^\\x/, ''), 'hex')),
      ),
    )
}
