import { invalidContract, type ContractPlace } from '../invalid.ts'
import { PatternAutomaton } from './pattern-automaton.ts'
import { compileProgram } from './pattern-program.ts'
import { parsePattern, PatternFault } from './pattern-syntax.ts'

export interface Pattern {
  /** True where the pattern is found anywhere in the text, as JSON Schema has it. */
  readonly test: (text: string) => boolean
  /** The same for text in UTF-8, which must be valid. */
  readonly testBytes: (bytes: Uint8Array, start: number, end: number) => boolean
}

const MAX_CHARACTERS = 2000

/**
 * A pattern of a contract: ECMAScript's syntax with flag `u`, without look-around and back-references. Patterns come
 * from outside, so they run on an automaton whose work is bounded by pattern size times text length: none can hang a
 * lane. Not guaranteed: speed beyond that bound, and patterns whose counted repeats make them very large are refused.
 */
export function compilePattern(source: string, place: ContractPlace): Pattern {
  if (source.length > MAX_CHARACTERS)
    throw invalidContract(place, `pattern is longer than ${MAX_CHARACTERS} characters`)
  try {
    void new RegExp(source, 'u')
  } catch (error) {
    throw invalidContract(place, `pattern is no regular expression: ${source}`, error)
  }
  try {
    const automaton = new PatternAutomaton(compileProgram(parsePattern(source)))
    return {
      test: (text) => automaton.finds(text),
      testBytes: (bytes, start, end) => automaton.findsBytes(bytes, start, end),
    }
  } catch (error) {
    if (error instanceof PatternFault)
      throw invalidContract(place, `pattern ${source} uses ${error.message}, which contracts do not take`)
    throw error
  }
}
