import type { ColumnOrigin } from '../../domain/dataset.ts'
import { groupItems, isSetOperator, isSymbol, queryIn, splitByComma, splitClauses, wordAt } from './select-items.ts'
import type { SqlItem } from './select-items.ts'
import { readTokens } from './sql-tokens.ts'

/** What a SELECT gives: its columns in order, and what decides which rows there are. Names in lower case. */
export interface Relation {
  readonly columns: ReadonlyMap<string, readonly ColumnOrigin[]>
  readonly rows: readonly ColumnOrigin[]
}

/** Columns of the tables of the lake, by `layer.table`. */
export type TableColumns = ReadonlyMap<string, readonly string[]>

/**
 * From which columns of tables each column of a SELECT is made, by its text alone: named queries, subqueries, joins,
 * stars and set operations are followed; a name is a column where a table in sight has one of that name.
 *
 * Not seen: which branch of a CASE a row takes (all count), fields inside a struct (the whole column counts), columns
 * of VALUES and of table functions, what `select * replace` puts in. Never throws for a SELECT that `readModelSql` took.
 */
export function columnOrigins(sql: string, file: string, tables: TableColumns): Relation {
  return readQuery(groupItems(readTokens(sql, file)), { tables, named: new Map(), outer: null })
}

interface Surroundings {
  readonly tables: TableColumns
  readonly named: ReadonlyMap<string, Relation>
  /** What a subquery in an expression can see besides its own FROM. */
  readonly outer: Sight | null
}

interface Source {
  readonly names: readonly string[]
  readonly relation: Relation
}

/** What a name in an expression can mean. */
interface Sight {
  readonly around: Surroundings
  readonly sources: readonly Source[]
  /** Items of the same SELECT that stand before: engines let later ones name them. */
  readonly earlier: ReadonlyMap<string, readonly ColumnOrigin[]>
}

function readQuery(items: readonly SqlItem[], around: Surroundings): Relation {
  if (wordAt(items, 0) === 'with') return readNamed(items, around)
  const arms: SqlItem[][] = [[]]
  for (const [at, item] of items.entries()) {
    const word = wordAt(items, at)
    if (isSetOperator(word) && !isStarOption(items, at)) arms.push([])
    else if (!((word === 'all' || word === 'distinct') && isSetOperator(wordAt(items, at - 1)))) arms.at(-1)!.push(item)
  }
  const relations = arms.map((arm) => readArm(arm, around))
  const [first, ...others] = relations
  if (first === undefined || others.length === 0) return first ?? EMPTY
  const further = others.map(({ columns }) => [...columns.values()])
  const columns = new Map(
    [...first.columns].map(([name, origins], at) => [
      name,
      distinct([...origins, ...further.flatMap((each) => each[at] ?? [])]),
    ]),
  )
  return { columns, rows: distinct(relations.flatMap(({ rows }) => rows)) }
}

const EMPTY: Relation = { columns: new Map(), rows: [] }

function readNamed(items: readonly SqlItem[], around: Surroundings): Relation {
  const named = new Map(around.named)
  let at = 1
  while (at < items.length && wordAt(items, at) !== 'select') {
    const name = wordAt(items, at)
    let body = at + 1
    while (body < items.length && (wordAt(items, body - 1) !== 'as' || items[body]?.kind !== 'group')) {
      if (wordAt(items, body - 1) === 'materialized' && items[body]?.kind === 'group') break
      body += 1
    }
    const group = items[body]
    if (name === null || group?.kind !== 'group') break
    const listed = items[at + 1]
    const relation = readQuery(group.items, { ...around, named: new Map(named) })
    named.set(name, listed?.kind === 'group' && body !== at + 1 ? renamed(relation, listed.items) : relation)
    at = body + 1
    if (isSymbol(items[at], ',')) at += 1
  }
  return readQuery(items.slice(at), { ...around, named })
}

function renamed({ columns, rows }: Relation, names: readonly SqlItem[]): Relation {
  const written = splitByComma(names).map((part) => wordAt(part, 0))
  return { columns: new Map([...columns].map(([name, origins], at) => [written[at] ?? name, origins])), rows }
}

function readArm(items: readonly SqlItem[], around: Surroundings): Relation {
  const [only] = items
  if (items.length >= 1 && only?.kind === 'group') return readQuery(only.items, around)
  const clauses = splitClauses(items)
  const from = readFrom(clauses.get('from') ?? [], around)
  const sight: Sight = { around, sources: from.sources, earlier: new Map() }
  const columns = readSelect(clauses.get('select') ?? [], sight)
  const whole: Sight = { ...sight, earlier: columns }
  const deciding = (clause: string, how: ColumnOrigin['how']): ColumnOrigin[] =>
    referencesIn(clauses.get(clause) ?? [], whole).map((origin) => ({ ...origin, how }))
  return {
    columns,
    rows: distinct([
      ...from.sources.flatMap(({ relation }) => relation.rows),
      ...from.joins,
      ...deciding('where', 'filter'),
      ...deciding('group', 'group_by'),
      ...deciding('having', 'filter'),
      ...deciding('qualify', 'filter'),
      ...deciding('order', 'sort'),
    ]),
  }
}

