import { ResultReturnType } from '@duckdb/node-api'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { EngineRow, RowSink } from '../../ports/model-engine.ts'
import { toEngineValue } from './engine-values.ts'
import { readAll } from './run-statement.ts'
import { prepareSelect } from './session.ts'

/** All rows of a SELECT, or the first so many. */
export async function answer(
  connection: DuckDBConnection,
  question: string,
  maxRows: number | null,
): Promise<readonly EngineRow[]> {
  const statement = await prepareSelect(connection, question)
  try {
    const reader = maxRows === null ? await readAll(statement) : await statement.streamAndReadUntil(maxRows)
    if (reader.returnType === ResultReturnType.INVALID) await failAgain(connection, question)
    const names = reader.deduplicatedColumnNames()
    const rows = reader
      .getRows()
      .map((row): EngineRow => Object.fromEntries(row.map((value, at) => [names[at] ?? '', toEngineValue(value)])))
    return maxRows === null ? rows : rows.slice(0, maxRows)
  } finally {
    statement.destroySync()
  }
}

/** Hands the rows of a SELECT on as they come. */
export async function handOver(
  connection: DuckDBConnection,
  question: string,
  { into, maxRows }: { readonly into: RowSink; readonly maxRows: number | null },
): Promise<void> {
  const statement = await prepareSelect(connection, question)
  try {
    const result = await statement.stream()
    into.columns(result.deduplicatedColumnNames())
    let left = maxRows ?? Number.POSITIVE_INFINITY
    while (left > 0) {
      const chunk = await result.fetchChunk()
      if (chunk === null || chunk.rowCount === 0) {
        if (result.returnType === ResultReturnType.INVALID) await failAgain(connection, question)
        return
      }
      const rows = chunk.getRows().slice(0, left)
      left -= rows.length
      if (!(await into.rows(rows.map((row) => row.map(toEngineValue))))) return
    }
  } finally {
    statement.destroySync()
  }
}

/**
 * A stream that fails on the way ends as one that has no more rows; only the type of its result tells, and its client
 * does not hand on why. So the SELECT runs once more, its rows thrown away, for the error.
 */
async function failAgain(connection: DuckDBConnection, question: string): Promise<never> {
  await connection.run(`explain analyze ${question}`)
  throw new Error('IO Error: DuckDB gave up on the way through the rows, and not when it was asked again')
}
