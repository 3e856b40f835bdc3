import { SluiceError } from '../domain/errors.ts'
import type { ObjectStore } from '../ports/object-store.ts'

/** A line of a ledger's file, parsed. */
export interface LedgerLine {
  readonly path: string
  /** 1-based. */
  readonly line: number
  readonly value: Readonly<Record<string, unknown>>
}

const CHUNK_BYTES = 4 * 1024 * 1024
const NEWLINE = 10

/**
 * The lines of one file of JSON lines, read in ranges so that a large file is never held whole. A line that is no JSON
 * object throws LETTERS_UNREADABLE naming file and line: a ledger is never read in part. A file that is gone by the
 * time it is read (retention) yields nothing.
 */
export async function* readJsonLines(store: ObjectStore, path: string, bytes: number): AsyncIterable<LedgerLine> {
  let rest: Buffer = Buffer.alloc(0)
  let line = 0
  for (let at = 0; at < bytes; at += CHUNK_BYTES) {
    const chunk = await store.readRange(path, at, Math.min(at + CHUNK_BYTES, bytes))
    if (chunk === null) return
    const joined = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk])
    let start = 0
    for (let end = joined.indexOf(NEWLINE); end >= 0; end = joined.indexOf(NEWLINE, start)) {
      line += 1
      yield { path, line, value: parseLine({ path, line }, joined.subarray(start, end)) }
      start = end + 1
    }
    rest = joined.subarray(start)
  }
  if (rest.length > 0) throw unreadable({ path, line: line + 1 }, 'it ends in the middle of a line')
}

function parseLine(place: LinePlace, bytes: Buffer): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw unreadable(place, 'it is no JSON', cause)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw unreadable(place, 'it is no JSON object')
  }
  return value as Record<string, unknown>
}

export interface LinePlace {
  readonly path: string
  readonly line: number
}

export function unreadable({ path, line }: LinePlace, why: string, cause?: unknown): SluiceError {
  return new SluiceError('LETTERS_UNREADABLE', `line ${line} of _errors/${path} cannot be read: ${why}`, {
    where: { file: path, line },
    cause,
  })
}
