import { DatabaseSync } from 'node:sqlite'

import { readDatabaseOptions } from '../../src/domain/database-source.ts'
import type { KeysetForm } from '../../src/domain/keyset.ts'
import type { SettingValue } from '../../src/domain/setting-declarations.ts'
import { selectRows } from '../../src/domain/table-query.ts'
import { CircuitBreaker } from '../../src/extract/table/circuit-breaker.ts'
import { createTableConnector } from '../../src/extract/table/table-connector.ts'
import type { SourceBatch, SourceConnector } from '../../src/ports/source-connector.ts'
import type { TableColumn, TableRow, TableSource } from '../../src/ports/table-source.ts'

export type Options = Readonly<Record<string, SettingValue>>

/** A table source over SQLite in memory: real SQL for what `extract/table` decides, without a server. */
export class SqliteTable {
  readonly db = new DatabaseSync(':memory:')
  /** The source's clock. */
  nowMs = Date.UTC(2026, 0, 2)
  form: KeysetForm = 'expanded'
  readonly queries: string[] = []

  readonly clock = { nowMs: () => this.nowMs, sleep: () => Promise.resolve(), random: () => 0.5 }

  constructor(ddl: string) {
    this.db.exec(ddl)
  }

  connector(options: Options, name = 'shop'): SourceConnector {
    const table = this.#source(readDatabaseOptions(name, options).table[0]!)
    return createTableConnector({
      settings: { name, options },
      table,
      clock: this.clock,
      circuit: new CircuitBreaker(this.clock),
    })
  }

  #source(table: string): TableSource {
    const { db } = this
    return {
      describe: () => Promise.resolve({ table, columns: this.#columns(table), key: [], rows: null, bytes: null }),
      look: ({ watermark, notNull, overlapMs, reached, floor }) => {
        const one = (sql: string): unknown => Object.values(db.prepare(sql).get() ?? {})[0]
        const nulls =
          notNull.length === 0
            ? 0
            : one(`select count(*) from ${table} where ${notNull.map((c) => `"${c}" is null`).join(' or ')}`)
        const newest = watermark === null ? null : (one(`select max("${watermark}") from ${table}`) as string | null)
        const now = sqliteTime(this.nowMs)
        const least = (a: string, b: string): string => (a < b ? a : b)
        const back = (time: string): string => sqliteTime(Date.parse(`${time.replace(' ', 'T')}Z`) - overlapMs)
        const none = overlapMs === 0
        return Promise.resolve({
          nowMs: this.nowMs,
          nulls: BigInt(nulls as number),
          floor: none || newest === null ? null : back(least(newest, now)),
          lateFloor: none || floor === null ? null : least(floor, back(now)),
          isAhead: reached !== null && reached > now,
        })
      },
      rows: (query, { batchRows }) => {
        const form = this.form
        const { text, binds } = selectRows(query, { form, placeholder: () => '?' })
        this.queries.push(text)
        const rows = db
          .prepare(text)
          .all(...binds)
          .map((row): TableRow => Object.values(row).map((value) => (value === null ? null : String(value))))
        return (async function* lists() {
          for (let at = 0; at < rows.length; at += batchRows)
            yield await Promise.resolve(rows.slice(at, at + batchRows))
        })()
      },
      close: () => Promise.resolve(),
    }
  }

  #columns(table: string): TableColumn[] {
    return this.db
      .prepare(`pragma table_info(${table})`)
      .all()
      .map((row) => ({
        name: String(row['name']),
        travels: String(row['name']),
        type: String(row['type']),
        nullable: row['notnull'] === 0,
        holds: null,
        order: row['type'] === 'timestamp' ? 'instant' : 'other',
      }))
  }
}

/** `2026-01-02 03:04:05.000`: as text it sorts as time does. */
export function sqliteTime(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace('Z', '')
}

/** Reads to the end and moves the state as the log would, or stops after some batches. */
export async function readPass(
  connector: SourceConnector,
  state: Map<string, string>,
  stopAfter = Number.POSITIVE_INFINITY,
): Promise<SourceBatch[]> {
  const batches: SourceBatch[] = []
  for await (const batch of connector.read(new Map(state))) {
    batches.push(batch)
    for (const [entry, value] of batch.progress) {
      if (value === null) state.delete(entry)
      else state.set(entry, value)
    }
    if (batches.length >= stopAfter) break
  }
  await connector.close()
  return batches
}
