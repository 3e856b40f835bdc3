import { PatternFault, type PatternNode } from './pattern-syntax.ts'

/** A nondeterministic automaton (Thompson's): each step takes one code point, or none. */
export type Step =
  | { readonly kind: 'one'; readonly test: CodePointTest; next: number }
  | { readonly kind: 'split'; next: number; other: number }
  | { readonly kind: 'assert'; readonly what: 'start' | 'end' | 'word' | 'not-word'; next: number }
  | { readonly kind: 'match' }

export type CodePointTest = (codePoint: number) => boolean

/** Bounds the work a code point and the memory a pattern: counted repeats are written out. */
const MAX_STEPS = 2000

/** Step 0 is where the program begins. */
export function compileProgram(node: PatternNode): readonly Step[] {
  const steps: Step[] = []
  const tests = new Map<string, CodePointTest>()

  const emit = (step: Step): number => {
    if (steps.length >= MAX_STEPS) throw new PatternFault(`repeats that make it larger than ${MAX_STEPS} steps`)
    steps.push(step)
    return steps.length - 1
  }
  const write = (part: PatternNode): void => {
    switch (part.kind) {
      case 'empty':
        return
      case 'one': {
        const test = tests.get(part.source) ?? codePointTest(part.source)
        tests.set(part.source, test)
        emit({ kind: 'one', test, next: steps.length + 1 })
        return
      }
      case 'assert':
        emit({ kind: 'assert', what: part.what, next: steps.length + 1 })
        return
      case 'seq':
        part.parts.forEach(write)
        return
      case 'alt':
        writeAlternatives(part.parts)
        return
      case 'repeat':
        writeRepeat(part.part, part.min, part.max)
    }
  }
  const writeAlternatives = (parts: readonly PatternNode[]): void => {
    const jumps: { kind: 'split'; next: number; other: number }[] = []
    parts.forEach((part, i) => {
      const fork = i < parts.length - 1 ? { kind: 'split' as const, next: steps.length + 1, other: 0 } : null
      if (fork !== null) emit(fork)
      write(part)
      if (fork !== null) {
        const jump = { kind: 'split' as const, next: 0, other: 0 }
        emit(jump)
        jumps.push(jump)
        fork.other = steps.length
      }
    })
    for (const jump of jumps) jump.next = jump.other = steps.length
  }
  const writeRepeat = (part: PatternNode, min: number, max: number): void => {
    // A part that takes nothing can be repeated for ever without a step of work being bounded by `emit`.
    const before = steps.length
    for (let i = 0; i < min; i += 1) {
      write(part)
      if (steps.length === before) return
    }
    if (max === Number.POSITIVE_INFINITY) {
      const fork = { kind: 'split' as const, next: steps.length + 1, other: 0 }
      const at = emit(fork)
      write(part)
      emit({ kind: 'split', next: at, other: at })
      fork.other = steps.length
      return
    }
    const forks: { kind: 'split'; next: number; other: number }[] = []
    for (let i = min; i < max; i += 1) {
      const fork = { kind: 'split' as const, next: steps.length + 1, other: 0 }
      emit(fork)
      forks.push(fork)
      const size = steps.length
      write(part)
      if (steps.length === size) break
    }
    for (const fork of forks) fork.other = steps.length
  }

  write(node)
  emit({ kind: 'match' })
  return steps
}

/** One code point by the platform's engine, which cannot backtrack over one; ASCII answers are kept. */
function codePointTest(source: string): CodePointTest {
  const regExp = new RegExp(`^${source}$`, 'u')
  const ascii = new Int8Array(128)
  return (codePoint) => {
    if (codePoint >= 128) return regExp.test(String.fromCodePoint(codePoint))
    if (ascii[codePoint] === 0) ascii[codePoint] = regExp.test(String.fromCodePoint(codePoint)) ? 1 : -1
    return ascii[codePoint] === 1
  }
}

/** ASCII codes that no step of a program tells apart, by class. */
export interface ByteClasses {
  /** By byte; all that are not ASCII are of a class of their own. */
  readonly classes: Uint8Array
  /** Bits that a class takes. */
  readonly bits: number
}

const ASCII = 128

export function byteClasses(program: readonly Step[], isWord: (code: number) => boolean): ByteClasses {
  const tests = new Set(program.flatMap((step) => (step.kind === 'one' ? [step.test] : [])))
  const known = new Map<string, number>()
  const classes = new Uint8Array(256)
  for (let code = 0; code < ASCII; code += 1) {
    const answers = [isWord, ...tests].map((test) => (test(code) ? 1 : 0)).join('')
    if (!known.has(answers)) known.set(answers, known.size)
    classes[code] = known.get(answers)!
  }
  classes.fill(known.size, ASCII)
  return { classes, bits: 32 - Math.clz32(known.size) }
}
