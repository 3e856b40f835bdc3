import { formatJson } from './frame/format-json.ts'

/** Where a verb's words go. stdout: its result. stderr: progress and, for people, errors. */
export interface Streams {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** Resolves once more can be written to stdout without its piling up; false where nobody reads any more. */
  readonly ready?: () => Promise<boolean>
  /** stderr is a terminal: progress may redraw one line. */
  readonly terminal: boolean
  readonly columns: number
}

/** A document that comes in parts is held back up to here, so that an error may still take its place. */
const HELD_LENGTH = 64 * 1024

/**
 * Guarantee: under `--json` nothing but the verb's document (or its lines) reaches stdout, and a document only once
 * the verb's end is known, because an error may take its place. A document in parts that is longer than what is held
 * goes out before that: an error then leaves it unfinished, and is told on stderr.
 */
export class Printer {
  readonly #streams: Streams
  readonly #json: boolean
  #document: string | null = null
  #parts = ''
  #begun = false
  #drawn = 0

  constructor(streams: Streams, json: boolean) {
    this.#streams = streams
    this.#json = json
  }

  /** The verb's own form: `value` under `--json`, else `text`. Once a call. */
  result(value: unknown, text: string | (() => string)): void {
    if (this.#json) this.#document = formatJson(value)
    else this.text(typeof text === 'string' ? text : text())
  }

  /**
   * A part of the verb's own document under `--json`, in place of `result`. Waits for the reader; false where nobody
   * reads any more. The document is whole once `endParts` was called.
   */
  async part(text: string): Promise<boolean> {
    this.#parts += text
    if (this.#parts.length < HELD_LENGTH) return true
    const held = this.#parts
    this.#parts = ''
    this.#begun = true
    return this.piece(held)
  }

  endParts(): void {
    this.#document = this.#parts
    this.#parts = ''
  }

  /** Some of the document is out: no error can take its place any more. */
  get begun(): boolean {
    return this.#begun
  }

  /** For streams: one JSON object a line, or a line of text. */
  line(value: unknown, text: string | (() => string)): void {
    this.#clear()
    this.#streams.out(`${this.#json ? formatJson(value) : typeof text === 'string' ? text : text()}\n`)
  }

  /** Words for people on stdout; nothing under `--json`. */
  text(text: string): void {
    if (this.#json) return
    this.#clear()
    if (text !== '') this.#streams.out(text.endsWith('\n') ? text : `${text}\n`)
  }

  /** A part of a long result that is no JSON; waits for the reader. False: nobody reads any more. */
  async piece(text: string): Promise<boolean> {
    this.#clear()
    this.#streams.out(text)
    return (await this.#streams.ready?.()) ?? true
  }

  /** A step of long work: a plain line on stderr. */
  step(text: string): void {
    this.#clear()
    this.#streams.err(`${text}\n`)
  }

  /** How far long work is: redrawn in place on a terminal, silent elsewhere (`step` tells the milestones). */
  bar(label: string, done: number, total: number): void {
    if (!this.#streams.terminal || total <= 0) return
    const part = Math.min(1, Math.max(0, done / total))
    const width = 24
    const filled = Math.round(part * width)
    const line = `${label} [${'#'.repeat(filled)}${'.'.repeat(width - filled)}] ${Math.floor(part * 100)}%`
    const shown = line.slice(0, Math.max(20, this.#streams.columns - 1))
    this.#streams.err(`\r${shown.padEnd(this.#drawn)}`)
    this.#drawn = shown.length
  }

  /** For the frame: words on stderr that a bar must not run into. */
  error(text: string): void {
    this.#clear()
    this.#streams.err(text)
  }

  /** For the frame: writes the held document, or `instead` in its place. */
  end(instead: unknown): void {
    this.#clear()
    if (!this.#json) return
    if (this.#begun && instead !== undefined) return
    const document = instead === undefined ? this.#document : formatJson(instead)
    if (document !== null) this.#streams.out(`${document}\n`)
  }

  #clear(): void {
    if (this.#drawn === 0) return
    this.#streams.err(`\r${' '.repeat(this.#drawn)}\r`)
    this.#drawn = 0
  }
}
