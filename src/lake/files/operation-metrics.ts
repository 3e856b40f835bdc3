import type { NewFile } from './add-file.ts'
import type { Transaction } from '../transaction.ts'

type Metrics = Readonly<Record<string, string | number | bigint>>

/**
 * `commitInfo.operationMetrics` under the names that Spark gives them for its operation of that name (delta-spark's
 * DeltaOperations), as far as the files tell; what the operation states itself goes before. Pure. Times that parts of
 * an operation took, and how many rows a MERGE inserted, updated or copied, are told only by operations that know.
 */
export function operationMetrics({ operation, adds, removes, dataChange }: Transaction): Metrics {
  const [added, removed] = [bytesOf(adds), bytesOf(removes)]
  const rows = dataChange ? rowsOf(adds) : null
  const output: Metrics = rows === null || adds.length === 0 ? {} : { numOutputRows: rows }
  switch (operation.name) {
    case 'WRITE':
      return {
        ...(adds.length + removes.length === 0 ? {} : { numFiles: adds.length, numOutputBytes: added, ...output }),
        ...(removes.length === 0 ? {} : { ...rewritten(adds, removes), numRemovedBytes: removed }),
        ...operation.metrics,
      }
    case 'MERGE':
      return {
        ...output,
        ...rewritten(adds, removes),
        numTargetFilesAdded: adds.length,
        numTargetFilesRemoved: removes.length,
        numTargetBytesAdded: added,
        numTargetBytesRemoved: removed,
        ...operation.metrics,
      }
    case 'RESTORE':
      return {
        numRestoredFiles: adds.length,
        restoredFilesSize: added,
        numRemovedFiles: removes.length,
        removedFilesSize: removed,
        ...operation.metrics,
      }
    default:
      return { ...filesOnly(adds, removes), ...operation.metrics }
  }
}

/** Operations that Spark does not have, and those that state more themselves. */
function filesOnly(adds: readonly NewFile[], removes: readonly NewFile[]): Metrics {
  if (removes.length === 0) return adds.length === 0 ? {} : { numFiles: adds.length, numOutputBytes: bytesOf(adds) }
  return { ...rewritten(adds, removes), numAddedBytes: bytesOf(adds), numRemovedBytes: bytesOf(removes) }
}

function rewritten(adds: readonly NewFile[], removes: readonly NewFile[]): Metrics {
  return { numAddedFiles: adds.length, numRemovedFiles: removes.length }
}

function bytesOf(files: readonly NewFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** Null where some file does not say. */
function rowsOf(files: readonly NewFile[]): number | null {
  return files.some(({ rows }) => rows === null) ? null : files.reduce((sum, { rows }) => sum + (rows ?? 0), 0)
}
