import type { ColumnField, ColumnType } from '../../src/domain/column-batch.ts'
import type { Rows } from './bench-lake.ts'

/** Rows of the shop's bronze tables, made by SQL alone: the same for the same sizes. */

const text: ColumnType = { kind: 'string' }
const instant: ColumnType = { kind: 'timestamp' }
const small: ColumnType = { kind: 'int32' }
const large: ColumnType = { kind: 'int64' }
const day: ColumnType = { kind: 'date' }

/** What every bronze row carries. */
const SYSTEM: readonly (readonly [string, ColumnType])[] = [
  ['_ingest_ts', instant],
  ['_batch_id', text],
  ['_source_system', text],
  ['_run_date', day],
  ['_topic', text],
  ['_partition', small],
  ['_epoch', small],
  ['_offset', large],
  ['_record_ts', instant],
  ['_op', text],
  ['_schema_id', small],
  ['_contract_id', small],
  ['_rescued', text],
]
const ROWS_A_FILE = 1_000_000

export interface Generated {
  readonly table: string
  readonly columns: readonly (readonly [string, ColumnType])[]
  /** Each column as SQL over `i`, from `from` on; `_record_ts` and `_op` may be among them. */
  readonly values: Readonly<Record<string, string>>
  readonly from: number
  readonly count: number
  /** When they were landed. */
  readonly landedAt: string
  /** Added to `i` to give the offset. */
  readonly offset?: number
}

export function bronzeRows({ table, columns, values, from, count, landedAt, offset = 0 }: Generated): Rows {
  const system: Record<string, string> = {
    _ingest_ts: `timestamp '${landedAt}'`,
    _batch_id: `'6f1c0c6e-0000-4000-8000-000000000001'`,
    _source_system: `'simulator'`,
    _run_date: `cast('${landedAt.slice(0, 10)}' as date)`,
    _topic: `'${table}'`,
    _partition: 'i % 4',
    _epoch: '0',
    _offset: `(i + ${offset}) // 4`,
    _record_ts: `timestamp '${landedAt}'`,
    _op: `'c'`,
    _schema_id: '1',
    _contract_id: '1',
    _rescued: 'cast(null as varchar)',
  }
  const all = [...columns, ...SYSTEM]
  const of = { ...system, ...values }
  const list = all.map(([name]) => `${of[name]!} as ${name}`).join(', ')
  const selects: string[] = []
  for (let start = from; start < from + count; start += ROWS_A_FILE) {
    const end = Math.min(from + count, start + ROWS_A_FILE)
    selects.push(`select ${list} from range(${start}, ${end}) r(i)`)
  }
  return {
    table: `bronze.${table}`,
    fields: all.map(([name, type]): ColumnField => ({ name, type, nullable: true })),
    selects,
  }
}

/** 0 ≤ x < 1, from `i` and a salt. */
export function draw(salt: number): string {
  return `((hash(i * 7919 + ${salt}) % 1000003) / 1000003.0)`
}

export function pick(salt: number, ...values: readonly string[]): string {
  return `[${values.map((value) => `'${value}'`).join(', ')}][1 + cast(floor(${draw(salt)} * ${values.length}) as int)]`
}

export function customerId(number: string): string {
  return `'C' || lpad(cast(cast(${number} as bigint) as varchar), 7, '0')`
}

export const CUSTOMER_COLUMNS: Generated['columns'] = [
  ['customer_id', text],
  ['name', text],
  ['email', text],
  ['city', text],
  ['country', text],
  ['segment', text],
  ['signed_up_at', instant],
  ['updated_at', instant],
]

export const CITIES = [
  'Oslo',
  'Bern',
  'Rome',
  'Paris',
  'Lyon',
  'Graz',
  'Porto',
  'Turku',
  'Gdynia',
  'Malmo',
  'Delft',
  'Leeds',
]

/** `number` and `updatedAt` as SQL over `i`. */
export function customerValues(number: string, updatedAt: string, salt: number): Record<string, string> {
  return {
    customer_id: customerId(number),
    name: `' Customer ' || cast(${number} as bigint) || ' '`,
    email: `'USER' || cast(${number} as bigint) || '@example.org'`,
    city: pick(salt, ...CITIES),
    country: pick(salt + 1, 'NO', 'CH', 'IT', 'FR', 'AT', 'PT'),
    segment: pick(salt + 2, 'consumer', 'business', 'vip'),
    signed_up_at: `timestamp '2024-01-01'`,
    updated_at: updatedAt,
  }
}

export const ORDER_COLUMNS: Generated['columns'] = [
  ['order_line_id', text],
  ['order_id', text],
  ['line_number', small],
  ['customer_id', text],
  ['product_id', text],
  ['quantity', small],
  ['unit_price', { kind: 'decimal', precision: 12, scale: 2 }],
  ['currency', text],
  ['status', text],
  ['ordered_at', instant],
  ['updated_at', instant],
]

export interface OrderValues {
  /** The line's number, as SQL over `i`. */
  readonly line: string
  readonly customer: string
  readonly orderedAt: string
  readonly updatedAt: string
  readonly status: string
}

export function orderValues({ line, customer, orderedAt, updatedAt, status }: OrderValues): Record<string, string> {
  return {
    order_line_id: `'O' || lpad(cast(cast((${line}) // 2 as bigint) as varchar), 10, '0') || '-' || ((${line}) % 2 + 1)`,
    order_id: `'O' || lpad(cast(cast((${line}) // 2 as bigint) as varchar), 10, '0')`,
    line_number: `(${line}) % 2 + 1`,
    customer_id: customerId(customer),
    product_id: `'P' || lpad(cast(hash(${line}) % 20000 as varchar), 5, '0')`,
    quantity: `1 + hash(${line}) % 5`,
    unit_price: `cast(1 + (hash((${line}) * 3) % 20000) / 100.0 as decimal(12, 2))`,
    currency: `['EUR', 'USD', 'GBP', 'NOK'][1 + cast(hash((${line}) // 2) % 4 as int)]`,
    status,
    ordered_at: orderedAt,
    updated_at: updatedAt,
  }
}

export const BEHAVIOR_COLUMNS: Generated['columns'] = [
  ['event_id', text],
  ['customer_id', text],
  ['event_type', text],
  ['product_id', text],
  ['session_id', text],
  ['duration_ms', large],
  ['event_time', instant],
]

export const FX_COLUMNS: Generated['columns'] = [
  ['currency', text],
  ['rate_date', day],
  ['rate', { kind: 'decimal', precision: 18, scale: 8 }],
  ['published_at', instant],
]

/** A rate a currency and day over 400 days from 2025-01-01 on. */
export const FX_ROWS = bronzeRows({
  table: 'fx_rates',
  columns: FX_COLUMNS,
  values: {
    currency: `['EUR', 'USD', 'GBP', 'NOK'][1 + cast(i % 4 as int)]`,
    rate_date: `cast(timestamp '2025-01-01' + to_days(cast(i // 4 as int)) as date)`,
    rate: `cast(case i % 4 when 0 then 1 else 0.5 + (hash(i) % 1000) / 1000.0 end as decimal(18, 8))`,
    published_at: `timestamp '2025-01-01' + to_days(cast(i // 4 as int))`,
  },
  from: 0,
  count: 1600,
  landedAt: '2026-01-31 00:00:00',
})
