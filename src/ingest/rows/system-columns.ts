import type { Column, ColumnBatch, ColumnField, ColumnType } from '../../domain/column-batch.ts'

/** The columns that every bronze row carries beside the contract's (DESIGN §1 "Tables"). */

const text: ColumnType = { kind: 'string' }
const int32: ColumnType = { kind: 'int32' }
const timestamp: ColumnType = { kind: 'timestamp' }

/** The partition column: the UTC date of `_ingest_ts`. It stands in the file's path, not in the file. */
export const RUN_DATE: ColumnField = { name: '_run_date', type: { kind: 'date' }, nullable: true }

export const SYSTEM_FIELDS = {
  ingestTs: { name: '_ingest_ts', type: timestamp, nullable: true },
  batchId: { name: '_batch_id', type: text, nullable: true },
  sourceSystem: { name: '_source_system', type: text, nullable: true },
  topic: { name: '_topic', type: text, nullable: true },
  partition: { name: '_partition', type: int32, nullable: true },
  epoch: { name: '_epoch', type: int32, nullable: true },
  offset: { name: '_offset', type: { kind: 'int64' }, nullable: true },
  recordTs: { name: '_record_ts', type: timestamp, nullable: true },
  op: { name: '_op', type: text, nullable: true },
  schemaId: { name: '_schema_id', type: int32, nullable: true },
  contractId: { name: '_contract_id', type: int32, nullable: true },
  rescued: { name: '_rescued', type: text, nullable: true },
} as const satisfies Record<string, ColumnField>

/** A column of one value, `length` times. */
export function constantColumn(type: ColumnType, value: string | number | bigint, length: number): Column {
  switch (type.kind) {
    case 'string': {
      const bytes = Buffer.from(String(value), 'utf8')
      const data = Buffer.alloc(bytes.length * length, bytes.length === 0 ? 0 : bytes)
      const offsets = new Int32Array(length + 1)
      for (let i = 1; i <= length; i += 1) offsets[i] = i * bytes.length
      return { type, length, validity: null, values: { layout: 'bytes', offsets, data } }
    }
    case 'int32':
    case 'date':
      return {
        type,
        length,
        validity: null,
        values: { layout: 'int32', data: new Int32Array(length).fill(Number(value)) },
      }
    case 'int64':
    case 'timestamp':
      return {
        type,
        length,
        validity: null,
        values: { layout: 'int64', data: new BigInt64Array(length).fill(BigInt(value)) },
      }
    default:
      throw new TypeError(`no constant column of kind ${type.kind}`)
  }
}

/** A string column from one text a row; the texts repeat, so that each is encoded once. */
export function repeatedTextColumn(texts: readonly string[]): Column {
  const first = texts[0]
  if (first !== undefined && texts.every((each) => each === first)) return constantColumn(text, first, texts.length)
  const known = new Map<string, Buffer>()
  const offsets = new Int32Array(texts.length + 1)
  const parts: Buffer[] = []
  let at = 0
  for (let i = 0; i < texts.length; i += 1) {
    const each = texts[i]!
    let bytes = known.get(each)
    if (bytes === undefined) {
      bytes = Buffer.from(each, 'utf8')
      known.set(each, bytes)
    }
    parts.push(bytes)
    at += bytes.length
    offsets[i + 1] = at
  }
  return {
    type: text,
    length: texts.length,
    validity: null,
    values: { layout: 'bytes', offsets, data: Buffer.concat(parts) },
  }
}

/** The batch with the flush's time as `_ingest_ts`. */
export function stampIngestTime(batch: ColumnBatch, nowMs: number): ColumnBatch {
  return {
    length: batch.length,
    fields: [...batch.fields, SYSTEM_FIELDS.ingestTs],
    columns: [...batch.columns, constantColumn(timestamp, BigInt(nowMs) * 1000n, batch.length)],
  }
}

/** `_run_date` in Delta's text form. */
export function runDate(nowMs: number): string {
  return new Date(nowMs).toISOString().slice(0, 10)
}
