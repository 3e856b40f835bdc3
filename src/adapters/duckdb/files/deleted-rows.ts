import { DuckDBDataChunk, INTEGER, UINTEGER } from '@duckdb/node-api'
import type { DuckDBConnection } from '@duckdb/node-api'
import { quoteIdentifier } from '../../../domain/identifier.ts'
import type { RowSet } from '../../../domain/row-set.ts'

/** Rows that a chunk of DuckDB holds at most. */
const CHUNK_ROWS = 2048

/** The table's column that numbers the files of a view, and what DuckDB calls the place of a row in its file. */
export const FILE_NUMBER = 'no'
export const ROW_NUMBER = 'file_row_number'

/** `deleted` holds a row a word of each file's set: so much memory as the sets have themselves, however many rows. */
export async function createDeletedTable(
  connection: DuckDBConnection,
  name: string,
  sets: ReadonlyMap<number, RowSet>,
): Promise<void> {
  await connection.run(`create table ${quoteIdentifier(name)} (${FILE_NUMBER} INTEGER, word UINTEGER, mask UINTEGER)`)
  const appender = await connection.createAppender(name)
  try {
    for (const [number, { words, masks }] of sets) {
      for (let first = 0; first < words.length; first += CHUNK_ROWS) {
        const held = [...words.subarray(first, first + CHUNK_ROWS)]
        const chunk = DuckDBDataChunk.create([INTEGER, UINTEGER, UINTEGER])
        chunk.setColumns([held.map(() => number), held, [...masks.subarray(first, first + CHUNK_ROWS)]])
        appender.appendDataChunk(chunk)
      }
    }
    appender.flushSync()
  } finally {
    appender.closeSync()
  }
}

/** What stands after files `r`, joined with their table `f`, for the rows that are left. */
export function leftRows(deleted: string): string {
  const row = `r.${ROW_NUMBER}`
  return (
    ` left join ${quoteIdentifier(deleted)} d on d.${FILE_NUMBER} = f.${FILE_NUMBER} and cast(d.word as BIGINT) = ${row} >> 5` +
    ` where d.mask is null or (cast(d.mask as BIGINT) >> (${row} & 31)) & 1 = 0`
  )
}

/** What `read_parquet` is asked for, that rows can be told apart. */
export const WITH_ROW_NUMBERS = `, ${ROW_NUMBER}=true`
