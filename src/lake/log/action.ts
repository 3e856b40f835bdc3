import type { DeletionVector } from '../deletion/deletion-vector.ts'
import type { LogJson, LogObject } from './log-json.ts'

/** One line of a log entry, or one row of a checkpoint (Delta PROTOCOL, "Actions"). */
export type Action =
  | { readonly kind: 'add'; readonly add: AddAction }
  | { readonly kind: 'remove'; readonly remove: RemoveAction }
  | { readonly kind: 'metaData'; readonly metaData: MetadataAction }
  | { readonly kind: 'protocol'; readonly protocol: ProtocolAction }
  | { readonly kind: 'txn'; readonly txn: TxnAction }
  | { readonly kind: 'commitInfo'; readonly commitInfo: LogObject }
  | { readonly kind: 'sidecar'; readonly path: string }
  /** Read without effect here: cdc, domainMetadata, checkpointMetadata, and what later protocols may bring. */
  | { readonly kind: 'other'; readonly name: string }

export type PartitionValues = Readonly<Record<string, string | null>>
export type TextMap = Readonly<Record<string, string>>

export interface AddAction {
  /** URI-encoded, as in the log. */
  readonly path: string
  readonly partitionValues: PartitionValues
  readonly bytes: number
  readonly modificationTimeMs: number
  readonly dataChange: boolean
  /** JSON text, parsed only when asked for. */
  readonly statsText: string | null
  readonly tags: TextMap | null
  /** Rows of the file that are gone; null where none is. */
  readonly deletionVector: DeletionVector | null
}

export interface RemoveAction {
  readonly path: string
  readonly deletionTimestampMs: number | null
  readonly dataChange: boolean
  /** Null where the action has no extended metadata. */
  readonly partitionValues: PartitionValues | null
  readonly bytes: number | null
  readonly statsText: string | null
  readonly tags: TextMap | null
  /** Rows of the file that are gone; null where none is. */
  readonly deletionVector: DeletionVector | null
}

export interface MetadataAction {
  readonly id: string
  readonly name: string | null
  readonly description: string | null
  readonly provider: string
  readonly schemaText: string
  readonly partitionColumns: readonly string[]
  readonly configuration: TextMap
  readonly createdTimeMs: number | null
}

export interface ProtocolAction {
  readonly minReaderVersion: number
  readonly minWriterVersion: number
  /** Null before reader version 3. */
  readonly readerFeatures: readonly string[] | null
  /** Null before writer version 7. */
  readonly writerFeatures: readonly string[] | null
}

export interface TxnAction {
  readonly appId: string
  readonly version: bigint
  readonly lastUpdatedMs: number | null
}

/** The JSON of an action, for a log entry. Keys that have no value are left out. */
export function actionJson(action: Action): LogObject {
  switch (action.kind) {
    case 'add':
      return { add: addJson(action.add) }
    case 'remove':
      return { remove: removeJson(action.remove) }
    case 'metaData':
      return { metaData: metadataJson(action.metaData) }
    case 'protocol':
      return { protocol: protocolJson(action.protocol) }
    case 'txn':
      return { txn: txnJson(action.txn) }
    case 'commitInfo':
      return { commitInfo: action.commitInfo }
    case 'sidecar':
    case 'other':
      return {}
  }
}

export function addJson(add: AddAction): LogObject {
  return compact({
    path: add.path,
    partitionValues: add.partitionValues,
    size: add.bytes,
    modificationTime: add.modificationTimeMs,
    dataChange: add.dataChange,
    stats: add.statsText,
    tags: add.tags,
    deletionVector: vectorJson(add.deletionVector),
  })
}

export function removeJson(remove: RemoveAction): LogObject {
  const extended = remove.partitionValues !== null && remove.bytes !== null
  return compact({
    path: remove.path,
    deletionTimestamp: remove.deletionTimestampMs,
    dataChange: remove.dataChange,
    extendedFileMetadata: extended,
    partitionValues: extended ? remove.partitionValues : null,
    size: extended ? remove.bytes : null,
    tags: extended ? remove.tags : null,
    deletionVector: vectorJson(remove.deletionVector),
  })
}

function vectorJson(vector: DeletionVector | null): LogObject | null {
  return vector === null ? null : compact({ ...vector })
}

export function metadataJson(metaData: MetadataAction): LogObject {
  return compact({
    id: metaData.id,
    name: metaData.name,
    description: metaData.description,
    format: { provider: metaData.provider, options: {} },
    schemaString: metaData.schemaText,
    partitionColumns: metaData.partitionColumns,
    configuration: metaData.configuration,
    createdTime: metaData.createdTimeMs,
  })
}

export function protocolJson(protocol: ProtocolAction): LogObject {
  return compact({
    minReaderVersion: protocol.minReaderVersion,
    minWriterVersion: protocol.minWriterVersion,
    readerFeatures: protocol.readerFeatures,
    writerFeatures: protocol.writerFeatures,
  })
}

export function txnJson(txn: TxnAction): LogObject {
  return compact({ appId: txn.appId, version: txn.version, lastUpdated: txn.lastUpdatedMs })
}

function compact(object: Record<string, LogJson>): LogObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null))
}
