import type { DeadLetter, UnshownLetter } from '../../domain/dead-letter.ts'
import { JsonBytes } from '../../domain/json-bytes.ts'
import { lineWriter, type LineWriter } from './line-writer.ts'

/** Lines are handed over in pieces of about so many bytes. */
const PIECE_BYTES = 1024 * 1024

/** Letters as whole lines of the ledger's form, put together one at a time. */
export class LetterLines {
  readonly #line: LineWriter
  readonly #out = new JsonBytes()
  #pieces: Uint8Array[] = []

  constructor(sealKey: string | null) {
    this.#line = lineWriter(sealKey)
  }

  /** Keeps nothing of the letter. Throws SEAL_KEY_MISSING. */
  add(letter: DeadLetter): void {
    this.addTold(letter, Buffer.from(JSON.stringify(letter.record)))
  }

  /** The same of a letter whose record is JSON already. */
  addTold(letter: UnshownLetter, recordJson: Uint8Array): void {
    if (this.#out.length > PIECE_BYTES) this.#cut()
    this.#line(this.#out, letter, recordJson)
  }

  /** Every line added so far, in order. */
  take(): Uint8Array[] {
    if (this.#out.length > 0) this.#cut()
    const pieces = this.#pieces
    this.#pieces = []
    return pieces
  }

  #cut(): void {
    // A copy of its size: what is held must not be more than what is counted.
    this.#pieces.push(new Uint8Array(this.#out.view()))
    this.#out.clear()
  }
}
