import type { Step } from './pattern-program.ts'

/** Where a search stands: the steps it could be at, and what came before. Built as texts need it. */
interface State {
  readonly steps: readonly number[]
  readonly atStart: boolean
  readonly afterWord: boolean
  readonly ascii: (State | null | undefined)[]
  readonly others: Map<number, State | null>
  ending: boolean | undefined
}

/** States kept; past this many the store is emptied, so that no text makes it grow without bound. */
const MAX_STATES = 500
const MAX_OTHERS = 256

/**
 * Finds a program in texts: a deterministic automaton built lazily from the program's sets of steps. Guarantee: at
 * most (steps of the program) × (code points of the text) work, whatever the pattern and the text.
 */
export class PatternAutomaton {
  readonly #program: readonly Step[]
  readonly #states = new Map<string, State>()
  #first: State

  constructor(program: readonly Step[]) {
    this.#program = program
    this.#first = this.#stateOf([0], true, false)
  }

  finds(text: string): boolean {
    let state = this.#first
    for (let at = 0; at < text.length;) {
      const codePoint = text.codePointAt(at)!
      at += codePoint > 0xffff ? 2 : 1
      const next = codePoint < 128 ? state.ascii[codePoint] : state.others.get(codePoint)
      const reached = next === undefined ? this.#step(state, codePoint) : next
      if (reached === null) return true
      state = reached
    }
    state.ending ??= this.#closure(state, true, false) === null
    return state.ending
  }

  /** The state after one code point, or null where the pattern is found before it. */
  #step(state: State, codePoint: number): State | null {
    const isWord = isWordCharacter(codePoint)
    const open = this.#closure(state, false, isWord)
    let reached: State | null = null
    if (open !== null) {
      const next = new Set<number>()
      for (const at of open) {
        const step = this.#program[at]!
        if (step.kind === 'one' && step.test(codePoint)) next.add(step.next)
      }
      // A search may begin at every position.
      next.add(0)
      reached = this.#stateOf(
        [...next].sort((a, b) => a - b),
        false,
        isWord,
      )
    }
    if (codePoint < 128) state.ascii[codePoint] = reached
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

  #stateOf(steps: readonly number[], atStart: boolean, afterWord: boolean): State {
    const key = `${atStart ? 1 : 0}${afterWord ? 1 : 0}${steps.join(',')}`
    const known = this.#states.get(key)
    if (known !== undefined) return known
    if (this.#states.size >= MAX_STATES) {
      this.#states.clear()
      this.#first = { ...this.#first, ascii: [], others: new Map() }
    }
    const state: State = { steps, atStart, afterWord, ascii: [], others: new Map(), ending: undefined }
    this.#states.set(key, state)
    return state
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
