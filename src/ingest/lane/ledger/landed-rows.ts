import { storePath } from '../../../lake/log/file-key.ts'
import type { AddFile } from '../../../lake/snapshot.ts'
import type { GroupBounds, ParquetGroup } from '../../../parquet/read-parquet.ts'
import type { ObjectStore } from '../../../ports/object-store.ts'

export interface LandedRead {
  readonly columns: readonly string[]
  /** See `ParquetReadOptions.backwards`. */
  readonly backwards?: (bounds: GroupBounds) => boolean
}

/** Columns of a data file as it is stored, those that it lacks left out; rows that a deletion vector names are among them. */
export async function* landedRows(store: ObjectStore, file: AddFile, wanted: LandedRead): AsyncGenerator<ParquetGroup> {
  // The first pass over a table reads no file: what reads one is loaded by those that do.
  const { readParquetGroups } = await import('../../../parquet/read-parquet.ts')
  const path = storePath(file.path)
  const read = async (start: number, end: number): Promise<Uint8Array> =>
    (await store.readRange(path, start, end)) ?? new Uint8Array(0)
  yield* readParquetGroups({ source: { bytes: file.bytes, read }, name: `${store.uri}/${path}`, ...wanted })
}
