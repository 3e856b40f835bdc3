import type { BigIntStats } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

import { SluiceError } from '../../src/domain/errors.ts'
import { formatOf, type FilesOptions } from './files-options.ts'
import { globToRegExp } from './glob.ts'

export interface FoundFile {
  /** Relative to the source's root, `/`-separated. */
  readonly object: string
  /** As the operating system knows it. */
  readonly path: string
  readonly bytes: number
  readonly mtimeMs: number
  readonly ctimeMs: number
}

/**
 * The files of a source, in byte order of their path relative to the root. Links to files are followed, wherever they
 * lead; links to folders are not. Names that begin with a dot are left alone. Throws SOURCE_UNREADABLE for a root,
 * folder or file that is missing or may not be looked at.
 */
export async function listFiles(source: string, options: FilesOptions): Promise<readonly FoundFile[]> {
  const place = await findRoot(source, options)
  if (place.kind === 'file') return [toFound(basename(place.path), place.path, place.stats)]
  const matches = matcher(options)
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
      }
    }
  }
  await walk(place.path, '')
  return found.sort((a, b) => Buffer.compare(Buffer.from(a.object), Buffer.from(b.object)))
}

/** The file as it stands now. */
export async function lookAgain(source: string, file: FoundFile): Promise<FoundFile> {
  return toFound(file.object, file.path, await statOf(source, file.path))
}

export function unreadable(source: string, path: string, cause: unknown): SluiceError {
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

function matcher(options: FilesOptions): (object: string) => boolean {
  if (options.pattern === null) {
    return (object) => {
      const format = formatOf(object, 'auto')
      return format !== null && (options.format === 'auto' || options.format === format)
    }
  }
  const pattern = globToRegExp(options.pattern)
  return (object) => pattern.test(object)
}

async function statOf(source: string, path: string): Promise<BigIntStats> {
  return stat(path, { bigint: true }).catch((cause: unknown) => {
    throw unreadable(source, path, cause)
  })
}

function toFound(object: string, path: string, stats: BigIntStats): FoundFile {
  return { object, path, bytes: Number(stats.size), mtimeMs: ms(stats.mtimeNs), ctimeMs: ms(stats.ctimeNs) }
}

/** With what a double keeps of the microseconds. */
function ms(ns: bigint): number {
  return Number(ns / 1000n) / 1000
}
