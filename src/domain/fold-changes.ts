/** Rows that came and went, as what became of each key. Pure. */

export interface RowChange<Row> {
  readonly seq: number
  readonly action: 'insert' | 'delete'
  /** Null where a part of the key is null: then nothing tells which row it is. */
  readonly key: string | null
  readonly row: Row
}

export interface KeyChange<Row> {
  /** `refused`: a row without a key. */
  readonly op: 'c' | 'u' | 'd' | 'refused'
  readonly key: string | null
  readonly row: Row
}

export interface FoldedChanges<Row> {
  readonly changes: readonly KeyChange<Row>[]
  /** Up to here all is in `changes`; 0 where nothing is. */
  readonly upTo: number
  /** Of the last key, whose changes may go on. */
  readonly rest: readonly RowChange<Row>[]
}

/**
 * `rows` come with the changes of one key one after another. A row that came where one went is an update, whatever else
 * it was called: a key that an update moved away from is deleted, and the one that it moved to created; a row that was
 * deleted and inserted again within one taking is updated. `isEnd`: no more rows follow.
 */
export function foldChanges<Row>(rows: readonly RowChange<Row>[], isEnd: boolean): FoldedChanges<Row> {
  const changes: KeyChange<Row>[] = []
  let upTo = 0
  let group: RowChange<Row>[] = []
  const close = (): void => {
    if (group.length === 0) return
    changes.push(...changeOfKey(group))
    upTo = group.at(-1)!.seq
    group = []
  }
  for (const row of rows) {
    if (row.key === null || row.key !== group[0]?.key) close()
    group.push(row)
  }
  if (isEnd) close()
  return { changes, upTo, rest: group }
}

function changeOfKey<Row>(group: readonly RowChange<Row>[]): KeyChange<Row>[] {
  const [{ key }] = group as [RowChange<Row>]
  if (key === null) return group.map(({ row }) => ({ op: 'refused', key, row }))
  const came = group.filter(({ action }) => action === 'insert')
  const went = group.filter(({ action }) => action === 'delete')
  if (came.length === 0) return [{ op: 'd', key, row: went.at(-1)!.row }]
  // Where nothing keeps keys apart, a key may have come more than once.
  return came.map(({ row }, at) => ({ op: went.length === 0 && at === 0 ? 'c' : 'u', key, row }))
}
