import type { ColumnField } from '../domain/column-batch.ts'
import { SluiceError } from '../domain/errors.ts'
import type { Snapshot } from './snapshot.ts'
import type { EngineFile, EngineInput } from '../ports/model-engine.ts'
import type { ObjectStore } from '../ports/object-store.ts'

export interface TableInputRequest {
  /** The view's name. */
  readonly name: string
  /** Rooted at the table. */
  readonly store: ObjectStore
  readonly snapshot: Snapshot
  /** Other types or columns than the table's own. */
  readonly fields?: readonly ColumnField[]
}

/** A table as a view for the engine. A file that the table declares and the store lacks stops the caller loudly (I8). */
export async function engineInput({ name, store, snapshot, fields }: TableInputRequest): Promise<EngineInput> {
  const files: EngineFile[] = []
  for (const file of snapshot.files.values()) {
    const localFile = await store.localFile(decodeURIComponent(file.path))
    if (localFile === null) {
      throw new SluiceError('TABLE_FILES_MISSING', `${store.uri} declares ${file.path}, which is not there`, {
        where: { table: store.uri, file: file.path },
      })
    }
    files.push({ path: file.path, localFile, partitionValues: file.partitionValues })
  }
  return {
    name,
    fields: fields ?? snapshot.metadata.fields,
    partitionColumns: snapshot.metadata.partitionColumns,
    files,
  }
}
