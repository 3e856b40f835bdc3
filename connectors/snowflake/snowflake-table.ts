import { quoteIdentifier } from '../../src/domain/identifier.ts'
import type { SourceSettings } from '../../src/domain/settings.ts'
import { quoteTable, selectRows } from '../../src/domain/table-query.ts'
import type { ChangingTable } from '../../src/ports/change-feed.ts'
import type { TableLook, TableSight } from '../../src/ports/table-source.ts'
import { describeTable, type CatalogueTable } from './catalogue.ts'
import { epochMs } from './cell-text.ts'
import { dialectOf, placeOf } from './column-type.ts'
import { openSession, type Session } from './session.ts'
import { readSnowflakeOptions } from './snowflake-options.ts'
import { openStreamFeed } from './stream/stream-feed.ts'

export interface SnowflakeTableParts {
  readonly settings: Pick<SourceSettings, 'name' | 'options'>
  /** A fresh UUID. */
  readonly newId: () => string
}

/** A table of Snowflake; README.md says what it promises. */
export function openSnowflakeTable({ settings: { name, options }, newId }: SnowflakeTableParts): ChangingTable {
  const checked = readSnowflakeOptions(name, options)
  const session = openSession(checked)
  let describing: Promise<CatalogueTable> | null = null
  const described = (): Promise<CatalogueTable> => {
    const mine = (describing ??= describeTable(session, checked))
    // What failed is asked anew.
    mine.catch(() => (describing = null))
    return mine
  }
  const { stream } = checked
  return {
    feed: () =>
      Promise.resolve(
        stream === null ? null : openStreamFeed({ session, options: { ...checked, stream }, described, newId }),
      ),
    describe: described,
    look: async (request) => look(session, await described(), request),
    async *rows(query, streaming) {
      const { path, columns } = await described()
      const { text, binds } = selectRows({ ...query, table: path }, dialectOf(columns))
      yield* session.rows(text, binds, streaming)
    },
    close: () => session.close(),
  }
}

async function look(session: Session, { path, columns }: CatalogueTable, request: TableLook): Promise<TableSight> {
  const { watermark, notNull, overlapMs, reached, floor } = request
  const table = quoteTable(path)
  const isNull = notNull.map((name) => `${quoteIdentifier(name)} is null`).join(' or ')
  const ask = async (sql: string, binds: readonly string[] = []): Promise<string | null> =>
    ((await session.query(`select ${sql}`, binds))[0]?.[0] ?? null) as string | null
  const nulls = isNull === '' ? 0n : BigInt((await ask(`count(*) from ${table} where ${isNull}`)) ?? 0)
  const nowMs = epochMs((await ask('current_timestamp()'))!)
  const told = { nowMs, nulls, floor: null, lateFloor: null, isAhead: false }
  const column = columns.find(({ name }) => name === watermark)
  if (column === undefined || column.order === 'other') return told
  const type = column.order === 'day' ? 'date' : `${column.type.replace(/\(.*/, '')}(9)`
  // Of a zoneless type: the clock of the session's zone.
  const now = column.order === 'day' ? 'current_date()' : `cast(current_timestamp() as ${type})`
  const earlier = (sql: string): string =>
    column.order === 'day'
      ? `dateadd(day, ${-Math.ceil(overlapMs / 86_400_000)}, ${sql})`
      : `dateadd(millisecond, ${-Math.trunc(overlapMs)}, ${sql})`
  const place = placeOf(column.type)
  return {
    ...told,
    floor:
      overlapMs === 0
        ? null
        : await ask(`${earlier(`least(max(${quoteIdentifier(column.name)}), ${now})`)} from ${table}`),
    lateFloor:
      overlapMs === 0 || floor === null
        ? null
        : await ask(`case when ${place} < ${earlier(now)} then ${place} else ${earlier(now)} end`, [floor, floor]),
    isAhead: reached !== null && (await ask(`${place} > ${now}`, [reached])) === 'true',
  }
}
