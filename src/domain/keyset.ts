/**
 * Keyset pages: what stands behind a row in the order of some columns. Never OFFSET, which reads what it skips and
 * loses its place when rows come or go.
 */

/** Columns in the order of the page, and the values of the last row that was read, as text. */
export interface KeysetBound {
  /** As SQL: checked and quoted. */
  readonly columns: readonly string[]
  /** As many, or fewer: the first ones alone then bound the page. */
  readonly values: readonly string[]
}

/**
 * `row`: `(a, b) > (?, ?)`, where the database compares rows by SQL's rule and with an index. `expanded`: the same in
 * plain comparisons, the first column's own bound in front so that an index on it serves.
 */
export type KeysetForm = 'row' | 'expanded'

/** Adds a value to the statement and returns the place that stands for it; `column` counts within the bound. */
export type Bind = (value: string, column: number) => string

/**
 * True for rows behind the bound in ascending order; none of the columns may be null. Values are bound, never written
 * into the text. An empty bound is behind everything.
 */
export function keysetAfter({ columns, values }: KeysetBound, form: KeysetForm, bind: Bind): string {
  const bounded = columns.slice(0, values.length)
  if (bounded.length === 0) return '1 = 1'
  if (bounded.length === 1) return `${bounded[0]!} > ${bind(values[0]!, 0)}`
  if (form === 'row') return `(${bounded.join(', ')}) > (${bounded.map((_, i) => bind(values[i]!, i)).join(', ')})`
  const [first] = bounded
  return `${first!} >= ${bind(values[0]!, 0)} and ${after(bounded, values, { at: 0, bind })}`
}

/** True for rows up to the bound, itself included; with fewer values than columns, all rows that begin with them. */
export function keysetUpTo({ columns, values }: KeysetBound, form: KeysetForm, bind: Bind): string {
  const bounded = columns.slice(0, values.length)
  if (bounded.length === 0) return '1 = 1'
  if (bounded.length === 1) return `${bounded[0]!} <= ${bind(values[0]!, 0)}`
  if (form === 'row') return `(${bounded.join(', ')}) <= (${bounded.map((_, i) => bind(values[i]!, i)).join(', ')})`
  const [first] = bounded
  return `${first!} <= ${bind(values[0]!, 0)} and not ${after(bounded, values, { at: 0, bind })}`
}

/** `(a > ? or (a = ? and (b > ? or …)))`. */
function after(
  columns: readonly string[],
  values: readonly string[],
  { at, bind }: { readonly at: number; readonly bind: Bind },
): string {
  const column = columns[at]!
  const value = values[at]!
  if (at === columns.length - 1) return `${column} > ${bind(value, at)}`
  const greater = `${column} > ${bind(value, at)}`
  return `(${greater} or (${column} = ${bind(value, at)} and ${after(columns, values, { at: at + 1, bind })}))`
}
