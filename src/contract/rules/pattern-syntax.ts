/**
 * The regular part of ECMAScript's regular expressions (flag `u`), as a tree. Only the structure is read here: one
 * character's worth (a class, an escape, a letter) stays source text, which the platform's own engine then judges for
 * single code points.
 */
export type PatternNode =
  | { readonly kind: 'empty' }
  /** Source of something that matches one code point. */
  | { readonly kind: 'one'; readonly source: string }
  | { readonly kind: 'assert'; readonly what: 'start' | 'end' | 'word' | 'not-word' }
  | { readonly kind: 'seq' | 'alt'; readonly parts: readonly PatternNode[] }
  | { readonly kind: 'repeat'; readonly part: PatternNode; readonly min: number; readonly max: number }

/** What a pattern uses that is not regular, in words for the refusal. */
export class PatternFault extends Error {}

const MAX_DEPTH = 100

/** The source must have been accepted by `new RegExp(source, 'u')`. */
export function parsePattern(source: string): PatternNode {
  const reader = new PatternReader(source)
  return reader.readAlternatives(0)
}

class PatternReader {
  readonly #source: string
  #at = 0

  constructor(source: string) {
    this.#source = source
  }

  readAlternatives(depth: number): PatternNode {
    if (depth > MAX_DEPTH) throw new PatternFault(`groups nested deeper than ${MAX_DEPTH}`)
    const parts = [this.#readSequence(depth)]
    while (this.#take('|')) parts.push(this.#readSequence(depth))
    return parts.length === 1 ? parts[0]! : { kind: 'alt', parts }
  }

  #readSequence(depth: number): PatternNode {
    const parts: PatternNode[] = []
    while (this.#at < this.#source.length && !this.#sees('|') && !this.#sees(')')) {
      parts.push(this.#readQuantified(this.#readAtom(depth)))
    }
    return parts.length === 0 ? { kind: 'empty' } : parts.length === 1 ? parts[0]! : { kind: 'seq', parts }
  }

  #readAtom(depth: number): PatternNode {
    if (this.#take('^')) return { kind: 'assert', what: 'start' }
    if (this.#take('$')) return { kind: 'assert', what: 'end' }
    if (this.#take('\\b')) return { kind: 'assert', what: 'word' }
    if (this.#take('\\B')) return { kind: 'assert', what: 'not-word' }
    if (this.#sees('(')) return this.#readGroup(depth)
    return { kind: 'one', source: this.#sees('[') ? this.#readClass() : this.#readCharacter() }
  }

  #readGroup(depth: number): PatternNode {
    const opening = /^\((\?:|\?<[^=!>]+>|\?)?/.exec(this.#source.slice(this.#at))!
    if (opening[1] === '?') {
      const look = /^\(\?<?[=!]/.test(this.#source.slice(this.#at))
      throw new PatternFault(look ? 'look-around' : 'modifiers')
    }
    this.#at += opening[0].length
    const inner = this.readAlternatives(depth + 1)
    this.#take(')')
    return inner
  }

  #readClass(): string {
    const start = this.#at
    this.#at += 1
    while (!this.#sees(']')) this.#at += this.#sees('\\') ? 2 : 1
    this.#at += 1
    return this.#source.slice(start, this.#at)
  }

  #readCharacter(): string {
    const start = this.#at
    if (!this.#sees('\\')) {
      this.#at += String.fromCodePoint(this.#source.codePointAt(start)!).length
      return this.#source.slice(start, this.#at)
    }
    const rest = this.#source.slice(start)
    if (/^\\(?:[1-9]|k<)/.test(rest)) throw new PatternFault('a back-reference')
    const escape =
      /^\\(?:u\{[^}]*\}|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[A-Za-z]|[pP]\{[^}]*\}|[^])/.exec(
        rest,
      )!
    this.#at += escape[0].length
    return escape[0]
  }

  #readQuantified(part: PatternNode): PatternNode {
    const found = /^(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})\??/.exec(this.#source.slice(this.#at))
    if (found === null) return part
    this.#at += found[0].length
    const [, sign, low, comma, high] = found
    if (sign !== undefined)
      return { kind: 'repeat', part, min: sign === '+' ? 1 : 0, max: sign === '?' ? 1 : Number.POSITIVE_INFINITY }
    const min = Number(low)
    const max = comma === undefined ? min : high === '' ? Number.POSITIVE_INFINITY : Number(high)
    return { kind: 'repeat', part, min, max }
  }

  #sees(text: string): boolean {
    return this.#source.startsWith(text, this.#at)
  }

  #take(text: string): boolean {
    const seen = this.#sees(text)
    if (seen) this.#at += text.length
    return seen
  }
}
