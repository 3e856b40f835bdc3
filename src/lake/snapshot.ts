import type { ColumnField } from '../domain/column-batch.ts'
import { SluiceError } from '../domain/errors.ts'
import type { StoredColumns } from '../domain/stored-column.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { LoggedFile } from './files/add-file.ts'
import type { AddFile } from './files/add-file.ts'
import { parseDeltaSchema } from './delta-schema.ts'
import { columnMapping } from './mapping/column-mapping.ts'
import type { MetadataAction, ProtocolAction, RemoveAction, TextMap } from './log/action.ts'
import { findVersionAt } from './log/commit-time.ts'
import { vectorSuffix } from './log/file-key.ts'
import { loadLog } from './log/load-log.ts'
import type { LoadedLog } from './log/load-log.ts'
import { checkReadable } from './log/protocol.ts'
import { readNewerEntries } from './log/read-entry.ts'
import { LogState } from './log/replay.ts'
import { tombstonesKeptMs } from './retention/table-properties.ts'

export type { AddFile } from './files/add-file.ts'

/** A table as one version left it. Never changes. */
export interface Snapshot {
  readonly version: number
  /** When the version was committed: what time travel by timestamp goes by. */
  readonly timestampMs: number
  readonly protocol: ProtocolAction
  readonly metadata: TableMetadata
  /** By path as in the log. */
  readonly files: ReadonlyMap<string, AddFile>
  /**
   * Removed files that the store may still hold, at least those that have not expired: by path as in the log, with its
   * `vectorSuffix`.
   */
  readonly tombstones: ReadonlyMap<string, RemoveAction>
  /** `appId` → version. */
  readonly txns: ReadonlyMap<string, bigint>
}

export interface TableMetadata {
  readonly id: string
  readonly name: string | null
  readonly description: string | null
  readonly fields: readonly ColumnField[]
  readonly partitionColumns: readonly string[]
  readonly configuration: TextMap
  /** What files, and they alone, call the columns; null where that is as the table does. */
  readonly stored: StoredColumns | null
  readonly createdTimeMs: number | null
  /** As in the log. */
  readonly action: MetadataAction
}

export type SnapshotAt = { readonly version: number } | { readonly timestampMs: number }

/**
 * The table at its newest version, or as of a version or a time. Null where there is no table. Throws
 * TABLE_UNSUPPORTED naming the feature, VERSION_UNKNOWN, or TABLE_FILES_MISSING where the log has a hole or is damaged.
 */
export async function openSnapshot(store: ObjectStore, at?: SnapshotAt): Promise<Snapshot | null> {
  const version = at === undefined ? null : 'version' in at ? at.version : await findVersionAt(store, at.timestampMs)
  if (version === 'no-table') return null
  const log = await loadLog(store, version)
  return log === null ? null : new StateSnapshot(store, log)
}

/**
 * The newest version, by reading only what came since. Null where the table is gone. Of its tombstones those that have
 * expired may be gone, by the newest commit's time.
 */
export async function refreshSnapshot(store: ObjectStore, snapshot: Snapshot): Promise<Snapshot | null> {
  if (!(snapshot instanceof StateSnapshot)) return openSnapshot(store)
  const newer = await readNewerEntries(store, snapshot.version)
  if (newer === null) return openSnapshot(store)
  const last = newer.at(-1)
  if (last === undefined) return snapshot
  const state = new LogState(snapshot.state)
  for (const entry of newer) state.apply(entry.actions)
  const timestampMs = Math.max(snapshot.timestampMs, last.timestampMs)
  state.forgetRemovesBefore(timestampMs - tombstonesKeptMs(state.metaData?.configuration ?? {}))
  return new StateSnapshot(store, { state, version: last.version, timestampMs })
}

class StateSnapshot implements Snapshot {
  readonly version: number
  readonly timestampMs: number
  readonly protocol: ProtocolAction
  readonly metadata: TableMetadata
  readonly txns: ReadonlyMap<string, bigint>
  readonly state: LogState
  declare readonly files: ReadonlyMap<string, AddFile>
  declare readonly tombstones: ReadonlyMap<string, RemoveAction>

  constructor(store: ObjectStore, { state, version, timestampMs }: LoadedLog) {
    const { protocol, metaData } = state
    if (protocol === null || metaData === null) {
      throw new SluiceError(
        'TABLE_FILES_MISSING',
        `the log of ${store.uri} holds no ${protocol === null ? 'protocol' : 'metaData'} action up to version ${version}`,
        { where: { table: store.uri, version } },
      )
    }
    checkReadable(protocol, metaData, store.uri)
    this.version = version
    this.timestampMs = timestampMs
    this.protocol = protocol
    this.metadata = readTableMetadata(protocol, metaData)
    this.txns = new Map(Array.from(state.txns.values(), ({ appId, version: at }) => [appId, at]))
    this.state = state
    // Made where they are asked for: a lane that appends commits on and on without a look at them.
    const { stored } = this.metadata
    whenAsked(this, 'files', () => new Map(mapped(state.files, (add) => [add.path, new LoggedFile(add, stored)])))
    whenAsked(
      this,
      'tombstones',
      () => new Map(mapped(state.tombstones, (each) => [each.path + vectorSuffix(each.deletionVector), each])),
    )
  }
}

/** A property of its own, so that a copy of the object has it too. */
function whenAsked<T, K extends keyof T>(object: T, name: K, make: () => T[K]): void {
  let made: T[K] | null = null
  Object.defineProperty(object, name, { enumerable: true, get: () => (made ??= make()) })
}

function* mapped<V, E>(map: ReadonlyMap<string, V>, entry: (value: V) => E): Generator<E> {
  for (const value of map.values()) yield entry(value)
}

function readTableMetadata(protocol: ProtocolAction, action: MetadataAction): TableMetadata {
  const fields = parseDeltaSchema(action.schemaText)
  const unknown = action.partitionColumns.find((column) => !fields.some(({ name }) => name === column))
  if (unknown !== undefined) {
    const message = `the table is partitioned by ${JSON.stringify(unknown)}, which is no column of it`
    throw new SluiceError('TABLE_UNSUPPORTED', message)
  }
  return {
    id: action.id,
    name: action.name,
    description: action.description,
    fields,
    partitionColumns: action.partitionColumns,
    configuration: action.configuration,
    stored: columnMapping(protocol, action),
    createdTimeMs: action.createdTimeMs,
    action,
  }
}
