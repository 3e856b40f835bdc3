import type { ContractPlace } from '../invalid.ts'
import { invalidContract } from '../invalid.ts'
import { compilePattern } from './pattern.ts'
import { parsePattern, PatternFault, type PatternNode } from './pattern-syntax.ts'

export interface PortablePattern {
  /** The same pattern in the part of the language that RE2 and Java share. */
  readonly source: string
  readonly findsEmpty: boolean
}

/** RE2 repeats no more often. */
const MAX_REPEAT = 1000
const SPACE =
  '\\t\\n\\x0b\\f\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}'
const LINE_ENDS = '\\n\\r\\x{2028}\\x{2029}'
const CLASSES: Readonly<Record<string, string>> = { d: '0-9', w: '0-9A-Za-z_', s: SPACE }

/**
 * A pattern of the contract's dialect for the engines' regular expressions, which read classes, ends and escapes
 * otherwise: every one of them is written out. Throws CONTRACT_INVALID for what contracts do not take, and for the few
 * things that engines cannot have alike.
 */
export function portablePattern(source: string, place: ContractPlace): PortablePattern {
  const compiled = compilePattern(source, place)
  try {
    return { source: write(parsePattern(source)), findsEmpty: compiled.test('') }
  } catch (error) {
    if (error instanceof PatternFault)
      throw invalidContract(place, `pattern ${source} uses ${error.message}, which engines do not have alike`)
    throw error
  }
}

function write(node: PatternNode): string {
  switch (node.kind) {
    case 'empty':
      return '(?:)'
    case 'one':
      return writeOne(node.source)
    case 'assert':
      return { start: '\\A', end: '\\z', word: '\\b', 'not-word': '\\B' }[node.what]
    case 'seq':
      return node.parts.map(write).join('')
    case 'alt':
      return `(?:${node.parts.map(write).join('|')})`
    case 'repeat': {
      const { min, max } = node
      if (min > MAX_REPEAT || (Number.isFinite(max) && max > MAX_REPEAT)) {
        throw new PatternFault(`a repeat of more than ${MAX_REPEAT}`)
      }
      return `(?:${write(node.part)}){${min},${Number.isFinite(max) ? max : ''}}`
    }
  }
}

/** Source of one code point's worth: a class, an escape, a dot or a letter. */
function writeOne(source: string): string {
  if (source === '.') return `[^${LINE_ENDS}]`
  if (source.startsWith('[')) return writeClass(source)
  const word = /^\\([dwsDWS])$/.exec(source)?.[1]
  if (word !== undefined) {
    return `[${word === word.toUpperCase() ? '^' : ''}${CLASSES[word.toLowerCase()]!}]`
  }
  return atomOf(source)
}

function writeClass(source: string): string {
  const negated = source.startsWith('[^')
  const body = source.slice(negated ? 2 : 1, -1)
  if (body === '') return negated ? '(?s:.)' : '[^\\x{0}-\\x{10ffff}]'
  const parts =
    body.match(
      /\\(?:u\{[^}]*\}|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[A-Za-z]|[pP]\{[^}]*\}|[^])|[^]/gu,
    ) ?? []
  const written = parts.map((part, at) => {
    if (part === '-' && at > 0 && at < parts.length - 1) return '-'
    const word = /^\\([dwsDWS])$/.exec(part)?.[1]
    if (word === undefined) return part === '\\b' ? '\\x{8}' : atomOf(part)
    if (word === word.toUpperCase()) throw new PatternFault(`${part} inside [ ]`)
    return CLASSES[word]!
  })
  return `[${negated ? '^' : ''}${written.join('')}]`
}

const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, '0': 0 }

/** One code point, by its number unless it is a letter, a digit or beyond ASCII: no engine reads anything into it. */
function atomOf(source: string): string {
  const property = /^\\([pP])\{([A-Z][a-z]?)\}$/.exec(source)
  if (property !== null) return `\\${property[1]!}{${property[2]!}}`
  if (/^\\[pP]/.test(source)) throw new PatternFault(`${source} (only general categories such as \\p{L})`)
  return `\\x{${codePointOf(source).toString(16)}}`.replace(
    /^\\x\{(3[0-9]|[46][1-9a-f]|[57][0-9a])\}$/,
    (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

function codePointOf(source: string): number {
  if (!source.startsWith('\\')) return source.codePointAt(0)!
  const rest = source.slice(1)
  const pair = /^u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})$/.exec(rest)
  if (pair !== null) {
    return String.fromCharCode(Number.parseInt(pair[1]!, 16), Number.parseInt(pair[2]!, 16)).codePointAt(0)!
  }
  const hex = /^(?:u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))$/.exec(rest)
  if (hex !== null) return Number.parseInt(hex[1] ?? hex[2] ?? hex[3]!, 16)
  const control = /^c([A-Za-z])$/.exec(rest)
  if (control !== null) return control[1]!.charCodeAt(0) % 32
  return CONTROLS[rest] ?? rest.codePointAt(0)!
}
