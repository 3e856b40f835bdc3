import { invalidContract, type ContractPlace } from '../invalid.ts'

export interface Pattern {
  /** True where the pattern is found anywhere in the text, as JSON Schema has it. */
  test(text: string): boolean
}

export function compilePattern(source: string, place: ContractPlace): Pattern {
  if (/\(\?<?[=!]/.test(source)) throw invalidContract(place, 'pattern uses look-around, which contracts do not have')
  if (/\\([1-9]|k<)/.test(source))
    throw invalidContract(place, 'pattern uses a back-reference, which contracts do not have')
  try {
    return new RegExp(source, 'u')
  } catch (error) {
    throw invalidContract(place, `pattern is no regular expression: ${source}`, error)
  }
}
