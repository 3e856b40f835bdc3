import type { Column, ColumnBatch, ColumnField, ColumnType } from '../src/domain/column-batch.ts'
import { createParquetWriter } from '../src/parquet/write-parquet.ts'
import type { PageCodec } from '../src/parquet/encode/page-codec.ts'

/**
 * Parquet alone: synthetic orders of about 200 bytes and 14 fields, with the columns that every bronze row carries,
 * from columns in memory to a file's bytes in memory. The making of the columns is not counted.
 */

export interface ParquetMeasured {
  readonly rows: number
  readonly batches: number
  readonly fileBytes: number
  /** Of the writer alone. */
  readonly cpuSeconds: number
  readonly rowsPerCpuSecond: number
}

export interface ParquetBenchOptions {
  readonly codec?: PageCodec
  readonly batchRows?: number
  readonly rowGroupBytes?: number
  /** Given each part of the file as it leaves the writer; else they are only counted. */
  readonly take?: (part: Uint8Array) => void
}

const BATCH_ROWS = 8192

export function writeOrdersParquet(rows: number, options: ParquetBenchOptions = {}): ParquetMeasured {
  const { batchRows = BATCH_ROWS, codec = 'zstd', rowGroupBytes, take } = options
  const make = orderMaker()
  const writer = createParquetWriter({
    fields: ORDER_FIELDS,
    codec,
    ...(rowGroupBytes === undefined ? {} : { rowGroupBytes }),
  })
  let [fileBytes, batches, micros] = [0, 0, 0]
  const keep = (parts: readonly Uint8Array[]): void => {
    for (const part of parts) {
      fileBytes += part.length
      take?.(part)
    }
  }
  for (let first = 0; first < rows; first += batchRows) {
    const batch = make(first, Math.min(batchRows, rows - first))
    const before = process.cpuUsage()
    keep(writer.write(batch))
    const { user, system } = process.cpuUsage(before)
    micros += user + system
    batches += 1
  }
  const before = process.cpuUsage()
  keep(writer.finish().chunks)
  const { user, system } = process.cpuUsage(before)
  const cpuSeconds = (micros + user + system) / 1e6
  return { rows, batches, fileBytes, cpuSeconds, rowsPerCpuSecond: rows / cpuSeconds }
}

const STRING: ColumnType = { kind: 'string' }
const INT32: ColumnType = { kind: 'int32' }
const INT64: ColumnType = { kind: 'int64' }
const TIMESTAMP: ColumnType = { kind: 'timestamp' }
const MONEY: ColumnType = { kind: 'decimal', precision: 12, scale: 2 }

type Make = (first: number, rows: number) => Column

const CURRENCIES = ['EUR', 'USD', 'GBP', 'CHF', 'SEK']
const STATUSES = ['created', 'paid', 'packed', 'shipped', 'delivered', 'returned']
const COUNTRIES = ['DE', 'FR', 'US', 'GB', 'CH', 'SE', 'ES', 'IT', 'NL', 'PL', 'AT', 'BE', 'DK', 'NO', 'FI', 'PT']
const CHANNELS = ['web', 'app', 'store', 'partner']
const START_MICROS = 1_700_000_000_000_000n

