import { foreignState } from '../../src/domain/watermark.ts'
import type { FoundFile } from './places/file-place.ts'

/** One entry of the source's state: `file:<path>` → this, as JSON. */
export interface FileProgress {
  /** Of the file as stored, compressed where it is. */
  readonly bytes: number
  readonly sha256: string
  /** Hints: while all are as they were, the content is taken to be as it was. */
  readonly mtimeMs: number
  readonly ctimeMs: number
  readonly etag: string | null
  /** Lines that were passed, the header included; rows of a Parquet file. */
  readonly lines: number
  readonly done: boolean
}

const PREFIX = 'file:'

export function progressKey(object: string): string {
  return PREFIX + object
}

export function formatProgress({ bytes, sha256, mtimeMs, ctimeMs, etag, lines, done }: FileProgress): string {
  const tag = etag === null ? {} : { etag }
  return JSON.stringify({ bytes, sha256, mtimeMs, ctimeMs, ...tag, lines, done })
}

/** The known files by path. Entries of another kind are not ours and are left alone. */
export function readProgress(source: string, entries: ReadonlyMap<string, string>): ReadonlyMap<string, FileProgress> {
  const files = new Map<string, FileProgress>()
  for (const [key, text] of entries) {
    if (key.startsWith(PREFIX)) files.set(key.slice(PREFIX.length), parseProgress(source, key, text))
  }
  return files
}

export function seenUnchanged(
  known: Pick<FileProgress, 'bytes' | 'mtimeMs' | 'ctimeMs' | 'etag'>,
  now: FoundFile,
): boolean {
  const { bytes, mtimeMs, ctimeMs, etag } = now
  return known.bytes === bytes && known.mtimeMs === mtimeMs && known.ctimeMs === ctimeMs && known.etag === etag
}

/** What a place says of a file's version. */
export function hintsOf({ mtimeMs, ctimeMs, etag }: FoundFile): Pick<FileProgress, 'mtimeMs' | 'ctimeMs' | 'etag'> {
  return { mtimeMs, ctimeMs, etag }
}

function parseProgress(source: string, key: string, text: string): FileProgress {
  let value: Partial<FileProgress> | null = null
  try {
    value = JSON.parse(text) as Partial<FileProgress>
  } catch {
    // Told below.
  }
  const { bytes, sha256, mtimeMs, ctimeMs, etag, lines, done } = value ?? {}
  if (
    typeof bytes !== 'number' ||
    typeof sha256 !== 'string' ||
    typeof lines !== 'number' ||
    typeof done !== 'boolean'
  ) {
    throw foreignState(source, key)
  }
  return { bytes, sha256, lines, done, mtimeMs: mtimeMs ?? -1, ctimeMs: ctimeMs ?? -1, etag: etag ?? null }
}
