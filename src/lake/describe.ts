import type { ColumnField } from '../domain/column-batch.ts'
import type { Snapshot } from './snapshot.ts'

export interface TableDescription {
  readonly id: string
  readonly name: string | null
  readonly version: number
  readonly timestampMs: number
  readonly createdTimeMs: number | null
  readonly fields: readonly ColumnField[]
  readonly partitionColumns: readonly string[]
  readonly configuration: Readonly<Record<string, string>>
  readonly minReaderVersion: number
  readonly minWriterVersion: number
  /** Names of table features; none at reader 1 / writer 2. */
  readonly features: readonly string[]
  readonly files: number
  readonly bytes: number
  /** Null where a file states no count. */
  readonly rows: number | null
  readonly txns: ReadonlyMap<string, bigint>
}

export function describeTable(snapshot: Snapshot): TableDescription {
  const { metadata, protocol, files } = snapshot
  let bytes = 0
  let rows: number | null = 0
  for (const file of files.values()) {
    bytes += file.bytes
    rows = rows === null || file.rows === null ? null : rows + file.rows
  }
  return {
    id: metadata.id,
    name: metadata.name,
    version: snapshot.version,
    timestampMs: snapshot.timestampMs,
    createdTimeMs: metadata.createdTimeMs,
    fields: metadata.fields,
    partitionColumns: metadata.partitionColumns,
    configuration: metadata.configuration,
    minReaderVersion: protocol.minReaderVersion,
    minWriterVersion: protocol.minWriterVersion,
    features: [...new Set([...(protocol.readerFeatures ?? []), ...(protocol.writerFeatures ?? [])])].sort(),
    files: files.size,
    bytes,
    rows,
    txns: snapshot.txns,
  }
}
