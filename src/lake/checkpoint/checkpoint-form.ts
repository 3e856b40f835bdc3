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

const FIELDS: readonly ColumnField[] = [
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

/** `tombstonesFromMs`: removes older than this have expired and are left out. */
export function checkpointBatch(state: LogState, tombstonesFromMs: number): ColumnBatch {
  const rows: LogObject[] = []
  if (state.protocol !== null) rows.push({ protocol: protocolJson(state.protocol) })
  if (state.metaData !== null) rows.push({ metaData: metadataJson(state.metaData) })
  for (const txn of state.txns.values()) rows.push({ txn: txnJson(txn) })
  for (const add of state.files.values()) rows.push({ add: addJson({ ...add, dataChange: false }) })
  for (const remove of state.tombstones.values()) {
    if ((remove.deletionTimestampMs ?? 0) < tombstonesFromMs) continue
    rows.push({ remove: removeJson({ ...remove, dataChange: false }) })
  }
  const columns = FIELDS.map((field) =>
    buildColumn(
      field.type,
      rows.map((row) => row[field.name]),
    ),
  )
  return { length: rows.length, fields: FIELDS, columns }
}

function struct(name: string, types: Readonly<Record<string, ColumnType>>): ColumnField {
  return { name, type: structType(types), nullable: true }
}

function structType(types: Readonly<Record<string, ColumnType>>): ColumnType {
  return { kind: 'struct', fields: Object.entries(types).map(([name, type]) => ({ name, type, nullable: true })) }
}
