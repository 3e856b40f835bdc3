import type { DeadLetter } from '../domain/dead-letter.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { toLaneRecord } from './lane-record.ts'
import { letterPath } from './lane-path.ts'

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
  const lines: Uint8Array[] = []
  for (const letter of letters) {
    if (letter.layer !== first.layer || letter.table !== first.table || letter.runId !== first.runId) {
      throw new TypeError('a file of the error lane holds letters of one table and one run')
    }
    lines.push(Buffer.from(`${JSON.stringify(toLaneRecord(letter, sealKey))}\n`, 'utf8'))
  }
  const { layer, table, runId } = first
  const path = letterPath({ layer, table, runId, atMs: first.quarantinedAtMs, id: newId() })
  await store.put(path, Buffer.concat(lines))
  return { path, letters: letters.length }
}
