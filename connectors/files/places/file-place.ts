import type { Readable } from 'node:stream'
import { SluiceError } from '../../../src/domain/errors.ts'
import { formatOf, type FilesOptions } from '../files-options.ts'
import { globToRegExp } from './glob.ts'

export interface FoundFile {
  /** Relative to the source's root, `/`-separated. */
  readonly object: string
  /** As the place knows it. */
  readonly path: string
  readonly bytes: number
  readonly mtimeMs: number
  /** 0 where the place has none. */
  readonly ctimeMs: number
  /** Where the place says it: another for another content. */
  readonly etag: string | null
}

/** Where a source's files are. What cannot be looked at throws SOURCE_UNREADABLE, SOURCE_REFUSED or SOURCE_UNAVAILABLE. */
export interface FilePlace {
  /** In byte order of their path relative to the root. */
  list(): Promise<readonly FoundFile[]>
  /** The file as it stands now. */
  again(file: FoundFile): Promise<FoundFile>
  /** As stored; fails with what `failed` makes an error of. */
  stream(file: FoundFile): Readable
  range(file: FoundFile, start: number, end: number): Promise<Uint8Array>
  failed(file: FoundFile, error: unknown): unknown
}

/** A listing that is longer stops the source: its state has an entry a file. */
const MAX_FILES = 100_000

/** Throws SOURCE_UNREADABLE where there are too many. */
export function checkFileCount(source: string, path: string, count: number): void {
  if (count <= MAX_FILES) return
  throw new SluiceError('SOURCE_UNREADABLE', `source ${source}: ${path} holds more than ${MAX_FILES} files`, {
    where: { source, file: path },
    hint: `Name fewer by sources.${source}.pattern, or several sources by folders.`,
  })
}

/** Whether a file is of the source. */
export function fileMatcher(options: Pick<FilesOptions, 'pattern' | 'format'>): (object: string) => boolean {
  if (options.pattern === null) {
    return (object) => {
      const format = formatOf(object, 'auto')
      return format !== null && (options.format === 'auto' || options.format === format)
    }
  }
  const pattern = globToRegExp(options.pattern)
  return (object) => pattern.test(object)
}

export function byObject(a: FoundFile, b: FoundFile): number {
  return Buffer.compare(Buffer.from(a.object), Buffer.from(b.object))
}
