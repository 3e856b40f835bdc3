import { encodeKey } from '../contract/encode.ts'
import { frameRecord } from '../contract/wire.ts'
import type { DeadLetter, RuleBreach } from '../domain/dead-letter.ts'
import { SluiceError } from '../domain/errors.ts'
import { partitionOf } from '../domain/partitioner.ts'
import type { OutgoingRecord } from '../domain/record-batch.ts'
import type { SourceSettings } from '../domain/settings.ts'
import { rowIdOfSource } from '../error-lane/row-id.ts'
import type { SourceBatch, SourceRefusal, SourceRow } from '../ports/source-connector.ts'
import type { PartitionAppend } from '../ports/topic-log.ts'
import { headersOfBatch, type HeadersOf } from './record-headers.ts'
import { packRefusedRow, refusedRecord } from './refused-row.ts'
import type { WireContract } from './wire-contract.ts'

/** What is known when an append begins. */
export interface AppendContext {
  readonly source: SourceSettings
  readonly wire: WireContract
  readonly partitions: number
  readonly runId: string
  readonly traceId: string
  readonly batchId: string
  /** The batch travels with each record, as that of its rows; else ingest names one. */
  readonly isBatchTold?: boolean
  /** The time of the append: every record of it carries it that has none of its own. */
  readonly nowMs: number
}

/**
 * Rows on their way into one append: encoded records by partition, dead letters, and the progress that stands once
 * both are durable. Pure; the same batches give the same records in the same partitions.
 */
export class StagedAppend {
  readonly letters: DeadLetter[] = []
  readonly progress = new Map<string, string | null>()
  readonly batchId: string
  records = 0
  /** Rows and refused lines. */
  read = 0
  /** Held: values, keys, and the raw bytes of letters (I12). */
  bytes = 0
  readonly #context: AppendContext
  readonly #headers: HeadersOf
  readonly #partitions = new Map<number, OutgoingRecord[]>()

  constructor(context: AppendContext) {
    const { source, traceId, batchId, isBatchTold = false } = context
    this.#context = context
    this.batchId = batchId
    this.#headers = headersOfBatch({ connector: source.connector, traceId, batchId, isBatchTold })
  }

  /** Throws SOURCE_UNREADABLE where the source lacks a key column. */
  add(batch: SourceBatch): void {
    const { wire, source, partitions, nowMs } = this.#context
    const { columns, object } = batch
    if (batch.rows.length > 0) checkKeyColumns(source, batch)
    for (const row of batch.rows) {
      const encoded = encodeRow(wire, batch, row)
      if (encoded.kind === 'refused') {
        this.#refuseRow(batch, row, encoded.errors)
        continue
      }
      const { value } = encoded
      const keyBytes = this.#keyOf(columns, row)
      const partition = keyBytes === null ? placePartition(object, row, partitions) : partitionOf(keyBytes, partitions)
      const timestampMs = row.timestampMs ?? nowMs
      const record = { key: keyBytes, value, headers: this.#headers(row), timestampMs }
      const records = this.#partitions.get(partition)
      if (records === undefined) this.#partitions.set(partition, [record])
      else records.push(record)
      this.records += 1
      this.bytes += (value?.length ?? 0) + (keyBytes?.length ?? 0)
    }
    for (const refusal of batch.refused) this.#refuseLine(batch, refusal)
    this.read += batch.rows.length + batch.refused.length
    for (const [name, value] of batch.progress) this.progress.set(name, value)
  }

  isEmpty(): boolean {
    return this.progress.size === 0 && this.records === 0 && this.letters.length === 0
  }

  /** Ascending by partition. */
  appends(): PartitionAppend[] {
    const { topic } = this.#context.source
    return [...this.#partitions.entries()]
      .sort(([a], [b]) => a - b)
      .map(([partition, records]) => ({ topic, partition, records }))
  }

  #keyOf(columns: readonly string[], { key, values }: SourceRow): Uint8Array | null {
    if (key !== undefined) return key
    const { source, wire } = this.#context
    return source.key.length === 0 ? null : encodeKey(wire.encoder.keyTexts(source.key, columns, values))
  }

  #refuseRow(batch: SourceBatch, row: SourceRow, errors: readonly RuleBreach[]): void {
    const { columns, textual, object } = batch
    const refused = { columns, row, textual }
    this.#put({
      object,
      at: row.at,
      errors,
      record: this.#context.wire.mask(refusedRecord(refused)),
      raw: packRefusedRow(refused),
      headers: this.#headers(row),
      recordTsMs: row.timestampMs ?? null,
    })
  }

  #refuseLine({ object }: SourceBatch, { at, message, raw }: SourceRefusal): void {
    const errors: RuleBreach[] = [{ code: 'SOURCE_LINE', field: null, rule: 'source', message }]
    this.#put({ object, at, errors, record: null, raw, headers: this.#headers({ op: 'c' }), recordTsMs: null })
  }

  #put(refused: RefusedRecord): void {
    const { source, wire, runId, batchId, nowMs } = this.#context
    const { object, at, errors, record, raw, headers, recordTsMs } = refused
    const place = { source: source.name, object, at }
    this.letters.push({
      rowId: rowIdOfSource(place),
      layer: 'bronze',
      table: wire.table,
      runId,
      batchId,
      stage: 'connect',
      log: null,
      source: place,
      recordTsMs,
      schemaId: wire.schemaId,
      contractId: wire.contractId,
      errors,
      record,
      raw,
      key: null,
      headers,
      sealed: wire.sealed,
      quarantinedAtMs: nowMs,
    })
    this.bytes += raw.length
  }
}

type RefusedRecord = Pick<DeadLetter, 'errors' | 'record' | 'headers' | 'recordTsMs'> & {
  readonly object: string
  readonly at: string
  readonly raw: Uint8Array
}

/** Without a key the place in the source decides, so that a restart chooses the same partition. */
function placePartition(object: string, { at, partition }: SourceRow, partitions: number): number {
  return partition === undefined
    ? partitionOf(Buffer.from(`${object}\0${at}`, 'utf8'), partitions)
    : partition % partitions
}

type EncodedRow =
  | { readonly kind: 'encoded'; readonly value: Uint8Array | null }
  | { readonly kind: 'refused'; readonly errors: readonly RuleBreach[] }

function encodeRow(wire: WireContract, { columns, textual }: SourceBatch, { values, payload }: SourceRow): EncodedRow {
  switch (payload?.kind) {
    case 'bytes':
      return { kind: 'encoded', value: payload.bytes }
    case 'body':
      return { kind: 'encoded', value: frameRecord(wire.schemaId, payload.bytes) }
    case 'tombstone':
      return { kind: 'encoded', value: null }
    case undefined: {
      const encoded = wire.encoder.encode(columns, values, textual)
      return encoded.kind === 'refused' ? encoded : { kind: 'encoded', value: encoded.bytes }
    }
  }
}

/** A text source has one set of columns a file, so a key column that is not among them is a mistake in the settings. */
function checkKeyColumns(source: SourceSettings, { columns, textual, object }: SourceBatch): void {
  const missing = textual ? source.key.find((column) => !columns.includes(column)) : undefined
  if (missing === undefined) return
  throw new SluiceError(
    'SOURCE_UNREADABLE',
    `source ${source.name}: ${object} has no column ${missing}, which is of its key`,
    {
      where: { source: source.name, file: object, key: `sources.${source.name}.key` },
      hint: `Mend sources.${source.name}.key or the file.`,
    },
  )
}