/** What an order holds, then what ingest adds; the latter are constant in a flush but for offset and record time. */
function orderColumns(): readonly (readonly [string, boolean, ColumnType, Make])[] {
  const random = randomSource(20_261_128)
  const texts = (size: (row: number) => number, fill: (out: Uint8Array, at: number, row: number) => void): Make => {
    return (first, rows) => {
      const offsets = new Int32Array(rows + 1)
      for (let i = 0; i < rows; i += 1) offsets[i + 1] = offsets[i]! + size(first + i)
      const data = new Uint8Array(offsets[rows]!)
      for (let i = 0; i < rows; i += 1) fill(data, offsets[i]!, first + i)
      return { type: STRING, length: rows, validity: null, values: { layout: 'bytes', offsets, data } }
    }
  }
  const digits = (prefix: string, width: number, number: (row: number) => number): Make =>
    texts(
      () => prefix.length + width,
      (out, at, row) => {
        for (let i = 0; i < prefix.length; i += 1) out[at + i] = prefix.charCodeAt(i)
        let rest = number(row)
        for (let i = prefix.length + width - 1; i >= prefix.length; i -= 1) {
          out[at + i] = 48 + (rest % 10)
          rest = Math.floor(rest / 10)
        }
      },
    )
  const words = (choices: readonly string[]): Make => interned(choices, () => random() % choices.length)
  const int64s = (type: ColumnType, value: (row: number) => bigint): Make => {
    return (first, rows) => {
      const data = new BigInt64Array(rows)
      for (let i = 0; i < rows; i += 1) data[i] = value(first + i)
      return { type, length: rows, validity: null, values: { layout: 'int64', data } }
    }
  }
  const int32s = (value: (row: number) => number): Make => {
    return (first, rows) => {
      const data = new Int32Array(rows)
      for (let i = 0; i < rows; i += 1) data[i] = value(first + i)
      return { type: INT32, length: rows, validity: null, values: { layout: 'int32', data } }
    }
  }
  const sparse = (make: Make, presentOf: number): Make => {
    return (first, rows) => {
      const validity = new Uint8Array(rows)
      for (let i = 0; i < rows; i += 1) validity[i] = random() % presentOf === 0 ? 1 : 0
      return { ...make(first, rows), validity }
    }
  }
  const hex: Make = texts(
    () => 36,
    (out, at) => {
      for (let i = 0; i < 36; i += 1) out[at + i] = HEX[random() & 15]!
      for (const dash of [8, 13, 18, 23]) out[at + dash] = 45
    },
  )
  return [
    ['order_id', false, STRING, hex],
    ['customer_id', false, STRING, digits('C-', 8, () => random() % 200_000)],
    ['product_id', false, STRING, digits('SKU-', 6, () => random() % 20_000)],
    ['status', false, STRING, words(STATUSES)],
    ['currency', false, STRING, words(CURRENCIES)],
    ['country', false, STRING, words(COUNTRIES)],
    ['channel', true, STRING, words(CHANNELS)],
    ['quantity', false, INT32, int32s(() => 1 + (random() % 10))],
    ['unit_price', false, MONEY, int64s(MONEY, () => BigInt(100 + (random() % 99_900)))],
    ['amount', false, MONEY, int64s(MONEY, () => BigInt(100 + (random() % 999_900)))],
    [
      'discount',
      true,
      MONEY,
      sparse(
        int64s(MONEY, () => BigInt(random() % 10_000)),
        5,
      ),
    ],
    [
      'created_at',
      false,
      TIMESTAMP,
      int64s(TIMESTAMP, (row) => START_MICROS + BigInt(row * 37_000 + (random() % 9_000))),
    ],
    [
      'updated_at',
      false,
      TIMESTAMP,
      int64s(TIMESTAMP, (row) => START_MICROS + BigInt(row * 37_000 + (random() % 3_600_000_000))),
    ],
    [
      'coupon',
      true,
      STRING,
      sparse(
        digits('SAVE', 4, () => random() % 500),
        8,
      ),
    ],
    ['_batch_id', true, STRING, constant(STRING, '2f1d9b4e-8f3a-4a6b-9d57-0c7a4f6f9e11')],
    ['_source_system', true, STRING, constant(STRING, 'kafka')],
    ['_topic', true, STRING, constant(STRING, 'orders')],
    ['_partition', true, INT32, constant(INT32, '3')],
    ['_epoch', true, INT32, constant(INT32, '0')],
    ['_offset', true, INT64, int64s(INT64, (row) => BigInt(row))],
    ['_record_ts', true, TIMESTAMP, int64s(TIMESTAMP, (row) => START_MICROS + BigInt(Math.floor(row * 37) * 1000))],
    ['_op', true, STRING, constant(STRING, 'c')],
    ['_schema_id', true, INT32, constant(INT32, '17')],
    ['_contract_id', true, INT32, constant(INT32, '17')],
    [
      '_rescued',
      true,
      STRING,
      (first, rows) => ({ ...constant(STRING, '')(first, rows), validity: new Uint8Array(rows) }),
    ],
    ['_ingest_ts', true, TIMESTAMP, constant(TIMESTAMP, String(START_MICROS))],
  ]
}

const HEX = Buffer.from('0123456789abcdef')

function constant(type: ColumnType, value: string): Make {
  const entry: Column = {
    type,
    length: 1,
    validity: null,
    values:
      type.kind === 'int32'
        ? { layout: 'int32', data: Int32Array.of(Number(value)) }
        : type.kind === 'string'
          ? { layout: 'bytes', ...textBytes([value]) }
          : { layout: 'int64', data: BigInt64Array.of(BigInt(value)) },
  }
  return (_, length) => ({ type, length, validity: null, values: { layout: 'constant', entry } })
}

/** As the decoder interns them: each text once. */
function interned(choices: readonly string[], choose: () => number): Make {
  const bytes = textBytes(choices)
  return (_, length) => {
    const ids = Int32Array.from({ length }, choose)
    return { type: STRING, length, validity: null, values: { layout: 'dictionary', ids, ...bytes } }
  }
}

function textBytes(texts: readonly string[]): { readonly offsets: Int32Array; readonly data: Uint8Array } {
  const parts = texts.map((text) => Buffer.from(text))
  const offsets = new Int32Array(parts.length + 1)
  for (const [i, part] of parts.entries()) offsets[i + 1] = offsets[i]! + part.length
  return { offsets, data: Buffer.concat(parts) }
}

/** Xorshift: the same orders in every run. */
function randomSource(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}

export const ORDER_FIELDS: readonly ColumnField[] = orderColumns().map(([name, nullable, type]) => ({
  name,
  type,
  nullable,
}))

export function orderMaker(): (first: number, rows: number) => ColumnBatch {
  const columns = orderColumns()
  return (first, rows) => ({
    length: rows,
    fields: ORDER_FIELDS,
    columns: columns.map(([, , , make]) => make(first, rows)),
  })
}

/** One JSON line, for whoever runs it in a process of its own: SLUICE_BENCH_ROWS, SLUICE_BENCH_CODEC. */
if (import.meta.main) {
  const rows = Number(process.env['SLUICE_BENCH_ROWS'] ?? 2_000_000)
  const codec = (process.env['SLUICE_BENCH_CODEC'] ?? 'zstd') as PageCodec
  // Once for the compiler to see what runs.
  writeOrdersParquet(Math.min(rows, 200_000), { codec })
  const measured = writeOrdersParquet(rows, { codec })
  const peakBytes = process.resourceUsage().maxRSS * 1024
  process.stdout.write(`${JSON.stringify({ ...measured, peakBytes })}\n`)
}
