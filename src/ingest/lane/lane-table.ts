import { SluiceError } from '../../domain/errors.ts'
import { openSnapshot, type Snapshot } from '../../lake/snapshot.ts'
import type { ObjectStore } from '../../ports/object-store.ts'

/**
 * The table is the only ledger (I1), so a table that vanished would read as "nothing was ever ingested". A marker
 * outside the table's folder tells the two apart: once it exists, a missing table stops its lane (I8).
 */

/** Null where the table was never made. Throws TABLE_MISSING where it was, and is gone. */
export async function findTable(lake: ObjectStore, table: string): Promise<Snapshot | null> {
  const snapshot = await openSnapshot(lake.at(`bronze/${table}`))
  const marker = await lake.read(markerPath(table))
  if (snapshot === null && marker !== null) {
    throw new SluiceError(
      'TABLE_MISSING',
      `bronze.${table} held data before, and ${lake.uri}/bronze/${table} holds no Delta table now`,
      {
        where: { table: `bronze.${table}` },
        hint: `Restore the folder; to begin again from the log knowingly, remove ${lake.uri}/${markerPath(table)}.`,
      },
    )
  }
  if (snapshot !== null && marker === null) await markTable(lake, table, snapshot)
  return snapshot
}

async function markTable(lake: ObjectStore, table: string, snapshot: Snapshot): Promise<void> {
  const marker = JSON.stringify({ table: `bronze.${table}`, tableId: snapshot.metadata.id })
  await lake.putIfAbsent(markerPath(table), Buffer.from(`${marker}\n`))
}

function markerPath(table: string): string {
  return `_tables/bronze.${table}.json`
}
