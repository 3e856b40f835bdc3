import type { Bind, Connection, RowStatement } from 'snowflake-sdk'

import { cellOf, type Cell } from './cell-text.ts'

export type WireRow = readonly Cell[]

export interface Answer {
  /** In small letters. */
  readonly names: readonly string[]
  readonly rows: readonly WireRow[]
}

/** Of a small result: all rows at once. */
export async function answer(connection: Connection, text: string, binds: readonly string[]): Promise<Answer> {
  const { rows, statement } = await execute(connection, { text, binds, streamed: false })
  const names = (statement.getColumns() ?? []).map((column) => column.getName().toLowerCase())
  return { names, rows: (rows ?? []).map(converterOf(statement)) }
}

export interface Execution {
  readonly text: string
  readonly binds: readonly string[]
  readonly streamed: boolean
  readonly started?: (statement: RowStatement) => void
}

export interface Executed {
  readonly statement: RowStatement
  /** Null where they are streamed. */
  readonly rows: readonly (readonly unknown[])[] | null
}

export function execute(connection: Connection, { text, binds, streamed, started }: Execution): Promise<Executed> {
  return new Promise((resolve, reject) => {
    const begun = connection.execute({
      sqlText: text,
      binds: binds as readonly Bind[],
      rowMode: 'array',
      fetchAsString: ['Number'],
      streamResult: streamed,
      complete: (error, statement, rows) => {
        if (error) reject(error)
        else resolve({ statement, rows: (rows ?? null) as Executed['rows'] })
      },
    })
    started?.(begun)
  })
}

export function converterOf(statement: RowStatement): (row: readonly unknown[]) => WireRow {
  const cells = (statement.getColumns() ?? []).map(cellOf)
  return (row) => cells.map((cell, at) => cell(row[at] ?? null))
}
