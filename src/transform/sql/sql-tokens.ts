import { SluiceError } from '../../domain/errors.ts'

/** A piece of a SQL text. All tokens together, `space` included, are the text. */
export interface SqlToken {
  readonly kind: 'word' | 'number' | 'text' | 'symbol' | 'space'
  /** As written; a comment is a `space`. */
  readonly text: string
  /** 1-based. */
  readonly line: number
}

const PIECES =
  /(?<space>\s+|--[^\n]*|\/\*[\s\S]*?\*\/)|(?<text>'(?:[^']|'')*')|(?<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|(?<word>[\p{L}_][\p{L}\p{N}_]*)|(?<symbol>[\s\S])/guy

/**
 * Splits SQL of the portable dialect. What engines read differently is refused rather than guessed at: quoted
 * identifiers (a text on Spark), backslashes in texts (an escape on Spark), prefixed and dollar-quoted texts,
 * comments within comments, parameters.
 */
export function readTokens(sql: string, file: string): readonly SqlToken[] {
  const tokens: SqlToken[] = []
  let line = 1
  for (const match of sql.matchAll(PIECES)) {
    const groups = match.groups ?? {}
    const [text] = match
    const kind = (['space', 'text', 'number', 'word', 'symbol'] as const).find((name) => groups[name] !== undefined)
    const before = tokens.at(-1)
    const problem = problemOf(kind ?? 'symbol', text, before)
    if (problem !== null) throw new SluiceError('MODEL_INVALID', problem, { where: { file, line } })
    tokens.push({ kind: kind ?? 'symbol', text, line })
    line += text.split('\n').length - 1
  }
  return tokens
}

function problemOf(kind: SqlToken['kind'], text: string, before: SqlToken | undefined): string | null {
  if (kind === 'text') {
    if (text.includes('\\')) return 'a text holds a backslash, which engines read differently; write chr(92)'
    if (before?.kind === 'text') return 'two texts stand side by side'
    if (before?.kind === 'word' && /^([ebrnx]|u)$/i.test(before.text)) {
      return `a text with the prefix ${before.text} is not portable`
    }
    return null
  }
  if (kind === 'space' && text.startsWith('/*') && text.slice(2).includes('/*')) {
    return 'a comment stands within a comment'
  }
  if (kind !== 'symbol') return null
  if (text === '"' || text === '`') {
    return 'quoted identifiers mean different things to engines; a column that is a word of SQL is read by its table: o.order as order_no'
  }
  if (text === "'") return 'a text is not closed'
  if (text === ';') return 'a model is one SELECT without ";"'
  if (text === '$' || text === '?' || text === '@' || text === '#') return `${text} is not allowed in a model`
  if (text === '*' && before?.kind === 'symbol' && before.text === '/') return 'a comment is not closed'
  if (text === '\\') return 'a backslash is not allowed in a model'
  return null
}
