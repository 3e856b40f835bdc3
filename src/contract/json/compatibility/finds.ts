import { SluiceError } from '../../../domain/errors.ts'
import { compilePattern } from '../../rules/pattern.ts'

/** True where the pattern is found in the text; a pattern that contracts do not take is found nowhere. */
export function finds(pattern: string, text: string): boolean {
  try {
    return compilePattern(pattern, { subject: '', path: '' }).test(text)
  } catch (error) {
    if (error instanceof SluiceError) return false
    throw error
  }
}
