import type { AddFile } from '../../../src/lake/snapshot.ts'
import type { FileStats } from '../../../src/lake/files/add-file.ts'

/** A file of a snapshot, as the log alone would tell it. */
export function loggedFile(overrides: Partial<AddFile> & { readonly path: string }): AddFile {
  return {
    partitionValues: {},
    bytes: 1,
    modificationTimeMs: 0,
    rows: 1,
    statsText: null,
    tags: null,
    dataChange: true,
    stats: null,
    deletionVector: null,
    ...overrides,
  }
}

export function boundedFile(path: string, stats: Partial<FileStats>, bytes = 1): AddFile {
  return loggedFile({ path, bytes, stats: { rows: 10, min: {}, max: {}, nulls: {}, ...stats } })
}
