import { SluiceError } from '../domain/errors.ts'
import type { StoredColumns } from '../domain/stored-column.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { LoggedFile } from './files/add-file.ts'
import type { AddFile } from './files/add-file.ts'
import type { AddAction, RemoveAction } from './log/action.ts'
import { fileKey, logicalKey } from './log/file-key.ts'
import { readEntries } from './log/read-entry.ts'
import type { LogEntry } from './log/read-entry.ts'
import { openSnapshot } from './snapshot.ts'
import type { Snapshot } from './snapshot.ts'

export interface VersionRange {
  /** Exclusive; -1 for the table's beginning. */
  readonly after: number
  /** Inclusive. */
  readonly to: number
  /** What files call the columns, as the table's metadata has it: names that a column keeps for life. */
  readonly stored?: StoredColumns | null
}

/** What a range of versions changed, net: a file that came and went, or went and came back, counts as neither. */
export interface TableChanges {
  readonly added: readonly AddFile[]
  readonly removed: readonly AddFile[]
  /** Schema, configuration or protocol were stated anew. */
  readonly metadataChanged: boolean
  /** The table was made anew under its old log. */
  readonly tableIdChanged: boolean
}

/**
 * The files that a range of versions added and removed with dataChange=true; compactions leave no trace. A file that
 * was added and then compacted away is `added` still, for its rows are new, though a vacuum may have taken it.
 * A file whose deletion vector changed counts as removed with the old one and added with the new one.
 * Null where the log no longer reaches back to the range, or a removed file can no longer be described.
 */
export async function readChanges(
  store: ObjectStore,
  { after, to, stored = null }: VersionRange,
): Promise<TableChanges | null> {
  if (after > to) throw new SluiceError('BUG', `changes after version ${after} up to ${to} were asked for`)
  const entries = await readEntries(store, { from: after + 1, to })
  if (entries === null) return null
  const net = netChanges(entries)
  const incomplete = [...net.removed.values()].some(
    (remove) => remove.partitionValues === null || remove.bytes === null,
  )
  const before = after >= 0 && (incomplete || net.ids.length > 0) ? await snapshotAt(store, after) : null
  if (incomplete && before === null) return null
  if (isAmbiguous(net.added.values()) || isAmbiguous(net.removed.values())) return null
  const removed: AddFile[] = []
  for (const remove of net.removed.values()) {
    const file = describeRemoved(remove, before, stored)
    if (file === null) return null
    removed.push(file)
  }
  return {
    added: Array.from(net.added.values(), (add) => new LoggedFile(add, stored)),
    removed,
    metadataChanged: net.metadataChanged,
    tableIdChanged: before !== null && net.ids.some((id) => id !== before.metadata.id),
  }
}

interface NetChanges {
  readonly added: Map<string, AddAction>
  readonly removed: Map<string, RemoveAction>
  readonly ids: string[]
  metadataChanged: boolean
}

function netChanges(entries: readonly LogEntry[]): NetChanges {
  const net: NetChanges = { added: new Map(), removed: new Map(), ids: [], metadataChanged: false }
  for (const { actions } of entries) {
    for (const action of actions) {
      switch (action.kind) {
        case 'add':
          applyAdd(net, action.add)
          break
        case 'remove':
          applyRemove(net, action.remove)
          break
        case 'metaData':
          net.ids.push(action.metaData.id)
          net.metadataChanged = true
          break
        case 'protocol':
          net.metadataChanged = true
          break
        case 'txn':
        case 'commitInfo':
        case 'sidecar':
        case 'other':
          break
      }
    }
  }
  return net
}

function applyAdd(net: NetChanges, add: AddAction): void {
  if (!add.dataChange) return
  const key = logicalKey(add)
  if (!net.removed.delete(key)) net.added.set(key, add)
}

function applyRemove(net: NetChanges, remove: RemoveAction): void {
  if (!remove.dataChange) return
  const key = logicalKey(remove)
  if (!net.added.delete(key)) net.removed.set(key, remove)
}

function describeRemoved(remove: RemoveAction, before: Snapshot | null, stored: StoredColumns | null): AddFile | null {
  const { path, partitionValues, bytes, tags, statsText, deletionVector } = remove
  if (partitionValues === null || bytes === null) {
    const key = logicalKey(remove)
    return [...(before?.files.values() ?? [])].find((file) => logicalKey(file) === key) ?? null
  }
  return new LoggedFile(
    {
      path,
      partitionValues,
      bytes,
      tags,
      statsText,
      modificationTimeMs: 0,
      dataChange: true,
      deletionVector,
    },
    stored,
  )
}

/** One file with two vectors on one side, as a rewrite between two deletes leaves it: what came cannot be read apart. */
function isAmbiguous(files: Iterable<AddAction | RemoveAction>): boolean {
  const paths = Array.from(files, ({ path }) => fileKey(path))
  return new Set(paths).size < paths.length
}

/** Null where the log no longer reaches back. */
async function snapshotAt(store: ObjectStore, version: number): Promise<Snapshot | null> {
  try {
    return await openSnapshot(store, { version })
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'VERSION_UNKNOWN') return null
    throw error
  }
}
