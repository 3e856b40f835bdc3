import type { Readable } from 'node:stream'
import type { Connection, RowStatement } from 'snowflake-sdk'

import type { Cell } from './cell-text.ts'
import { connect, destroy } from './connection.ts'
import { answer, converterOf, execute, type WireRow } from './execute.ts'
import { snowflakeError } from './snowflake-error.ts'
import type { SnowflakeOptions } from './snowflake-options.ts'

export interface Streaming {
  readonly batchRows: number
  readonly signal: AbortSignal | undefined
}

/** One login, opened at first use and again once it broke. Errors come as ours. */
export interface Session {
  /** For small results: all rows at once. */
  readonly query: Query
  /** Rows as they come, in lists of at most `batchRows`; of a long result a few chunks are held, never all of it. */
  rows(text: string, binds: readonly string[], streaming: Streaming): AsyncGenerator<readonly WireRow[]>
  /** Of SHOW and DESCRIBE, whose columns are known by their names and not by their places. */
  records(text: string): Promise<readonly Readonly<Record<string, Cell>>[]>
  /**
   * Statements of one connection, all of them or none: where it breaks in between, none is sent on another. `name` is
   * what the transaction is found by from elsewhere.
   */
  transaction(name: string, work: (query: Query) => Promise<void>): Promise<void>
  close(): Promise<void>
}

export type Query = (text: string, binds?: readonly string[]) => Promise<readonly WireRow[]>

export function openSession(options: SnowflakeOptions): Session {
  let open: Promise<Connection> | null = null
  const opened = (): Promise<Connection> => {
    if (open !== null) return open
    const mine = connect(options).catch((error: unknown) => {
      if (open === mine) open = null
      throw error
    })
    open = mine
    return mine
  }
  const forget = (): void => {
    const broken = open
    open = null
    broken?.then(destroy).catch(() => undefined)
  }
  /** A session that may be at an end is not asked again. */
  const told = (thrown: unknown): Error => {
    const error = snowflakeError(options, thrown)
    if (error.code === 'SOURCE_UNAVAILABLE') forget()
    return error
  }
  return {
    async query(text, binds = []) {
      const connection = await opened()
      try {
        return (await answer(connection, text, binds)).rows
      } catch (thrown) {
        throw told(thrown)
      }
    },
    async records(text) {
      const connection = await opened()
      try {
        const { names, rows } = await answer(connection, text, [])
        return rows.map((row) => Object.fromEntries(names.map((name, at) => [name, row[at] ?? null])))
      } catch (thrown) {
        throw told(thrown)
      }
    },
    async transaction(name, work) {
      const connection = await opened()
      const query: Query = async (text, binds = []) => (await answer(connection, text, binds)).rows
      try {
        await query(`begin transaction name ${name}`)
        try {
          await work(query)
        } catch (error) {
          await query('rollback').catch(() => undefined)
          throw error
        }
        await query('commit')
      } catch (thrown) {
        throw told(thrown)
      }
    },
    async *rows(text, binds, { batchRows, signal }) {
      const connection = await opened()
      let running: RowStatement | null = null
      let stream: Readable | null = null
      const { promise: ended, reject: end } = Promise.withResolvers<never>()
      ended.catch(() => undefined)
      const onAbort = (): void => {
        // Snowflake then answers what it was asked; nobody waits for it.
        running?.cancel(() => undefined)
        end(signal?.reason)
        stream?.destroy(signal?.reason as Error)
      }
      signal?.addEventListener('abort', onAbort)
      try {
        const executing = execute(connection, {
          text,
          binds,
          streamed: true,
          started: (statement) => (running = statement),
        })
        executing.catch(() => undefined)
        const { statement } = await Promise.race([executing, ended])
        const convert = converterOf(statement)
        let rows: WireRow[] = []
        stream = statement.streamRows()
        for await (const row of stream) {
          rows.push(convert(row as readonly unknown[]))
          if (rows.length < batchRows) continue
          yield rows
          rows = []
        }
        if (rows.length > 0) yield rows
      } catch (thrown) {
        signal?.throwIfAborted()
        throw told(thrown)
      } finally {
        signal?.removeEventListener('abort', onAbort)
      }
    },
    async close() {
      const opening = open
      open = null
      // What was never opened, or broke, has nothing to close.
      await opening?.then(destroy).catch(() => undefined)
    },
  }
}
