import { SluiceError } from '../../domain/errors.ts'
import { vectorId, vectorPath } from '../deletion/deletion-vector.ts'
import type { DeletionVector } from '../deletion/deletion-vector.ts'

/**
 * A file's path in the log is a URI (PROTOCOL, "Add File and Remove File"): what the store holds has the decoded name.
 * Writers encode differently, so files are told apart by the decoded path.
 */

const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:/

export function fileKey(path: string): string {
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path)
  } catch {
    // Not a URI: some writers left names unencoded.
    return path
  }
}

/** A data file, and which of its rows are gone. */
export interface LogicalFile {
  readonly path: string
  readonly deletionVector?: DeletionVector | null
}

/**
 * What the log adds and removes is a file with a deletion vector or without one: the same file with another vector is
 * another (PROTOCOL, "Add File and Remove File"). In one version a file stands at most once.
 */
export function logicalKey({ path, deletionVector }: LogicalFile): string {
  return fileKey(path) + vectorSuffix(deletionVector)
}

/** Nothing where there is no vector. No path holds a NUL. */
export function vectorSuffix(vector: DeletionVector | null | undefined): string {
  return vector === null || vector === undefined ? '' : `\0${vectorId(vector)}`
}

/** Where the store, rooted at the table, holds what reading a file needs: the file, and that of its deletion vector. */
export function storePaths({ path, deletionVector }: LogicalFile, tableUri: string): readonly string[] {
  const vector = deletionVector === null || deletionVector === undefined ? null : vectorPath(deletionVector, tableUri)
  return vector === null ? [storePath(path)] : [storePath(path), vector]
}

/** Where the store, rooted at the table, holds a file of the log. */
export function storePath(path: string): string {
  if (path.startsWith('/') || SCHEME.test(path)) {
    throw new SluiceError('TABLE_UNSUPPORTED', `file ${path} lies outside its table, as in a shallow clone`, {
      where: { file: path },
    })
  }
  return fileKey(path)
}

/** `$&+,;=@`, which may stand in a URI's path as they are (RFC 3986, `pchar`). A colon could make the path a scheme. */
const PLAIN_IN_PATH = /%(?:24|26|2B|2C|3B|3D|40)/g

/**
 * The URI form of a path of the store. Encoded is only what must be, as Spark does: delta-rs states a file that it
 * removes in such a form, whatever its form in the log, and then tells the two apart by their texts.
 */
export function logPath(storedPath: string): string {
  return storedPath.split('/').map(encodePart).join('/')
}

function encodePart(part: string): string {
  return encodeURIComponent(part).replaceAll(PLAIN_IN_PATH, decodeURIComponent)
}
