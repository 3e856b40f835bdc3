import type { DeadLetter } from '../domain/dead-letter.ts'
import type { TableName } from '../domain/identifier.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { lineWriter } from './lane-record.ts'
import { letterPath } from './lane-path.ts'

/** Up to here one copy more is cheaper than a stream. */
const PUT_BYTES = 8 * 1024 * 1024

const FIRST_BYTES = 64 * 1024
/** Lines are handed over in pieces of about so many bytes. */
const PIECE_BYTES = 1024 * 1024

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

/** Letters as whole lines of the ledger's form, put together one at a time. */
export class LetterLines {
  readonly #line: (letter: DeadLetter) => string
  #out = Buffer.alloc(0)
  #at = 0
  #pieces: Uint8Array[] = []

  constructor(sealKey: string | null) {
    this.#line = lineWriter(sealKey)
  }

  /** Keeps nothing of the letter. Throws SEAL_KEY_MISSING. */
  add(letter: DeadLetter): void {
    const text = this.#line(letter)
    // A code unit takes three bytes at most.
    const needed = text.length * 3
    if (this.#at > PIECE_BYTES) this.#cut()
    if (this.#at + needed > this.#out.length) {
      const size = Math.max(FIRST_BYTES, (this.#at + needed) * 2)
      this.#out = Buffer.concat([this.#out.subarray(0, this.#at)], size)
    }
    this.#at += this.#out.write(text, this.#at)
  }

  /** Every line added so far, in order. */
  take(): Uint8Array[] {
    if (this.#at > 0) this.#cut()
    const pieces = this.#pieces
    this.#pieces = []
    return pieces
  }

  #cut(): void {
    // A copy of its size: what is held must not be more than what is counted.
    this.#pieces.push(new Uint8Array(this.#out.subarray(0, this.#at)))
    this.#at = 0
  }
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
