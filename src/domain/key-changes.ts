/** What became of the keys of a range, by what was sent of them before and what stands there now. Pure. */

export interface KeyedRow<Row> {
  /** The key as one text. */
  readonly key: string
  /** A hash of the whole row. */
  readonly mark: string
  readonly row: Row
}

export interface KeyChanges<Row> {
  /** In the order of `now`. */
  readonly changed: readonly { readonly op: 'c' | 'u'; readonly row: KeyedRow<Row> }[]
  /** Keys that stand there no more, in the order in which they were known. */
  readonly deleted: readonly string[]
}

/** `known`: key → the mark that it was sent with. A row as it was sent is in neither list. */
export function planKeyChanges<Row>(
  known: ReadonlyMap<string, string>,
  now: readonly KeyedRow<Row>[],
): KeyChanges<Row> {
  const standing = new Set(now.map(({ key }) => key))
  return {
    changed: now.flatMap((row) => {
      const before = known.get(row.key)
      if (before === row.mark) return []
      return [{ op: before === undefined ? ('c' as const) : ('u' as const), row }]
    }),
    deleted: [...known.keys()].filter((key) => !standing.has(key)),
  }
}
