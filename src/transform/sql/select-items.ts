import type { SqlToken } from './sql-tokens.ts'

/** A SELECT's tokens with brackets as groups: what `column-origins.ts` walks. */
export type SqlItem =
  | { readonly kind: 'word'; /** In lower case. */ readonly text: string }
  | { readonly kind: 'symbol'; readonly text: string }
  | { readonly kind: 'value' }
  | { readonly kind: 'group'; readonly items: readonly SqlItem[] }

export function groupItems(tokens: readonly SqlToken[]): readonly SqlItem[] {
  const root: SqlItem[] = []
  const open: SqlItem[][] = [root]
  for (const { kind, text } of tokens) {
    const items = open.at(-1) ?? root
    if (kind === 'symbol' && text === '(') {
      const group: SqlItem[] = []
      items.push({ kind: 'group', items: group })
      open.push(group)
    } else if (kind === 'symbol' && text === ')') open.pop()
    else if (kind === 'word') items.push({ kind, text: text.toLowerCase() })
    else if (kind === 'symbol') items.push({ kind, text })
    else if (kind !== 'space') items.push({ kind: 'value' })
  }
  return root
}

export function wordAt(items: readonly SqlItem[], at: number): string | null {
  const item = items[at]
  return item?.kind === 'word' ? item.text : null
}

export function isSymbol(item: SqlItem | undefined, text: string): boolean {
  return item?.kind === 'symbol' && item.text === text
}

/** The items of a group that is a query; null for any other. */
export function queryIn(item: SqlItem | undefined): readonly SqlItem[] | null {
  if (item?.kind !== 'group') return null
  const first = wordAt(item.items, 0)
  if (first === 'select' || first === 'with' || first === 'values') return item.items
  return queryIn(item.items[0]) !== null && isSetOperator(wordAt(item.items, 1)) ? item.items : null
}

export function isSetOperator(word: string | null): boolean {
  return word === 'union' || word === 'intersect' || word === 'except'
}

/** Split at commas; what stands in groups is left alone. */
export function splitByComma(items: readonly SqlItem[]): SqlItem[][] {
  const parts: SqlItem[][] = [[]]
  for (const item of items) {
    if (isSymbol(item, ',')) parts.push([])
    else parts.at(-1)!.push(item)
  }
  return parts.filter((part) => part.length > 0)
}

const CLAUSES = new Set('select from where group having window qualify order limit offset fetch'.split(' '))

/** The clauses of one SELECT by their first word. */
export function splitClauses(items: readonly SqlItem[]): ReadonlyMap<string, readonly SqlItem[]> {
  const clauses = new Map<string, SqlItem[]>()
  let current: SqlItem[] | null = null
  for (const [at, item] of items.entries()) {
    const word = item.kind === 'word' ? item.text : null
    const isCall = items[at + 1]?.kind === 'group' && word !== 'select' && word !== 'from' && word !== 'where'
    const isName = isSymbol(items[at - 1], '.') || isSymbol(items[at + 1], '.')
    if (
      word !== null &&
      CLAUSES.has(word) &&
      !isName &&
      !(isCall && word !== 'having') &&
      !comparesDistinct(items, at)
    ) {
      current = clauses.get(word) ?? []
      clauses.set(word, current)
    } else current?.push(item)
  }
  return clauses
}

/** `a is [not] distinct from b`. */
function comparesDistinct(items: readonly SqlItem[], at: number): boolean {
  if (wordAt(items, at) !== 'from' || wordAt(items, at - 1) !== 'distinct') return false
  const before = wordAt(items, at - 2)
  return before === 'is' || (before === 'not' && wordAt(items, at - 3) === 'is')
}
