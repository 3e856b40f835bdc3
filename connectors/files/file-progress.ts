import { foreignState } from '../../src/domain/watermark.ts'
import type { FoundFile } from './list-files.ts'

/** One entry of the source's state: `file:<path>` → this, as JSON. */
export interface FileProgress {
  /** Of the file as stored, compressed where it is. */
  readonly bytes: number
  readonly sha256: string
  /** Hints: while both are as they were, the content is taken to be as it was. */
  readonly mtimeMs: number
  readonly ctimeMs: number
  /** Lines that were passed, the header included. */
  readonly lines: number
  readonly done: boolean
}

const PREFIX = 'file:'

export function progressKey(object: string): string {
  return PREFIX + object
}

export function formatProgress({ bytes, sha256, mtimeMs, ctimeMs, lines, done }: FileProgress): string {
  return JSON.stringify({ bytes, sha256, mtimeMs, ctimeMs, lines, done })
}

/** The known files by path. Entries of another kind are not ours and are left alone. */
export function readProgress(source: string, entries: ReadonlyMap<string, string>): ReadonlyMap<string, FileProgress> {
  const files = new Map<string, FileProgress>()
  for (const [key, text] of entries) {
    if (key.startsWith(PREFIX)) files.set(key.slice(PREFIX.length), parseProgress(source, key, text))
  }
  return files
}

export function seenUnchanged(known: FileProgress, now: FoundFile): boolean {
  return known.bytes === now.bytes && known.mtimeMs === now.mtimeMs && known.ctimeMs === now.ctimeMs
}

function parseProgress(source: string, key: string, text: string): FileProgress {
  let value: Partial<FileProgress> | null = null
  try {
    value = JSON.parse(text) as Partial<FileProgress>
  } catch {
    // Told below.
  }
  const { bytes, sha256, mtimeMs, ctimeMs, lines, done } = value ?? {}
  if (
    typeof bytes !== 'number' ||
    typeof sha256 !== 'string' ||
    typeof lines !== 'number' ||
    typeof done !== 'boolean'
  ) {
    throw foreignState(source, key)
  }
  return { bytes, sha256, lines, done, mtimeMs: mtimeMs ?? -1, ctimeMs: ctimeMs ?? -1 }
}