const JOIN_WORDS = new Set(
  'join left right inner outer full cross natural semi anti asof positional lateral'.split(' '),
)

function readFrom(
  items: readonly SqlItem[],
  around: Surroundings,
): { readonly sources: Source[]; readonly joins: ColumnOrigin[] } {
  const sources: Source[] = []
  const joins: ColumnOrigin[] = []
  const isBorder = (at: number): boolean => {
    const word = wordAt(items, at)
    return (
      isSymbol(items[at], ',') ||
      (word !== null && JOIN_WORDS.has(word) && items[at + 1]?.kind !== 'group') ||
      word === 'join'
    )
  }
  let at = 0
  while (at < items.length) {
    if (isBorder(at) || wordAt(items, at) === 'lateral') {
      at += 1
      continue
    }
    const word = wordAt(items, at)
    let end = at + 1
    if (word === 'on' || word === 'using') {
      while (end < items.length && !isBorder(end)) end += 1
      const found = referencesIn(items.slice(at + 1, end), { around, sources, earlier: new Map() })
      joins.push(...found.map((origin): ColumnOrigin => ({ ...origin, how: 'join' })))
    } else {
      while (end < items.length && !isBorder(end) && !isCondition(items, end)) end += 1
      const taken = readTable(items.slice(at, end), around)
      sources.push(...taken.sources)
      joins.push(...taken.joins)
    }
    at = end
  }
  return { sources, joins }
}

function isCondition(items: readonly SqlItem[], at: number): boolean {
  const word = wordAt(items, at)
  return word === 'on' || word === 'using'
}

function readTable(
  items: readonly SqlItem[],
  around: Surroundings,
): { readonly sources: readonly Source[]; readonly joins: readonly ColumnOrigin[] } {
  const [first] = items
  const query = queryIn(first)
  if (first?.kind === 'group' && query === null) return readFrom(first.items, around)
  const qualified = isSymbol(items[1], '.')
  const name = qualified ? `${wordAt(items, 0)}.${wordAt(items, 2)}` : (wordAt(items, 0) ?? '')
  const rest = items.slice(first?.kind === 'group' ? 1 : qualified ? 3 : 1)
  const aliasAt = wordAt(rest, 0) === 'as' ? 1 : 0
  const alias = wordAt(rest, aliasAt)
  const listed = rest[aliasAt + 1]
  const found = query === null ? tableRelation(name, around) : readQuery(query, around)
  const relation = listed?.kind === 'group' ? renamed(found, listed.items) : found
  const names = alias === null ? [name, name.slice(name.indexOf('.') + 1)] : [alias]
  return { sources: [{ names, relation }], joins: [] }
}

function tableRelation(name: string, { tables, named }: Surroundings): Relation {
  const known = named.get(name)
  if (known !== undefined) return known
  const found = [...tables].find(([table]) => table.toLowerCase() === name)
  if (found === undefined) return EMPTY
  const [table, columns] = found
  return {
    columns: new Map(columns.map((column) => [column.toLowerCase(), [{ table, column, how: 'identity' }]])),
    rows: [],
  }
}

function readSelect(items: readonly SqlItem[], sight: Sight): Map<string, readonly ColumnOrigin[]> {
  const columns = new Map<string, readonly ColumnOrigin[]>()
  const start = wordAt(items, 0) === 'distinct' ? 1 : 0
  for (const [index, part] of splitByComma(items.slice(start)).entries()) {
    const star = starOf(part, sight)
    if (star !== null) {
      for (const [name, origins] of star) columns.set(name, origins)
      continue
    }
    const { expression, name } = nameOf(part)
    const origins = expressionOrigins(expression, { ...sight, earlier: columns })
    columns.set(name ?? `column ${index}`, origins)
  }
  return columns
}

/** `*`, `t.*`, with what EXCLUDE or EXCEPT leaves out. */
function starOf(part: readonly SqlItem[], { sources }: Sight): Map<string, readonly ColumnOrigin[]> | null {
  const at = part.findIndex((item) => isSymbol(item, '*'))
  const isStar = at === 0 || (at > 0 && isSymbol(part[at - 1], '.') && at % 2 === 0)
  if (!isStar) return null
  const qualifier = part.slice(0, Math.max(0, at - 1)).map((item) => (item.kind === 'word' ? item.text : '.'))
  const wanted = qualifier.join('')
  const left = part[at + 2]
  const out = new Set(left?.kind === 'group' ? splitByComma(left.items).map((each) => wordAt(each, 0)) : [])
  const columns = new Map<string, readonly ColumnOrigin[]>()
  for (const source of sources) {
    if (wanted !== '' && !source.names.includes(wanted)) continue
    for (const [name, origins] of source.relation.columns) if (!out.has(name)) columns.set(name, origins)
  }
  return columns
}

