import type { Printer } from './printer.ts'

/** A JSON document around lists of any length, written as it comes: no more of it is held than a piece. */
export class JsonList {
  readonly #print: Printer
  #isFirst = true

  constructor(print: Printer) {
    this.#print = print
  }

  /** What stands before a list's items, with its bracket; and, after the last one, what ends the document. */
  text(text: string): Promise<boolean> {
    this.#isFirst = true
    return this.#print.part(text)
  }

  /** JSON texts of items. False: nobody reads any more. */
  add(items: readonly string[]): Promise<boolean> {
    if (items.length === 0) return this.#print.part('')
    const text = `${this.#isFirst ? '' : ','}${items.join(',')}`
    this.#isFirst = false
    return this.#print.part(text)
  }
}
