import type { DeadLetter, JsonValue, UnshownLetter } from '../../domain/dead-letter.ts'
import { JsonBytes } from '../../domain/json-bytes.ts'
import { storedLetter, type LetterCopies } from '../copies/copy-writer.ts'
import { toLaneRecord } from '../lane-record.ts'
import { lineWriter } from './line-writer.ts'

/** Lines are handed over in pieces of about so many bytes. */
const PIECE_BYTES = 1024 * 1024

/** Letters as whole lines of the ledger's form, put together one at a time, and as copies for the error topic where asked. */
export class LetterLines {
  readonly #sealKey: string | null
  readonly #copies: LetterCopies | null
  readonly #line = lineWriter()
  readonly #out = new JsonBytes()
  #pieces: Uint8Array[] = []

  constructor(sealKey: string | null, copies: LetterCopies | null = null) {
    this.#sealKey = sealKey
    this.#copies = copies
  }

  /** Keeps nothing of the letter. Throws SEAL_KEY_MISSING, with nothing added. */
  add(letter: DeadLetter): void {
    this.addTold(letter, Buffer.from(JSON.stringify(letter.record)))
  }

  /** The same of a letter whose record is JSON already. */
  addTold(letter: UnshownLetter, recordJson: Uint8Array): void {
    if (this.#out.length > PIECE_BYTES) this.#cut()
    // Seals are the ledger's own matter, and places of other kinds are few.
    if (letter.sealed || letter.log === null || letter.source !== null) {
      const record = JSON.parse(Buffer.from(recordJson).toString('utf8')) as JsonValue
      const line = toLaneRecord({ ...letter, record }, this.#sealKey)
      this.#out.text(`${JSON.stringify(line)}\n`)
      this.#copies?.add(storedLetter(line), JSON.stringify(line.errors))
      return
    }
    const errorsJson = JSON.stringify(letter.errors)
    this.#line(this.#out, letter, { recordJson, errorsJson })
    this.#copies?.add(letter, errorsJson)
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
