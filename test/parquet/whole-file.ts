import { parquetMetadataAsync } from 'hyparquet'
import type { ColumnField } from '../../src/domain/column-batch.ts'
import { cellsOf } from '../../src/parquet/decode/read-cell.ts'
import type { ParquetCell } from '../../src/parquet/decode/read-cell.ts'
import { describeParquetFile, readParquetBatches } from '../../src/parquet/read-parquet.ts'
import type { ParquetReadOptions } from '../../src/parquet/read-parquet.ts'

/** Whole files, value by value and row by row, through the reader that lanes and checkpoints go through. */

export interface ParquetColumns {
  readonly rows: number
  readonly fields: readonly ColumnField[]
  /** In the order of `fields`. */
  readonly columns: readonly (readonly ParquetCell[])[]
}

export type ParquetRow = Readonly<Record<string, ParquetCell>>

export async function readParquetColumns(options: ParquetReadOptions): Promise<ParquetColumns> {
  const fields = await describeParquetFile(options)
  const columns: ParquetCell[][] = fields.map(() => [])
  let rows = 0
  for await (const batch of readParquetBatches(options)) {
    for (const [i, column] of batch.columns.entries()) {
      const cell = cellsOf(column)
      for (let row = 0; row < batch.length; row += 1) columns[i]!.push(cell(row))
    }
    rows += batch.length
  }
  return { rows, fields, columns }
}

export async function* readParquetRows(options: ParquetReadOptions): AsyncGenerator<ParquetRow> {
  for await (const batch of readParquetBatches(options)) {
    const cells = batch.columns.map((column, i) => [batch.fields[i]!.name, cellsOf(column)] as const)
    for (let row = 0; row < batch.length; row += 1) {
      yield Object.fromEntries(cells.map(([name, cell]) => [name, cell(row)]))
    }
  }
}

/** What a file's footer says beside its columns. */
export async function readKeyValues(bytes: Uint8Array): Promise<Readonly<Record<string, string>>> {
  const { key_value_metadata: pairs = [] } = await parquetMetadataAsync(Uint8Array.from(bytes).buffer)
  return Object.fromEntries(pairs.map(({ key, value }) => [key, value ?? '']))
}
