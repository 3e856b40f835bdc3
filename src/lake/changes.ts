import { SluiceError } from '../domain/errors.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { LoggedFile } from './files/add-file.ts'
import type { AddFile } from './files/add-file.ts'
import type { AddAction, RemoveAction } from './log/action.ts'
import { fileKey } from './log/file-key.ts'
import { refuseDeletionVector } from './log/protocol.ts'
import { readEntries } from './log/read-entry.ts'
import type { LogEntry } from './log/read-entry.ts'
import { openSnapshot } from './snapshot.ts'
import type { Snapshot } from './snapshot.ts'

export interface VersionRange {
  /** Exclusive; -1 for the table's beginning. */
  readonly after: number
  /** Inclusive. */
  readonly to: number
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
 * Null where the log no longer reaches back to the range, or a removed file can no longer be described.
 */
export async function readChanges(store: ObjectStore, { after, to }: VersionRange): Promise<TableChanges | null> {
  if (after > to) throw new SluiceError('BUG', `changes after version ${after} up to ${to} were asked for`)
  const entries = await readEntries(store, { from: after + 1, to })
  if (entries === null) return null
  const net = netChanges(store.uri, entries)
  const incomplete = [...net.removed.values()].some(
    (remove) => remove.partitionValues === null || remove.bytes === null,
  )
  const before = after >= 0 && (incomplete || net.ids.length > 0) ? await snapshotAt(store, after) : null
  if (incomplete && before === null) return null
  const removed: AddFile[] = []
  for (const remove of net.removed.values()) {
    const file = describeRemoved(remove, before)
    if (file === null) return null
    removed.push(file)
  }
  return {
    added: Array.from(net.added.values(), (add) => new LoggedFile(add)),
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

function netChanges(uri: string, entries: readonly LogEntry[]): NetChanges {
  const net: NetChanges = { added: new Map(), removed: new Map(), ids: [], metadataChanged: false }
  for (const { actions } of entries) {
    for (const action of actions) {
      switch (action.kind) {
        case 'add':
          applyAdd(net, uri, action.add)
          break
        case 'remove':
          applyRemove(net, uri, action.remove)
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

function applyAdd(net: NetChanges, uri: string, add: AddAction): void {
  if (add.deletionVector) refuseDeletionVector(uri, add.path)
  if (!add.dataChange) return
  const key = fileKey(add.path)
  if (!net.removed.delete(key)) net.added.set(key, add)
}

function applyRemove(net: NetChanges, uri: string, remove: RemoveAction): void {
  if (remove.deletionVector) refuseDeletionVector(uri, remove.path)
  if (!remove.dataChange) return
  const key = fileKey(remove.path)
  if (!net.added.delete(key)) net.removed.set(key, remove)
}

function describeRemoved(remove: RemoveAction, before: Snapshot | null): AddFile | null {
  const { path, partitionValues, bytes, tags, statsText } = remove
  if (partitionValues === null || bytes === null) {
    const key = fileKey(path)
    return before?.files.get(path) ?? [...(before?.files.values() ?? [])].find((f) => fileKey(f.path) === key) ?? null
  }
  return new LoggedFile({
    path,
    partitionValues,
    bytes,
    tags,
    statsText,
    modificationTimeMs: 0,
    dataChange: true,
    deletionVector: false,
  })
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
