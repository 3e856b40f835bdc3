import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openFilesystemStore } from '../adapters/filesystem/filesystem-store.ts'
import { openFileCache } from '../adapters/s3/file-cache.ts'
import { openS3Store } from '../adapters/s3/s3-store.ts'
import { SluiceError } from '../domain/errors.ts'
import type { Settings } from '../domain/settings.ts'
import type { ObjectStore, RequestKind } from '../ports/object-store.ts'

export type OpenStore = (uri: string) => ObjectStore

/** Opens a place by its path, `file:` or `s3:` URI. All stores of one process share a cache of local copies. */
export function openStores(
  { workDir, cacheBytes, s3 }: Pick<Settings['lake'], 'workDir' | 'cacheBytes' | 's3'>,
  requests: Map<RequestKind, number> = new Map(),
): OpenStore {
  const count = (kind: RequestKind): void => void requests.set(kind, (requests.get(kind) ?? 0) + 1)
  const cache = openFileCache({ folder: join(workDir, 'cache'), maxBytes: cacheBytes })
  return (uri) => {
    if (isS3(uri)) return openS3Store({ uri, settings: s3, cache, count })
    const folder = uri.startsWith('file:') ? fileURLToPath(uri) : uri
    if (/^[a-z0-9]+:\/\//i.test(folder)) {
      throw new SluiceError('USAGE', `${uri} is neither a folder nor s3://bucket/prefix`)
    }
    return openFilesystemStore(folder)
  }
}

/** Beside the tables where the lake is a folder: a staged file is moved there, not copied. */
export function stagingRoot({ uri, workDir }: Settings['lake']): string {
  return isS3(uri) ? join(workDir, 'staging') : join(uri, '_staging')
}

function isS3(uri: string): boolean {
  return /^s3a?:\/\//.test(uri)
}
