import type { ColumnBatch, ColumnField, ColumnType } from '../../domain/column-batch.ts'
import { addJson, metadataJson, protocolJson, removeJson, txnJson } from '../log/action.ts'
import type { LogObject } from '../log/log-json.ts'
import { buildColumn } from './json-columns.ts'
import type { LogState } from '../log/replay.ts'

/** A classic checkpoint's rows: one action each, in the column of its kind (PROTOCOL, "Checkpoint Schema"). */

const TEXT: ColumnType = { kind: 'string' }
const LONG: ColumnType = { kind: 'int64' }
const INTEGER: ColumnType = { kind: 'int32' }
const FLAG: ColumnType = { kind: 'boolean' }
const TEXTS: ColumnType = { kind: 'list', element: TEXT, elementNullable: true }
const TEXT_MAP: ColumnType = { kind: 'map', value: TEXT, valueNullable: true }
const VECTOR = structType({
  storageType: TEXT,
  pathOrInlineDv: TEXT,
  offset: INTEGER,
  sizeInBytes: INTEGER,
  cardinality: LONG,
})

export const CHECKPOINT_FIELDS: readonly ColumnField[] = [
  struct('txn', { appId: TEXT, version: LONG, lastUpdated: LONG }),
  struct('add', {
    path: TEXT,
    partitionValues: TEXT_MAP,
    size: LONG,
    modificationTime: LONG,
    dataChange: FLAG,
    tags: TEXT_MAP,
    stats: TEXT,
    deletionVector: VECTOR,
  }),
  struct('remove', {
    path: TEXT,
    deletionTimestamp: LONG,
    dataChange: FLAG,
    extendedFileMetadata: FLAG,
    partitionValues: TEXT_MAP,
    size: LONG,
    tags: TEXT_MAP,
    deletionVector: VECTOR,
  }),
  struct('metaData', {
    id: TEXT,
    name: TEXT,
    description: TEXT,
    format: structType({ provider: TEXT, options: TEXT_MAP }),
    schemaString: TEXT,
    partitionColumns: TEXTS,
    configuration: TEXT_MAP,
    createdTime: LONG,
  }),
  struct('protocol', {
    minReaderVersion: INTEGER,
    minWriterVersion: INTEGER,
    readerFeatures: TEXTS,
    writerFeatures: TEXTS,
  }),
]

/** The rows of one batch at most: what a writer holds of them beside the state itself. */
const BATCH_ROWS = 8192

export interface CheckpointPart {
  /** From 0. */
  readonly part: number
  readonly parts: number
  /** Removes older than this have expired and are left out. */
  readonly tombstonesFromMs: number
}

/**
 * One part of a checkpoint, in batches. Files go to parts by a hash of their path: writers that race for one version
 * write equal parts, so that a set which they made together is whole, whatever order they met the files in.
 */
export function* checkpointBatches(state: LogState, part: CheckpointPart): Generator<ColumnBatch, void, void> {
  let rows: LogObject[] = []
  for (const row of checkpointRows(state, part)) {
    rows.push(row)
    if (rows.length < BATCH_ROWS) continue
    yield batchOf(rows)
    rows = []
  }
  if (rows.length > 0) yield batchOf(rows)
}

function* checkpointRows(state: LogState, { part, parts, tombstonesFromMs }: CheckpointPart): Generator<LogObject> {
  if (part === 0) {
    if (state.protocol !== null) yield { protocol: protocolJson(state.protocol) }
    if (state.metaData !== null) yield { metaData: metadataJson(state.metaData) }
    for (const txn of state.txns.values()) yield { txn: txnJson(txn) }
  }
  for (const [key, add] of state.files) {
    if (parts === 1 || partOf(key, parts) === part) yield { add: { ...addJson(add), dataChange: false } }
  }
  for (const [key, remove] of state.tombstones) {
    if ((remove.deletionTimestampMs ?? 0) < tombstonesFromMs) continue
    if (parts === 1 || partOf(key, parts) === part) yield { remove: { ...removeJson(remove), dataChange: false } }
  }
}

/** How many rows a checkpoint has, all parts together. */
export function countActions(state: LogState, tombstonesFromMs: number): number {
  let tombstones = 0
  for (const { deletionTimestampMs } of state.tombstones.values()) {
    if ((deletionTimestampMs ?? 0) >= tombstonesFromMs) tombstones += 1
  }
  const single = (state.protocol === null ? 0 : 1) + (state.metaData === null ? 0 : 1)
  return single + state.txns.size + state.files.size + tombstones
}

/** FNV-1a over UTF-16 units. */
function partOf(key: string, parts: number): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i += 1) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return (hash >>> 0) % parts
}

function batchOf(rows: readonly LogObject[]): ColumnBatch {
  const columns = CHECKPOINT_FIELDS.map((field) =>
    buildColumn(
      field.type,
      rows.map((row) => row[field.name]),
    ),
  )
  return { length: rows.length, fields: CHECKPOINT_FIELDS, columns }
}

function struct(name: string, types: Readonly<Record<string, ColumnType>>): ColumnField {
  return { name, type: structType(types), nullable: true }
}

function structType(types: Readonly<Record<string, ColumnType>>): ColumnType {
  return { kind: 'struct', fields: Object.entries(types).map(([name, type]) => ({ name, type, nullable: true })) }
}
