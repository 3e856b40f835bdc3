import type { ColumnField } from '../domain/column-batch.ts'
import { SluiceError } from '../domain/errors.ts'
import { readDeletedRows } from './deletion/read-deleted.ts'
import { storePath } from './log/file-key.ts'
import type { AddFile, Snapshot } from './snapshot.ts'
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
  /** Other files than the snapshot's. */
  readonly files?: Iterable<AddFile>
  /** For SQL that people write: see `EngineInput.schema`. */
  readonly schema?: string
}

/**
 * A table as a view for the engine. A file that the table declares and the store lacks stops the caller loudly (I8), and so does
 * a deletion vector that is gone or damaged. Rows that one names are no rows of the view.
 */
export async function engineInput(request: TableInputRequest): Promise<EngineInput> {
  const { name, store, snapshot, fields, schema } = request
  const files = await engineFiles(store, request.files ?? snapshot.files.values())
  return {
    name,
    ...(schema === undefined ? {} : { schema }),
    fields: fields ?? snapshot.metadata.fields,
    partitionColumns: snapshot.metadata.partitionColumns,
    files,
    ...(snapshot.metadata.stored === null ? {} : { stored: snapshot.metadata.stored }),
  }
}

/** Data files as an engine opens them. Throws TABLE_FILES_MISSING. */
export function engineFiles(store: ObjectStore, files: Iterable<AddFile>): Promise<EngineFile[]> {
  // All at once: a store that is far away bounds how many it fetches together.
  return Promise.all(
    Array.from(files, async (file): Promise<EngineFile> => {
      const localFile = await store.localFile(storePath(file.path))
      if (localFile === null) {
        throw new SluiceError('TABLE_FILES_MISSING', `${store.uri} declares ${file.path}, which is not there`, {
          where: { table: store.uri, file: file.path },
        })
      }
      const { path, partitionValues, deletionVector: vector } = file
      const known = { path, localFile, partitionValues }
      if (vector === null) return known
      return { ...known, deletedRows: await readDeletedRows(store, { path, rows: file.stats?.rows ?? null, vector }) }
    }),
  )
}
