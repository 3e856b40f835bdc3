import type { Step } from './pattern-program.ts'

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

/**
 * Finds a program in texts: a deterministic automaton built lazily from the program's sets of steps. Guarantee: at
 * most (steps of the program) × (code points of the text) work, whatever the pattern and the text.
 */
export class PatternAutomaton {
  readonly #program: readonly Step[]
  readonly #ids = new Map<string, number>()
  #states: State[] = []
  /** State × 128 + ASCII code: the state after it, FOUND or UNKNOWN. */
  #table = new Int16Array(8 * ASCII)

  constructor(program: readonly Step[]) {
    this.#program = program
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
    let table = this.#table
    let state = 0
    for (let at = start; at < end;) {
      const byte = bytes[at]!
      if (byte < ASCII) {
        at += 1
        const next = table[state * ASCII + byte]!
        if (next >= 0) {
          state = next
          continue
        }
        state = next === FOUND ? FOUND : this.#step(state, byte)
      } else {
        const size = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
        let codePoint = byte & (0xff >> (size + 1))
        for (let i = 1; i < size; i += 1) codePoint = (codePoint << 6) | (bytes[at + i]! & 0x3f)
        at += size
        state = this.#after(state, codePoint)
      }
      if (state === FOUND) return true
      table = this.#table
    }
    return this.#findsAtEnd(state)
  }

  #after(state: number, codePoint: number): number {
    const next =
      codePoint < ASCII ? this.#table[state * ASCII + codePoint]! : this.#states[state]!.others.get(codePoint)
    return next === undefined || next === UNKNOWN ? this.#step(state, codePoint) : next
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
    if (codePoint < ASCII) this.#table[from * ASCII + codePoint] = reached
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
    this.#idOf([0], true, false)
  }

  #idOf(steps: readonly number[], atStart: boolean, afterWord: boolean): number {
    const key = `${atStart ? 1 : 0}${afterWord ? 1 : 0}${steps.join(',')}`
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    if (this.#states.length >= MAX_STATES) this.#begin()
    const id = this.#states.length
    if ((id + 1) * ASCII > this.#table.length) {
      const wider = new Int16Array(this.#table.length * 2).fill(UNKNOWN)
      wider.set(this.#table)
      this.#table = wider
    }
    this.#states.push({ steps, atStart, afterWord, others: new Map(), ending: undefined })
    this.#ids.set(key, id)
    return id
  }
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
