import { SluiceError } from '../../domain/errors.ts'
import { formatTableName, isLayer } from '../../domain/identifier.ts'
import type { TableName } from '../../domain/identifier.ts'
import { NOT_REPEATABLE, REFUSED_FUNCTION, STATEMENT_WORDS } from './refused-sql.ts'
import { readTokens } from './sql-tokens.ts'
import type { SqlToken } from './sql-tokens.ts'

/** A model's SELECT, read: what it reads from, and how to read it from elsewhere. */
export interface ModelSql {
  /** In order of first mention, each once. */
  readonly inputs: readonly TableName[]
  /** The table that the outermost FROM begins with, else the first one mentioned; null for a SELECT without inputs. */
  readonly main: TableName | null
  /**
   * Each row comes from one row of `main` (and the other inputs as they stand), by its form. Engines tell the rest:
   * a row-wise SELECT over an empty `main` has no rows.
   */
  readonly rowwise: boolean
  /** The text with each input replaced by what `place` gives for `layer.table`: a name, or a query in brackets. */
  bind(place: (input: string) => string): string
  /** The text without comments and spacing: two texts with the same meaning here mean the same to an engine. */
  readonly canonical: string
}

type FrameKind = 'query' | 'expression' | 'tables'

interface Frame {
  readonly kind: FrameKind
  /** No query lies between this frame and the text's own. */
  readonly outermost: boolean
  clause: 'with' | 'from' | 'other'
  /** The next word names a table (from), or a named query (with). */
  expects: boolean
  empty: boolean
}

interface Reference {
  readonly table: TableName
  /** Positions of its first and last token. */
  readonly first: number
  readonly last: number
  /** A table after FROM or JOIN; else a column's qualifier. */
  readonly isTable: boolean
  readonly hasAlias: boolean
}

/**
 * Reads one SELECT of the portable dialect. Throws MODEL_INVALID or TABLE_UNKNOWN with file and line for anything
 * else: other statements, functions that read files or settings, functions whose answer changes from run to run (I11).
 */
export function readModelSql(sql: string, file: string): ModelSql {
  const tokens = readTokens(sql, file)
  const walk = new Walk(
    tokens.flatMap((token, at) => (token.kind === 'space' ? [] : [{ token, at }])),
    file,
  )
  walk.run()
  const references = walk.references
  const inputs = [...new Map(references.map(({ table }) => [formatTableName(table), table])).values()]
  const main = walk.drivingTable ?? references.find(({ isTable }) => isTable)?.table ?? null
  const mentions = references.filter(({ table, isTable }) => isTable && main !== null && sameTable(table, main)).length
  return {
    inputs,
    main,
    rowwise: walk.rowwise && walk.drivingTable !== null && mentions === 1,
    bind: (place) => bindTokens(tokens, references, place),
    canonical: tokens
      .filter((token) => token.kind !== 'space')
      .map((token) => token.text)
      .join(' '),
  }
}

class Walk {
  readonly references: Reference[] = []
  rowwise = true
  /** What the outermost FROM begins with, if it is a table. */
  drivingTable: TableName | null = null
  private hasDriver = false
  private readonly tokens: readonly { readonly token: SqlToken; readonly at: number }[]
  private readonly file: string
  private readonly named = new Set<string>()
  private readonly frames: Frame[] = [newFrame('query', true)]
  private index = 0

  constructor(tokens: readonly { readonly token: SqlToken; readonly at: number }[], file: string) {
    this.tokens = tokens
    this.file = file
  }

  run(): void {
    const first = this.word(0)
    if (first !== 'select' && first !== 'with') {
      throw this.refuse(
        'MODEL_INVALID',
        first === null
          ? 'the SQL of a model is one SELECT, and there is none'
          : `the SQL of a model is one SELECT; this one begins with ${first.toUpperCase()}`,
      )
    }
    for (; this.index < this.tokens.length; this.index += 1) this.step()
    if (this.frames.length !== 1) throw this.refuse('MODEL_INVALID', 'a bracket is not closed')
  }

