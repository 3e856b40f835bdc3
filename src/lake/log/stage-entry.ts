import type { NewFile } from '../files/add-file.ts'
import { nullsIn } from '../files/add-file.ts'
import { statsTrimmer } from '../files/indexed-columns.ts'
import { hasNotNull, refuseNulls } from '../files/not-null.ts'
import { checkPartitionColumns, formatDeltaSchema } from '../delta-schema.ts'
import { operationMetrics } from '../files/operation-metrics.ts'
import type { Transaction } from '../transaction.ts'
import { actionJson } from './action.ts'
import type { Action, AddAction, MetadataAction, RemoveAction } from './action.ts'
import { writeLogJson } from './log-json.ts'
import type { LogObject } from './log-json.ts'
import { OUR_PROTOCOL } from './protocol.ts'

/** What every attempt of a commit shares. */
export interface PreparedCommit {
  readonly tx: Transaction
  /** Tells our entry from another writer's (I7); in the entry as `commitInfo.txnId`. */
  readonly commitId: string
  /** Null where the metadata stays. */
  readonly metaData: MetadataAction | null
  /** Its files, as the log is to state them. */
  readonly adds: readonly AddAction[]
}

export function prepareCommit(tx: Transaction): PreparedCommit {
  const trim = statsTrimmer({
    fields: tx.metadata?.fields ?? tx.create?.fields ?? tx.snapshot?.metadata.fields ?? [],
    partitionColumns: tx.create?.partitionColumns ?? tx.snapshot?.metadata.partitionColumns ?? [],
    configuration: tx.metadata?.configuration ?? tx.create?.configuration ?? tx.snapshot?.metadata.configuration ?? {},
  })
  const adds = tx.adds.map((file) => {
    const add = addOf(file, tx.dataChange)
    return trim === null ? add : { ...add, statsText: trim(add.statsText) }
  })
  if (tx.dataChange) checkNulls(tx)
  return { tx, commitId: tx.clock.newId(), metaData: metadataOf(tx), adds }
}

/** By the statistics: what brought the files has looked at the rows. */
function checkNulls({ store, snapshot, metadata, create, adds }: Transaction): void {
  const fields = metadata?.fields ?? create?.fields ?? snapshot?.metadata.fields ?? []
  if (!hasNotNull(fields)) return
  const partitionColumns = create?.partitionColumns ?? snapshot?.metadata.partitionColumns ?? []
  for (const file of adds) {
    refuseNulls(
      { uri: store.uri, fields, partitionColumns },
      { partitionValues: file.partitionValues, nulls: nullsIn(file.statsText) },
    )
  }
}

export interface Attempt {
  /** The version that the entry builds on; -1 where it makes the table. */
  readonly readVersion: number
  readonly timestampMs: number
}

/** The bytes of a log entry. */
export function stageEntry(commit: PreparedCommit, attempt: Attempt): Uint8Array {
  const lines = stageActions(commit, attempt).map((action) => writeLogJson(actionJson(action)))
  return Buffer.from(`${lines.join('\n')}\n`)
}

export function isOwnEntry({ commitId }: PreparedCommit, actions: readonly Action[]): boolean {
  return actions.some((action) => action.kind === 'commitInfo' && action.commitInfo['txnId'] === commitId)
}

function stageActions(commit: PreparedCommit, attempt: Attempt): Action[] {
  const { tx, metaData, adds } = commit
  const { timestampMs } = attempt
  const actions: Action[] = [{ kind: 'commitInfo', commitInfo: commitInfo(commit, attempt) }]
  if (tx.snapshot === null) actions.push({ kind: 'protocol', protocol: OUR_PROTOCOL })
  if (metaData !== null) actions.push({ kind: 'metaData', metaData })
  for (const [appId, version] of tx.txns) {
    actions.push({ kind: 'txn', txn: { appId, version, lastUpdatedMs: timestampMs } })
  }
  for (const file of tx.removes) {
    actions.push({ kind: 'remove', remove: removeOf(file, { timestampMs, dataChange: tx.dataChange }) })
  }
  for (const add of adds) actions.push({ kind: 'add', add })
  return actions
}

function commitInfo({ tx, commitId }: PreparedCommit, { readVersion, timestampMs }: Attempt): LogObject {
  const { name, parameters } = tx.operation
  return {
    timestamp: timestampMs,
    operation: name,
    operationParameters: texts(parameters),
    ...(readVersion < 0 ? {} : { readVersion }),
    isolationLevel: tx.reads === 'nothing' || tx.reads === 'removed-files' ? 'WriteSerializable' : 'Serializable',
    isBlindAppend: tx.reads === 'nothing' && tx.removes.length === 0,
    operationMetrics: texts(operationMetrics(tx)),
    engineInfo: 'Sluice',
    txnId: commitId,
  }
}

/** Other readers take parameters and metrics as texts. */
function texts(values: Readonly<Record<string, unknown>>): LogObject {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key,
      typeof value === 'string' ? value : typeof value === 'bigint' ? value.toString() : JSON.stringify(value),
    ]),
  )
}

function addOf(file: NewFile, dataChange: boolean): AddAction {
  return {
    path: file.path,
    partitionValues: file.partitionValues,
    bytes: file.bytes,
    modificationTimeMs: file.modificationTimeMs,
    dataChange,
    statsText: file.statsText,
    tags: file.tags,
    deletionVector: file.deletionVector ?? null,
  }
}

function removeOf(
  file: NewFile,
  { timestampMs, dataChange }: { readonly timestampMs: number; readonly dataChange: boolean },
): RemoveAction {
  return {
    path: file.path,
    deletionTimestampMs: timestampMs,
    dataChange,
    partitionValues: file.partitionValues,
    bytes: file.bytes,
    statsText: null,
    tags: file.tags,
    deletionVector: file.deletionVector ?? null,
  }
}

function metadataOf({ snapshot, create, metadata, clock }: Transaction): MetadataAction | null {
  if (snapshot === null) {
    if (create === undefined) return null
    checkPartitionColumns(create.fields, create.partitionColumns)
    return {
      id: clock.newId(),
      name: create.name ?? null,
      description: null,
      provider: 'parquet',
      schemaText: formatDeltaSchema(create.fields),
      partitionColumns: create.partitionColumns,
      configuration: create.configuration,
      createdTimeMs: clock.nowMs(),
    }
  }
  if (metadata === undefined) return null
  const { action, partitionColumns } = snapshot.metadata
  if (metadata.fields !== undefined) checkPartitionColumns(metadata.fields, partitionColumns)
  return {
    ...action,
    ...(metadata.fields === undefined ? {} : { schemaText: formatDeltaSchema(metadata.fields, action.schemaText) }),
    ...(metadata.configuration === undefined ? {} : { configuration: metadata.configuration }),
  }
}
