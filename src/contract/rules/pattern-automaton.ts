import { byteClasses, type ByteClasses, type Step } from './pattern-program.ts'

/** Where a search stands: the steps it could be at, and what came before. Built as texts need it. */
interface State {
  readonly steps: readonly number[]
  readonly atStart: boolean
  readonly afterWord: boolean
  /** States after a code point past ASCII. */
  readonly others: Map<number, number>
  ending: boolean | undefined
}

/** States kept; past this many the store is emptied, so that no text makes it grow without bound. */
const MAX_STATES = 500
const MAX_OTHERS = 256
const ASCII = 128
const FOUND = -1
const UNKNOWN = -2
/** Of programs that tell more classes apart no pairs are kept: the table would be large. */
const MOST_CLASS_BITS = 4

/**
 * Finds a program in texts: a deterministic automaton built lazily from the program's sets of steps. Guarantee: at
 * most (steps of the program) × (code points of the text) work, whatever the pattern and the text.
 */
export class PatternAutomaton {
  readonly #program: readonly Step[]
  readonly #ids = new Map<string, number>()
  #states: State[] = []
  /** State × 128 + ASCII code: 128 × the state after it, FOUND or UNKNOWN. */
  #table = new Int32Array(8 * ASCII).fill(UNKNOWN)

  readonly #classes: ByteClasses
  /** State, class and class, each in its bits: the state after two bytes in its place, or UNKNOWN. Empty where none are kept. */
  #pairs = new Int32Array(0)
  /** How often the store was emptied. */
  #emptied = 0

  constructor(program: readonly Step[]) {
    this.#program = program
    this.#classes = byteClasses(program, isWordCharacter)
    this.#begin()
  }

  finds(text: string): boolean {
    let state = 0
    for (let at = 0; at < text.length;) {
      const codePoint = text.codePointAt(at)!
      at += codePoint > 0xffff ? 2 : 1
      state = this.#after(state, codePoint)
      if (state === FOUND) return true
    }
    return this.#findsAtEnd(state)
  }

  /** In UTF-8, which must be valid. */
  findsBytes(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#pairs.length === 0 ? this.#findsSingly(bytes, start, end) : this.#findsByTwo(bytes, start, end)
  }