  private step(): void {
    const { token } = this.tokens[this.index]!
    const frame = this.frames.at(-1)!
    if (token.kind === 'symbol' && token.text === '(') this.open(frame)
    else if (token.kind === 'symbol' && token.text === ')') this.close()
    else if (token.kind === 'symbol' && token.text === ',') {
      if (frame.kind !== 'expression' && frame.clause !== 'other') frame.expects = true
    } else if (token.kind === 'word') this.takeWord(frame, token.text.toLowerCase())
    else if (token.kind === 'text' && frame.clause === 'from' && frame.expects) {
      throw this.refuse('MODEL_INVALID', 'FROM names a file; a model reads tables of the lake only')
    }
    frame.empty = false
  }

  private open(frame: Frame): void {
    const next = this.word(this.index + 1)
    const isQuery = next === 'select' || next === 'with' || next === 'values'
    if (!isQuery && next !== null && STATEMENT_WORDS.has(next) && this.word(this.index + 2) !== null) {
      throw this.refuse('MODEL_INVALID', `the SQL of a model is one SELECT; ${next.toUpperCase()} is not allowed in it`)
    }
    const inTables = frame.kind !== 'expression' && frame.clause === 'from' && frame.expects
    if (inTables && isQuery && frame.outermost) this.hasDriver = true
    if (frame.clause === 'from') frame.expects = false
    const kind: FrameKind = isQuery ? 'query' : inTables ? 'tables' : 'expression'
    const opened = newFrame(kind, frame.outermost && !isQuery)
    if (kind === 'tables') {
      opened.clause = 'from'
      opened.expects = true
    }
    this.frames.push(opened)
  }

  private close(): void {
    this.frames.pop()
    if (this.frames.length === 0) throw this.refuse('MODEL_INVALID', 'a bracket closes that was not opened')
  }

  private takeWord(frame: Frame, word: string): void {
    const before = this.word(this.index - 1)
    const afterDot = this.symbol(this.index - 1) === '.'
    if (word.startsWith('sluice_')) throw this.refuse('MODEL_INVALID', `names beginning with sluice_ are kept: ${word}`)
    if (!afterDot) this.checkRepeatable(word)
    if (frame.outermost && !afterDot && this.breaksRows(word, before)) this.rowwise = false
    if (frame.kind === 'expression') return this.takeQualifier()
    if (frame.empty && word === 'with') {
      frame.clause = 'with'
      frame.expects = true
      this.rowwise &&= !frame.outermost
      return
    }
    if (frame.clause === 'with') return this.takeNamed(frame, word)
    if (word === 'from' && !(before === 'distinct' && this.isDistinctFrom(this.index - 1))) {
      frame.clause = 'from'
      frame.expects = true
      return
    }
    if (word === 'join') {
      frame.clause = 'from'
      frame.expects = true
      return
    }
    if (frame.clause === 'from' && frame.expects) {
      if (word === 'lateral') return
      return this.takeTable(frame)
    }
    if (LEAVES_FROM.has(word)) frame.clause = 'other'
    this.takeQualifier()
  }

  private takeNamed(frame: Frame, word: string): void {
    if (word === 'recursive') throw this.refuse('MODEL_INVALID', 'WITH RECURSIVE is not allowed in a model')
    if (word === 'select') {
      frame.clause = 'other'
      frame.expects = false
    } else if (frame.expects) {
      this.named.add(word)
      frame.expects = false
    }
  }

  private takeTable(frame: Frame): void {
    frame.expects = false
    const first = this.word(this.index)!
    const second = this.symbol(this.index + 1) === '.' ? this.word(this.index + 2) : null
    if (second === null) {
      if (this.symbol(this.index + 1) === '(') {
        throw this.refuse('MODEL_INVALID', `${first}() cannot stand after FROM; a model reads tables of the lake only`)
      }
      if (frame.outermost) this.hasDriver = true
      if (this.named.has(first)) return
      throw this.refuse('TABLE_UNKNOWN', `${first} is no table; inputs are written layer.table, such as bronze.orders`)
    }
    if (!isLayer(first)) {
      throw this.refuse('TABLE_UNKNOWN', `${first}.${second} is no table; inputs begin with bronze., silver. or gold.`)
    }
    const written = this.tokens[this.index + 2]!
    const table = { layer: first, table: written.token.text }
    if (frame.outermost && !this.hasDriver) {
      this.hasDriver = true
      this.drivingTable = table
    }
    const follower = this.word(this.index + 3)
    this.references.push({
      table,
      first: this.tokens[this.index]!.at,
      last: written.at,
      isTable: true,
      hasAlias: follower !== null && (follower === 'as' || !FOLLOWS_TABLE.has(follower)),
    })
    this.index += 2
  }

