import type { BreachCode } from '../../src/domain/dead-letter.ts'
import type { RowPayload, SourceValue } from '../../src/ports/source-connector.ts'
import type { Stream } from './shop/shop-event.ts'

/** The ways in which a row can be broken, each so that exactly one rule is. */

type Row = Readonly<Record<string, SourceValue>>

export interface Fault {
  readonly kind: string
  /** What the contract says of it. */
  readonly code: BreachCode
  readonly field: string | null
  /** `connect`: the wire schema cannot hold it, so it never reaches the topic. */
  readonly stage: 'connect' | 'contract'
  readonly breakRow: (row: Row) => Row
  /** In place of the encoded row. */
  readonly payload?: (row: Row) => RowPayload
}

interface FieldFault {
  readonly kind: string
  readonly code: BreachCode
  readonly field: string
  readonly value: (row: Row) => SourceValue
}

function field({ kind, code, field: name, value }: FieldFault): Fault {
  const stage = code === 'SOURCE_VALUE' ? 'connect' : 'contract'
  return { kind, code, field: name, stage, breakRow: (row) => ({ ...row, [name]: value(row) }) }
}

function bytes(kind: string, code: BreachCode, payload: (row: Row) => RowPayload): Fault {
  return { kind, code, field: null, stage: 'contract', breakRow: (row) => row, payload }
}

const always = (value: SourceValue) => () => value
const text = (value: string): Uint8Array => new Uint8Array(Buffer.from(value, 'utf8'))

const WIRE: readonly Fault[] = [
  bytes('wrong magic byte', 'WIRE_FORMAT', () => ({ kind: 'bytes', bytes: text('{"not":"framed"}') })),
  bytes('cut in the frame', 'WIRE_FORMAT', () => ({ kind: 'bytes', bytes: Uint8Array.of(0, 0, 0) })),
  bytes('no bytes at all', 'WIRE_FORMAT', () => ({ kind: 'bytes', bytes: new Uint8Array(0) })),
]
/** Every Avro contract of the shop begins with a text: its length in zigzag, then its bytes. */
const AVRO: readonly Fault[] = [
  ...WIRE,
  bytes('cut in the body', 'DECODE', () => ({ kind: 'body', bytes: Uint8Array.of(80, 67, 48) })),
  bytes('random bytes', 'DECODE', () => ({ kind: 'body', bytes: Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff) })),
]

/** The row as JSON text, with some properties in place of its own. */
function json(row: Row, over: Row): RowPayload {
  return { kind: 'body', bytes: text(JSON.stringify({ ...row, ...over })) }
}

export const FAULTS: Readonly<Record<Stream, readonly Fault[]>> = {
  customers: [
    ...AVRO,
    field({ kind: 'missing', code: 'REQUIRED', field: 'email', value: always(null) }),
    field({ kind: 'pattern', code: 'PATTERN', field: 'email', value: always('nobody at example') }),
    field({ kind: 'too long', code: 'LENGTH', field: 'name', value: always('x'.repeat(200)) }),
    field({ kind: 'not in the list', code: 'ENUM', field: 'segment', value: always('platinum') }),
    field({ kind: 'out of range', code: 'RANGE', field: 'signed_up_at', value: always('1899-12-31T00:00:00Z') }),
    field({ kind: 'wrong type', code: 'SOURCE_VALUE', field: 'updated_at', value: always('yesterday') }),
  ],
  products: [
    ...AVRO,
    field({ kind: 'missing', code: 'REQUIRED', field: 'price', value: always(null) }),
    field({ kind: 'out of range', code: 'RANGE', field: 'price', value: always('-1.00') }),
    field({ kind: 'too long', code: 'LENGTH', field: 'name', value: always('') }),
    field({ kind: 'not in the list', code: 'ENUM', field: 'category', value: always('misc') }),
    field({ kind: 'wrong type', code: 'SOURCE_VALUE', field: 'price', value: always('cheap') }),
  ],
  orders: [
    ...AVRO,
    field({ kind: 'missing', code: 'REQUIRED', field: 'customer_id', value: always(null) }),
    field({ kind: 'out of range', code: 'RANGE', field: 'quantity', value: always(0) }),
    field({ kind: 'out of range', code: 'RANGE', field: 'quantity', value: always(10_001) }),
    field({ kind: 'out of range', code: 'RANGE', field: 'unit_price', value: always('-0.01') }),
    field({
      kind: 'pattern',
      code: 'PATTERN',
      field: 'currency',
      value: always('eur'),
    }),
    field({ kind: 'not in the list', code: 'ENUM', field: 'status', value: always('lost') }),
    field({ kind: 'forbidden', code: 'NOT', field: 'product_id', value: always('P00000') }),
    field({ kind: 'wrong type', code: 'SOURCE_VALUE', field: 'quantity', value: always('many') }),
  ],
  behavior: [
    ...WIRE,
    bytes('cut in the body', 'DECODE', (row) => {
      const whole = text(JSON.stringify(row))
      return { kind: 'body', bytes: whole.subarray(0, Math.floor(whole.length / 2)) }
    }),
    bytes('invalid UTF-8', 'DECODE', (row) => {
      const whole = text(JSON.stringify(row))
      return { kind: 'body', bytes: whole.with(whole.indexOf(0x2d), 0xff) }
    }),
    bytes('no object', 'DECODE', () => ({ kind: 'body', bytes: text('["e-1"]') })),
    field({ kind: 'missing', code: 'REQUIRED', field: 'customer_id', value: always(null) }),
    field({ kind: 'out of range', code: 'RANGE', field: 'duration_ms', value: always(-5) }),
    field({ kind: 'pattern', code: 'PATTERN', field: 'customer_id', value: always('guest') }),
    field({ kind: 'not in the list', code: 'ENUM', field: 'event_type', value: always('teleport') }),
    { ...bytes('wrong type', 'TYPE', (row) => json(row, { duration_ms: 'long' })), field: 'duration_ms' },
    { ...bytes('wrong type', 'TYPE', (row) => json(row, { event_time: 'noon' })), field: 'event_time' },
    bytes('rule of the record', 'JSON_SCHEMA', (row) => json(row, { event_type: 'page_view', product_id: null })),
    field({ kind: 'too long', code: 'LENGTH', field: 'session_id', value: always('s'.repeat(65)) }),
    { ...bytes('unknown field', 'UNKNOWN_FIELD', (row) => json(row, { debug: 'on' })), field: 'debug' },
    field({ kind: 'wrong type', code: 'SOURCE_VALUE', field: 'event_time', value: always('noon') }),
  ],
  fx_rates: [
    ...AVRO,
    field({ kind: 'out of range', code: 'RANGE', field: 'rate', value: always('0') }),
    field({ kind: 'pattern', code: 'PATTERN', field: 'currency', value: always('EURO') }),
    field({ kind: 'missing', code: 'REQUIRED', field: 'rate', value: always(null) }),
    field({ kind: 'wrong type', code: 'SOURCE_VALUE', field: 'rate_date', value: always('2026-02-31') }),
  ],
}
