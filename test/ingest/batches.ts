import type { ColumnBatch } from '../../src/domain/column-batch.ts'
import type { RecordHeader } from '../../src/domain/dead-letter.ts'
import { encodeHeaders, type BatchSkip, type RecordBatch } from '../../src/domain/record-batch.ts'
import type { RegisteredSchema } from '../../src/ports/schema-registry.ts'
import { columnValues } from '../contract/column-values.ts'

export interface PlacedRecord {
  /** Distance from the batch's first offset; by default its index. */
  readonly delta?: number
  readonly key?: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers?: readonly RecordHeader[]
  /** Instead of `headers`: bytes that may be no headers at all. */
  readonly headerBytes?: Uint8Array
  readonly timestampMs?: number
}

export interface BatchFacts {
  readonly first?: bigint
  readonly next?: bigint
  readonly partition?: number
  readonly skips?: readonly BatchSkip[]
}

/** A batch as a log hands it over, with a few bytes around it that belong to nobody. */
export function placedBatch(records: readonly PlacedRecord[], facts: BatchFacts = {}): RecordBatch {
  const parts: Uint8Array[] = [Buffer.from('before')]
  let at = 6
  const place = (bytes: Uint8Array | null): readonly [number, number] => {
    if (bytes === null) return [-1, -1]
    parts.push(bytes)
    at += bytes.length
    return [at - bytes.length, at]
  }
  const spans = records.map(({ key = null, value, headers = [], headerBytes }) => ({
    key: place(key),
    value: place(value),
    headers: place(headerBytes ?? encodeHeaders(headers)),
  }))
  const of = (what: 'key' | 'value' | 'headers', end: 0 | 1): Int32Array =>
    Int32Array.from(spans, (span) => span[what][end])
  const deltas = records.map(({ delta }, i) => delta ?? i)
  const first = facts.first ?? 0n
  return {
    topic: 'orders',
    partition: facts.partition ?? 0,
    first,
    next: facts.next ?? first + BigInt((deltas.at(-1) ?? -1) + 1),
    count: records.length,
    bytes: Buffer.concat([...parts, Buffer.from('behind')]),
    offsetDeltas: Int32Array.from(deltas),
    timestampsMs: Float64Array.from(records, ({ timestampMs }) => timestampMs ?? 1_700_000_000_000),
    keyStarts: of('key', 0),
    keyEnds: of('key', 1),
    valueStarts: of('value', 0),
    valueEnds: of('value', 1),
    headersStarts: of('headers', 0),
    headersEnds: of('headers', 1),
    skips: facts.skips ?? [],
  }
}

export function orderContract(over: Partial<RegisteredSchema> = {}): RegisteredSchema {
  const fields = [
    { name: 'id', type: 'string' },
    { name: 'n', type: 'int', constraints: { minimum: 0 } },
  ]
  const text = JSON.stringify({ type: 'record', name: 'Order', fields })
  return { subject: 'orders-value', version: 1, id: 7, format: 'avro', text, ...over }
}

/** One object a row. */
export function rowObjects(batch: ColumnBatch): Readonly<Record<string, unknown>>[] {
  const columns = batch.columns.map(columnValues)
  return Array.from({ length: batch.length }, (_, row) =>
    Object.fromEntries(batch.fields.map((field, i) => [field.name, columns[i]![row]])),
  )
}
