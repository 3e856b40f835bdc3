import { SluiceError } from '../../domain/errors.ts'
import { formatTableName, LAYERS, parseTableName, type TableName } from '../../domain/identifier.ts'
import { suggestion } from '../../domain/nearest-word.ts'
import { findTable } from '../../ingest/lane/lane-table.ts'
import { openSnapshot, type Snapshot, type SnapshotAt } from '../../lake/snapshot.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import { listTables } from '../list-tables.ts'

/** A table that was named, as one of its versions left it. */
export interface NamedTable {
  readonly name: TableName
  /** `layer.table`. */
  readonly text: string
  /** Rooted at the table. */
  readonly store: ObjectStore
  readonly snapshot: Snapshot
}

/**
 * Opens `layer.table` of a lake. Throws TABLE_UNKNOWN naming the nearest table, TABLE_MISSING where a bronze table
 * held data before and is gone, VERSION_UNKNOWN where the log does not reach back to `at`.
 */
export async function resolveTable(lake: ObjectStore, text: string, at?: SnapshotAt): Promise<NamedTable> {
  const name = await readName(lake, text)
  const store = lake.at(`${name.layer}/${name.table}`)
  const snapshot = await openSnapshot(store, at)
  if (snapshot !== null) return { name, text: formatTableName(name), store, snapshot }
  if (name.layer === 'bronze') await findTable(lake, name.table)
  throw await unknownTable(lake, text)
}

export async function unknownTable(lake: ObjectStore, text: string): Promise<SluiceError> {
  const known = (await listTables(lake)).map(formatTableName)
  // The name's own half counts first: `orders` and `gold.orders` are near to silver.orders.
  const sameName = known.filter((name) => name.split('.')[1] === text.split('.').at(-1))
  const near = sameName.length > 0 ? `; did you mean ${sameName.join(' or ')}?` : suggestion(text, known)
  const all = known.length === 0 ? ' (the lake has no tables yet)' : ''
  return new SluiceError('TABLE_UNKNOWN', `there is no table ${text}${near}${all}`, {
    where: { table: text },
    hint:
      known.length === 0
        ? 'Run `sluice run` first.'
        : `The tables are ${known.slice(0, 30).join(', ')}${known.length > 30 ? ', …' : ''}.`,
  })
}

async function readName(lake: ObjectStore, text: string): Promise<TableName> {
  const [layer = '', ...rest] = text.split('.')
  const known = LAYERS.some((each) => each === layer)
  if (rest.length === 1 && known) return parseTableName(text)
  throw await unknownTable(lake, text)
}
