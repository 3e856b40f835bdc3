import type { ColumnBatch } from '../../../domain/column-batch.ts'
import { storePath } from '../../../lake/log/file-key.ts'
import type { AddFile } from '../../../lake/snapshot.ts'
import type { ObjectStore } from '../../../ports/object-store.ts'

/** Columns of a data file as it is stored, those that it lacks left out; rows that a deletion vector names are among them. */
export async function* landedRows(
  store: ObjectStore,
  file: AddFile,
  columns: readonly string[],
): AsyncGenerator<ColumnBatch> {
  // The first pass over a table reads no file: what reads one is loaded by those that do.
  const { readParquetBatches } = await import('../../../parquet/read-parquet.ts')
  const path = storePath(file.path)
  const read = async (start: number, end: number): Promise<Uint8Array> =>
    (await store.readRange(path, start, end)) ?? new Uint8Array(0)
  yield* readParquetBatches({ source: { bytes: file.bytes, read }, name: `${store.uri}/${path}`, columns })
}
