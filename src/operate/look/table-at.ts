import { SluiceError } from '../../domain/errors.ts'
import { openSnapshot, type Snapshot, type SnapshotAt } from '../../lake/snapshot.ts'
import type { ObjectStore } from '../../ports/object-store.ts'

/** Any Delta table by its place. Throws TABLE_UNSUPPORTED where the folder is none, or needs a feature we lack. */
export async function openTableAt(store: ObjectStore, at?: SnapshotAt): Promise<Snapshot> {
  const snapshot = await openSnapshot(store, at)
  if (snapshot !== null) return snapshot
  throw new SluiceError(
    'TABLE_UNSUPPORTED',
    `${store.uri} is no Delta table: it has no _delta_log with a version in it`,
    {
      where: { table: store.uri },
      hint: 'Name the folder that holds `_delta_log`.',
    },
  )
}
