import type { Column, ColumnBatch, ColumnField, ColumnType, ColumnValues } from '../../domain/column-batch.ts'

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

/** The names that are ours. */
export const BRONZE_SYSTEM_COLUMNS: ReadonlySet<string> = new Set(
  [...Object.values(SYSTEM_FIELDS), RUN_DATE].map((field) => field.name),
)

/** A column of one value, `length` times; it costs the same at any length. */
export function constantColumn(type: ColumnType, value: string | number | bigint, length: number): Column {
  const entry: Column = { type, length: 1, validity: null, values: oneValue(type, value) }
  return { type, length, validity: null, values: { layout: 'constant', entry } }
}

function oneValue(type: ColumnType, value: string | number | bigint): ColumnValues {
  switch (type.kind) {
    case 'string':
      return { layout: 'bytes', ...textBytes([String(value)]) }
    case 'int32':
    case 'date':
      return { layout: 'int32', data: Int32Array.of(Number(value)) }
    case 'int64':
    case 'timestamp':
      return { layout: 'int64', data: BigInt64Array.of(BigInt(value)) }
    default:
      throw new TypeError(`no constant column of kind ${type.kind}`)
  }
}

/** A string column from one text a row; the texts repeat, so that each is held once. */
export function repeatedTextColumn(texts: readonly string[]): Column {
  const { length } = texts
  const known = new Map<string, number>()
  const ids = new Int32Array(length)
  for (let i = 0; i < length; i += 1) {
    const each = texts[i]!
    let id = known.get(each)
    if (id === undefined) {
      id = known.size
      known.set(each, id)
    }
    ids[i] = id
  }
  if (known.size === 1) return constantColumn(text, texts[0]!, length)
  return { type: text, length, validity: null, values: { layout: 'dictionary', ids, ...textBytes([...known.keys()]) } }
}

function textBytes(texts: readonly string[]): { readonly offsets: Int32Array; readonly data: Uint8Array } {
  const parts = texts.map((each) => Buffer.from(each, 'utf8'))
  const offsets = new Int32Array(parts.length + 1)
  for (const [i, part] of parts.entries()) offsets[i + 1] = offsets[i]! + part.length
  return { offsets, data: Buffer.concat(parts) }
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