  /** `silver.orders.amount`: a column by its table's whole name. */
  private takeQualifier(): void {
    const first = this.word(this.index)
    const second = this.symbol(this.index + 1) === '.' ? this.word(this.index + 2) : null
    if (first === null || second === null || !isLayer(first) || this.symbol(this.index + 3) !== '.') return
    const written = this.tokens[this.index + 2]!
    this.references.push({
      table: { layer: first, table: written.token.text },
      first: this.tokens[this.index]!.at,
      last: written.at,
      isTable: false,
      hasAlias: false,
    })
    this.index += 2
  }

  private checkRepeatable(word: string): void {
    const called = this.symbol(this.index + 1) === '('
    if (called && REFUSED_FUNCTION.test(word)) {
      throw this.refuse('MODEL_INVALID', `${word}() is not allowed in a model: it reads what is no table of the lake`)
    }
    if (NOT_REPEATABLE.has(word) && (called || word.startsWith('current_') || word.startsWith('local'))) {
      throw this.refuse('MODEL_INVALID', `${word} is not allowed in a model: the same input would give other rows`)
    }
    if (word === 'into') throw this.refuse('MODEL_INVALID', 'SELECT INTO is not allowed in a model')
  }

  private breaksRows(word: string, before: string | null): boolean {
    if (word === 'distinct') return !(before === 'is' || (before === 'not' && this.word(this.index - 2) === 'is'))
    return BREAKS_ROWS.has(word)
  }

  private isDistinctFrom(at: number): boolean {
    const before = this.word(at - 1)
    return before === 'is' || (before === 'not' && this.word(at - 2) === 'is')
  }

  private word(at: number): string | null {
    const token = this.tokens[at]?.token
    return token?.kind === 'word' ? token.text.toLowerCase() : null
  }

  private symbol(at: number): string | null {
    const token = this.tokens[at]?.token
    return token?.kind === 'symbol' ? token.text : null
  }

  private refuse(code: 'MODEL_INVALID' | 'TABLE_UNKNOWN', message: string): SluiceError {
    const line = this.tokens[Math.min(this.index, this.tokens.length - 1)]?.token.line ?? 1
    return new SluiceError(code, message, { where: { file: this.file, line } })
  }
}

const LEAVES_FROM = new Set(
  'where group having window qualify order limit offset fetch union intersect except select'.split(' '),
)
const FOLLOWS_TABLE = new Set([
  ...LEAVES_FROM,
  ...'on using join left right inner outer full cross natural semi anti asof positional lateral tablesample pivot unpivot for'.split(
    ' ',
  ),
])
const BREAKS_ROWS = new Set(
  'group having window qualify limit offset fetch union intersect except over tablesample sample right full asof positional semi anti pivot unpivot'.split(
    ' ',
  ),
)

function newFrame(kind: FrameKind, outermost: boolean): Frame {
  return { kind, outermost, clause: 'other', expects: false, empty: true }
}

function sameTable(a: TableName, b: TableName): boolean {
  return a.layer === b.layer && a.table === b.table
}

function bindTokens(
  tokens: readonly SqlToken[],
  references: readonly Reference[],
  place: (input: string) => string,
): string {
  const starts = new Map(references.map((reference) => [reference.first, reference]))
  const pieces: string[] = []
  for (let at = 0; at < tokens.length; at += 1) {
    const reference = starts.get(at)
    if (reference === undefined) {
      pieces.push(tokens[at]!.text)
      continue
    }
    const { table } = reference.table
    const target = place(formatTableName(reference.table))
    pieces.push(reference.isTable ? (reference.hasAlias ? target : `${target} as ${table}`) : table)
    at = reference.last
  }
  return pieces.join('')
}