function isStarOption(items: readonly SqlItem[], at: number): boolean {
  return isSymbol(items[at - 1], '*')
}

function nameOf(part: readonly SqlItem[]): { readonly expression: readonly SqlItem[]; readonly name: string | null } {
  const last = wordAt(part, part.length - 1)
  if (last !== null && wordAt(part, part.length - 2) === 'as') return { expression: part.slice(0, -2), name: last }
  const before = part.at(-2)
  const isAlias =
    last !== null &&
    last !== 'end' &&
    last !== 'null' &&
    before !== undefined &&
    before.kind !== 'symbol' &&
    !isOperatorWord(before)
  if (isAlias) return { expression: part.slice(0, -1), name: last }
  return { expression: part, name: last }
}

function isOperatorWord(item: SqlItem): boolean {
  return (
    item.kind === 'word' &&
    /^(and|or|not|is|in|like|between|then|else|when|case|distinct|from|interval)$/.test(item.text)
  )
}

function expressionOrigins(items: readonly SqlItem[], sight: Sight): readonly ColumnOrigin[] {
  const found = referencesIn(items, sight)
  const isPlain = items.every((item) => item.kind === 'word' || isSymbol(item, '.'))
  const words = items.filter((item) => item.kind === 'word').length
  if (isPlain && items.length === words * 2 - 1) return found
  return distinct(
    found.map((origin): ColumnOrigin => (origin.how === 'identity' ? { ...origin, how: 'transformation' } : origin)),
  )
}

const AGGREGATES =
  /^(sum|count|min|max|avg|mean|median|any_value|first|last|arg_max|arg_min|max_by|min_by|array_agg|collect_list|collect_set|list|string_agg|listagg|bool_and|bool_or|every|some|count_if|stddev.*|var.*|percentile.*|quantile.*|approx_.*|mode|corr|covar.*|sumif)$/

/** Every column that the items name, each once; one inside an aggregate or a window says so. */
function referencesIn(items: readonly SqlItem[], sight: Sight, depth = 0): readonly ColumnOrigin[] {
  const found: ColumnOrigin[] = []
  for (let at = 0; at < items.length; at += 1) {
    const item = items[at]!
    if (item.kind === 'group') {
      const over = wordAt(items, at - 1) === 'over'
      const called = wordAt(items, at - 1)
      const inside = insideOf(item, sight, depth)
      const how: ColumnOrigin['how'] | null = over
        ? 'window'
        : called !== null && AGGREGATES.test(called)
          ? 'aggregation'
          : null
      found.push(...inside.map((origin): ColumnOrigin => (how === null ? origin : { ...origin, how })))
    } else if (item.kind === 'word') {
      // `cast(x as date)`: a type, even where a column has its name
      if (depth > 0 && wordAt(items, at - 1) === 'as') continue
      const parts = [item.text]
      while (isSymbol(items[at + 1], '.') && wordAt(items, at + 2) !== null) {
        parts.push(wordAt(items, at + 2)!)
        at += 2
      }
      if (items[at + 1]?.kind !== 'group') found.push(...resolve(parts, sight))
    }
  }
  return distinct(found)
}

function insideOf(item: SqlItem & { readonly kind: 'group' }, sight: Sight, depth: number): readonly ColumnOrigin[] {
  const query = queryIn(item)
  if (query === null) return referencesIn(item.items, sight, depth + 1)
  const { columns, rows } = readQuery(query, { ...sight.around, outer: sight })
  return [...[...columns.values()].flat(), ...rows].map((origin) => ({ ...origin, how: 'transformation' as const }))
}

/** `column`, `table.column`, `layer.table.column`, or any of them with a field of a struct behind. */
function resolve(parts: readonly string[], sight: Sight): readonly ColumnOrigin[] {
  const [first = '', second = '', third = ''] = parts
  const { sources, earlier, around } = sight
  const of = (qualifier: string, column: string): readonly ColumnOrigin[] | null =>
    sources.find(({ names }) => names.includes(qualifier))?.relation.columns.get(column) ?? null
  const qualified = of(first, second) ?? of(`${first}.${second}`, third)
  if (parts.length > 1 && qualified !== null) return qualified
  const here = sources.flatMap(({ relation }) => relation.columns.get(first) ?? [])
  if (here.length > 0) return here
  return earlier.get(first) ?? (around.outer === null ? [] : resolve(parts, around.outer))
}

function distinct(origins: readonly ColumnOrigin[]): ColumnOrigin[] {
  return [...new Map(origins.map((origin) => [`${origin.table}/${origin.column}/${origin.how}`, origin])).values()]
}
