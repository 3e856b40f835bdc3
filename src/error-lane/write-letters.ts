import type { DeadLetter } from '../domain/dead-letter.ts'
import type { TableName } from '../domain/identifier.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { letterPath } from './lane-path.ts'
import { LetterLines } from './lines/letter-lines.ts'

/** Up to here one copy more is cheaper than a stream. */
const PUT_BYTES = 8 * 1024 * 1024

export interface WriteLettersRequest {
  /** Rooted at `_errors`. */
  readonly store: ObjectStore
  /** Of one table and one run. */
  readonly letters: readonly DeadLetter[]
  readonly sealKey: string | null
  readonly newId: () => string
}

export interface WrittenLetters {
  readonly path: string
  readonly letters: number
}

/**
 * Writes letters as one file of the ledger, whole or not at all (I5); durable when it returns. Null where there are
 * none. A call that threw, or whose caller died later, may leave letters of records that are read again: harmless,
 * since they carry the same row ids (I4). Throws SEAL_KEY_MISSING before anything is written.
 */
export async function writeLetters(request: WriteLettersRequest): Promise<WrittenLetters | null> {
  const { store, letters, sealKey, newId } = request
  const first = letters[0]
  if (first === undefined) return null
  const { layer, table, runId, quarantinedAtMs: atMs } = first
  if (letters.some((letter) => letter.layer !== layer || letter.table !== table || letter.runId !== runId)) {
    throw new TypeError('a file of the error lane holds letters of one table and one run')
  }
  const lines = new LetterLines(sealKey)
  for (const letter of letters) lines.add(letter)
  return writeLetterLines({ store, layer, table, runId, atMs, lines: lines.take(), letters: letters.length, newId })
}

export interface LetterLinesRequest extends TableName {
  /** Rooted at `_errors`. */
  readonly store: ObjectStore
  readonly runId: string
  readonly atMs: number
  /** Letters of that table and run, as `LetterLines` gave them. */
  readonly lines: readonly Uint8Array[]
  readonly letters: number
  readonly newId: () => string
}

/** As `writeLetters`, for letters that are lines already; what is large goes out piece by piece. */
export async function writeLetterLines(request: LetterLinesRequest): Promise<WrittenLetters | null> {
  const { store, layer, table, runId, atMs, lines, letters, newId } = request
  if (letters === 0) return null
  const path = letterPath({ layer, table, runId, atMs, id: newId() })
  if (lines.reduce((sum, each) => sum + each.length, 0) <= PUT_BYTES) {
    await store.put(path, Buffer.concat(lines))
    return { path, letters }
  }
  const writer = await store.openWrite(path)
  try {
    for (const each of lines) await writer.write(each)
    await writer.finish()
  } catch (error) {
    await writer.abort().catch(() => undefined)
    throw error
  }
  return { path, letters }
}
