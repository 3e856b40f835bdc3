import type { BigIntStats } from 'node:fs'
import { createReadStream } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

import { SluiceError } from '../../../src/domain/errors.ts'
import type { FilesOptions } from '../files-options.ts'
import { byObject, checkFileCount, fileMatcher, type FilePlace, type FoundFile } from './file-place.ts'

const CHUNK_BYTES = 256 * 1024

/**
 * A folder of this machine, or one file. Links to files are followed, wherever they lead; links to folders are not.
 * Names that begin with a dot are left alone.
 */
export function openFolderPlace(source: string, options: FilesOptions): FilePlace {
  return {
    list: () => listFiles(source, options),
    again: async ({ object, path }) => toFound(object, path, await statOf(source, path)),
    stream: ({ path }) => createReadStream(path, { highWaterMark: CHUNK_BYTES }),
    range: async (file, start, end) => readSpan(file.path, start, end),
    failed: ({ object }, error) => unreadable(source, object, error),
  }
}

async function listFiles(source: string, options: FilesOptions): Promise<readonly FoundFile[]> {
  const place = await findRoot(source, options)
  if (place.kind === 'file') return [toFound(basename(place.path), place.path, place.stats)]
  const matches = fileMatcher(options)
  const found: FoundFile[] = []
  const walk = async (folder: string, prefix: string): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
      throw unreadable(source, folder, cause)
    })
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue
      const object = prefix + entry.name
      const path = join(folder, entry.name)
      if (entry.isDirectory()) await walk(path, `${object}/`)
      else if ((entry.isFile() || entry.isSymbolicLink()) && matches(object)) {
        const stats = await statOf(source, path)
        if (stats.isFile()) found.push(toFound(object, path, stats))
        checkFileCount(source, place.path, found.length)
      }
    }
  }
  await walk(place.path, '')
  return found.sort(byObject)
}

async function readSpan(path: string, start: number, end: number): Promise<Uint8Array> {
  const file = await open(path, 'r')
  try {
    const bytes = Buffer.alloc(end - start)
    let filled = 0
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return bytes.subarray(0, filled)
  } finally {
    await file.close()
  }
}

function unreadable(source: string, path: string, cause: unknown): SluiceError {
  const why = cause instanceof Error && 'code' in cause ? String(cause.code) : 'it is not readable'
  const said: Readonly<Record<string, string>> = {
    ENOENT: 'it does not exist',
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    ENOTDIR: 'it is no folder',
    EISDIR: 'it is a folder',
    ELOOP: 'its links go in a circle',
  }
  return new SluiceError('SOURCE_UNREADABLE', `source ${source} cannot read ${path}: ${said[why] ?? why}`, {
    where: { source, file: path },
    cause,
  })
}

interface Root {
  readonly kind: 'folder' | 'file'
  readonly path: string
  readonly stats: BigIntStats
}

async function findRoot(source: string, { path }: FilesOptions): Promise<Root> {
  try {
    const stats = await stat(path, { bigint: true })
    return { kind: stats.isDirectory() ? 'folder' : 'file', path, stats }
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (!missing) throw unreadable(source, path, error)
    throw new SluiceError('SOURCE_UNREADABLE', `source ${source} cannot read ${path}: it does not exist`, {
      where: { source, file: path },
      hint: `Make the folder ${dirname(path) === '.' ? path : basename(path)} or set sources.${source}.path.`,
    })
  }
}

async function statOf(source: string, path: string): Promise<BigIntStats> {
  return stat(path, { bigint: true }).catch((cause: unknown) => {
    throw unreadable(source, path, cause)
  })
}

function toFound(object: string, path: string, stats: BigIntStats): FoundFile {
  return { object, path, bytes: Number(stats.size), mtimeMs: ms(stats.mtimeNs), ctimeMs: ms(stats.ctimeNs), etag: null }
}

/** With what a double keeps of the microseconds. */
function ms(ns: bigint): number {
  return Number(ns / 1000n) / 1000
}