  /** What comes next waits for one look at a table for every two bytes. */
  #findsByTwo(bytes: Uint8Array, start: number, end: number): boolean {
    const { classes, bits } = this.#classes
    let pairs = this.#pairs
    let row = 0
    for (let at = start; at < end;) {
      if (at + 1 < end) {
        const next = pairs[row | (classes[bytes[at]!]! << bits) | classes[bytes[at + 1]!]!]!
        if (next >= 0) {
          row = next
          at += 2
          continue
        }
      }
      const from = row >> (2 * bits)
      const byte = bytes[at]!
      const emptied = this.#emptied
      const size = byte < ASCII ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
      const middle = this.#after(from, byte < ASCII ? byte : codePointAt(bytes, at, size))
      if (middle === FOUND) return true
      at += size
      if (at < end && byte < ASCII && bytes[at]! < ASCII) {
        const state = this.#after(middle, bytes[at]!)
        if (state === FOUND) return true
        // Where the store was emptied in between, `from` is no state of it.
        if (emptied === this.#emptied) {
          this.#pairs[(from << (2 * bits)) | (classes[byte]! << bits) | classes[bytes[at]!]!] = state << (2 * bits)
        }
        at += 1
        row = state << (2 * bits)
      } else row = middle << (2 * bits)
      pairs = this.#pairs
    }
    return this.#findsAtEnd(row >> (2 * bits))
  }

  #findsSingly(bytes: Uint8Array, start: number, end: number): boolean {
    let table = this.#table
    let row = 0
    for (let at = start; at < end;) {
      const byte = bytes[at]!
      at += 1
      if (byte < ASCII) {
        const next = table[row + byte]!
        if (next >= 0) {
          row = next
          continue
        }
        if (next === FOUND) return true
      }
      const size = byte < ASCII ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
      const state = this.#after(row / ASCII, byte < ASCII ? byte : codePointAt(bytes, at - 1, size))
      at += size - 1
      if (state === FOUND) return true
      row = state * ASCII
      table = this.#table
    }
    return this.#findsAtEnd(row / ASCII)
  }

  #after(state: number, codePoint: number): number {
    if (codePoint >= ASCII) return this.#states[state]!.others.get(codePoint) ?? this.#step(state, codePoint)
    const next = this.#table[state * ASCII + codePoint]!
    return next >= 0 ? next / ASCII : next === FOUND ? FOUND : this.#step(state, codePoint)
  }

  #findsAtEnd(id: number): boolean {
    const state = this.#states[id]!
    state.ending ??= this.#closure(state, true, false) === null
    return state.ending
  }

  /** The state after one code point, or FOUND where the pattern is found before it. */
  #step(from: number, codePoint: number): number {
    const state = this.#states[from]!
    const isWord = isWordCharacter(codePoint)
    const open = this.#closure(state, false, isWord)
    if (open === null) return this.#note({ from, state, codePoint, reached: FOUND })
    const next = new Set<number>()
    for (const at of open) {
      const step = this.#program[at]!
      if (step.kind === 'one' && step.test(codePoint)) next.add(step.next)
    }
    // A search may begin at every position.
    next.add(0)
    const steps = [...next].sort((a, b) => a - b)
    return this.#note({ from, state, codePoint, reached: this.#idOf(steps, false, isWord) })
  }

  /** Nothing is noted where the store was emptied in between. */
  #note({
    from,
    state,
    codePoint,
    reached,
  }: {
    from: number
    state: State
    codePoint: number
    reached: number
  }): number {
    if (this.#states[from] !== state) return reached
    if (codePoint < ASCII) this.#table[from * ASCII + codePoint] = reached === FOUND ? FOUND : reached * ASCII
    else if (state.others.size < MAX_OTHERS) state.others.set(codePoint, reached)
    return reached
  }

  /** Every step reachable without taking a code point; null where the match is among them. */
  #closure(state: State, atEnd: boolean, beforeWord: boolean): number[] | null {
    const seen = new Set<number>()
    const open: number[] = []
    const pending = [...state.steps]
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      if (seen.has(at)) continue
      seen.add(at)
      const step = this.#program[at]!
      switch (step.kind) {
        case 'match':
          return null
        case 'one':
          open.push(at)
          break
        case 'split':
          pending.push(step.next, step.other)
          break
        case 'assert': {
          const boundary = state.afterWord !== beforeWord
          const holds = { start: state.atStart, end: atEnd, word: boundary, 'not-word': !boundary }[step.what]
          if (holds) pending.push(step.next)
        }
      }
    }
    return open
  }

  /** State 0 is where every search begins. */
  #begin(): void {
    this.#ids.clear()
    this.#states = []
    this.#table.fill(UNKNOWN)
    this.#pairs.fill(UNKNOWN)
    this.#emptied += 1
    this.#idOf([0], true, false)
  }

  #idOf(steps: readonly number[], atStart: boolean, afterWord: boolean): number {
    const key = `${atStart ? 1 : 0}${afterWord ? 1 : 0}${steps.join(',')}`
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    if (this.#states.length >= MAX_STATES) this.#begin()
    const id = this.#states.length
    if ((id + 1) * ASCII > this.#table.length) {
      const wider = new Int32Array(this.#table.length * 2).fill(UNKNOWN)
      wider.set(this.#table)
      this.#table = wider
    }
    const { bits } = this.#classes
    if (bits <= MOST_CLASS_BITS && (id + 1) << (2 * bits) > this.#pairs.length) {
      const wider = new Int32Array(Math.max(this.#pairs.length * 2, 4 << (2 * bits))).fill(UNKNOWN)
      wider.set(this.#pairs)
      this.#pairs = wider
    }
    this.#states.push({ steps, atStart, afterWord, others: new Map(), ending: undefined })
    this.#ids.set(key, id)
    return id
  }
}

/** Of a sequence of `size` bytes, more than one. */
function codePointAt(bytes: Uint8Array, at: number, size: number): number {
  let codePoint = bytes[at]! & (0x7f >> size)
  for (let i = 1; i < size; i += 1) codePoint = (codePoint << 6) | (bytes[at + i]! & 0x3f)
  return codePoint
}

/** `\w` without the flags that widen it. */
function isWordCharacter(codePoint: number): boolean {
  return (
    (codePoint >= 48 && codePoint <= 57) ||
    (codePoint >= 65 && codePoint <= 90) ||
    codePoint === 95 ||
    (codePoint >= 97 && codePoint <= 122)
  )
}
