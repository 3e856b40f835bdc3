import { Readable } from 'node:stream'
import { SluiceError } from '../../../src/domain/errors.ts'
import { asSourceError, ofSource } from '../../../src/domain/source-error.ts'
import type { ObjectStat, ObjectStore } from '../../../src/ports/object-store.ts'
import type { FilesOptions } from '../files-options.ts'
import { byObject, checkFileCount, fileMatcher, type FilePlace, type FoundFile } from './file-place.ts'

/** What one request brings; one is held while the next is on its way. */
const CHUNK_BYTES = 4 * 1024 * 1024

export interface StorePlaceParts {
  readonly source: string
  readonly options: FilesOptions
  readonly storeAt: (uri: string) => ObjectStore
}

/**
 * A prefix of a bucket, or one object. As in a folder, names that begin with a dot, and all below them, are left alone;
 * so are those that a store's paths cannot hold (an empty part, `.`, `..`).
 */
export function openStorePlace({ source, options, storeAt }: StorePlaceParts): FilePlace {
  const path = options.path.replace(/\/+$/, '')
  const store = storeAt(path)
  const matches = fileMatcher(options)

  async function list(): Promise<readonly FoundFile[]> {
    const found: FoundFile[] = []
    for await (const stat of store.list('')) {
      if (!isPlain(stat.path) || !matches(stat.path)) continue
      found.push(toFound(stat, { object: stat.path, path: `${path}/${stat.path}` }))
      checkFileCount(source, path, found.length)
    }
    if (found.length > 0) return found.sort(byObject)
    const alone = await statAlone()
    return alone === null ? [] : [alone]
  }

  /** Null where the path is no object itself. */
  async function statAlone(): Promise<FoundFile | null> {
    const { folder, name } = splitPath(path)
    if (name === null) return null
    const stat = await storeAt(folder).stat(name)
    return stat === null ? null : toFound(stat, { object: name, path })
  }

  /** One that is the path itself stands in the folder above. */
  function storeOf(file: FoundFile): ObjectStore {
    return file.path === path ? storeAt(splitPath(path).folder) : store
  }

  async function range(file: FoundFile, start: number, end: number): Promise<Uint8Array> {
    const bytes = await storeOf(file).readRange(file.object, start, end)
    if (bytes !== null) return bytes
    throw gone(source, file)
  }

  async function* chunks(file: FoundFile): AsyncGenerator<Uint8Array> {
    const span = (start: number): Promise<Uint8Array> | null =>
      start < file.bytes ? range(file, start, Math.min(start + CHUNK_BYTES, file.bytes)) : null
    let next = span(0)
    for (let start = 0; next !== null; start += CHUNK_BYTES) {
      const bytes = await next
      next = span(start + CHUNK_BYTES)
      // A reader that leaves early does not wait for it, and must not be told of its failure.
      next?.catch(() => undefined)
      yield bytes
    }
  }

  return {
    list: () => ofSource(source, list),
    again: async (file) => {
      const stat = await ofSource(source, () => storeOf(file).stat(file.object))
      if (stat === null) throw gone(source, file)
      return toFound(stat, file)
    },
    stream: (file) => Readable.from(chunks(file), { objectMode: false }),
    range: (file, start, end) => ofSource(source, () => range(file, start, end)),
    failed: (_file, error) => asSourceError(source, error),
  }
}

function toFound({ bytes, modifiedMs, etag }: ObjectStat, place: Pick<FoundFile, 'object' | 'path'>): FoundFile {
  return { ...place, bytes, mtimeMs: modifiedMs, ctimeMs: 0, etag: etag ?? null }
}

/** The name is null for a bucket. */
function splitPath(path: string): { readonly folder: string; readonly name: string | null } {
  const parts = /^(s3a?:\/\/.+)\/([^/]+)$/.exec(path)
  return { folder: parts?.[1] ?? path, name: parts?.[2] ?? null }
}

function isPlain(path: string): boolean {
  return path.split('/').every((part) => part !== '' && !part.startsWith('.'))
}

function gone(source: string, file: FoundFile): SluiceError {
  return new SluiceError('SOURCE_UNREADABLE', `source ${source} cannot read ${file.path}: it does not exist`, {
    where: { source, file: file.path },
  })
}
