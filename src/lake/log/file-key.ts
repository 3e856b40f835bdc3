import { SluiceError } from '../../domain/errors.ts'

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

/** Where the store, rooted at the table, holds a file of the log. */
export function storePath(path: string): string {
  if (path.startsWith('/') || SCHEME.test(path)) {
    throw new SluiceError('TABLE_UNSUPPORTED', `file ${path} lies outside its table, as in a shallow clone`, {
      where: { file: path },
    })
  }
  return fileKey(path)
}

/** The URI form of a path of the store: each part percent-encoded, except for what partition folders are made of. */
export function logPath(storedPath: string): string {
  return storedPath.split('/').map(encodePart).join('/')
}

function encodePart(part: string): string {
  return encodeURIComponent(part).replaceAll('%3D', '=').replaceAll('%2B', '+').replaceAll('%2C', ',')
}
