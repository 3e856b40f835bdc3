import type { ColumnBatch } from '../../../domain/column-batch.ts'
import { storePath } from '../../../lake/log/file-key.ts'
import type { AddFile } from '../../../lake/snapshot.ts'
import { readParquetBatches } from '../../../parquet/read-parquet.ts'
import type { ObjectStore } from '../../../ports/object-store.ts'

/** Columns of a data file as it is stored, those that it lacks left out; rows that a deletion vector names are among them. */
export function landedRows(store: ObjectStore, file: AddFile, columns: readonly string[]): AsyncGenerator<ColumnBatch> {
  const path = storePath(file.path)
  const read = async (start: number, end: number): Promise<Uint8Array> =>
    (await store.readRange(path, start, end)) ?? new Uint8Array(0)
  return readParquetBatches({ source: { bytes: file.bytes, read }, name: `${store.uri}/${path}`, columns })
}
