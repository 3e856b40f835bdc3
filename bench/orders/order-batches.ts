import type { RecordBatch } from '../../src/domain/record-batch.ts'
import { AvroBuffer } from './avro-buffer.ts'
import { ORDERS_SCHEMA } from './order-schema.ts'

export interface OrdersOptions {
  readonly seed: number
  readonly count: number
  /** Of 1; every kind of fault in turn. */
  readonly badRate?: number
  /** Records a batch; a Kafka producer's batches of 50 to 200 KB hold some hundreds. */
  readonly batchRows?: number
  /** Batches go round the partitions. */
  readonly partitions?: number
}

export interface OrdersBatch {
  readonly batch: RecordBatch
  /** Indexes in the batch of the orders that the contract must refuse, ascending. */
  readonly bad: readonly number[]
}

const CURRENCIES = ['EUR', 'USD', 'GBP', 'SEK', 'PLN', 'CZK', 'CHF', 'DKK']
const COUNTRIES = ['DE', 'FR', 'GB', 'US', 'SE', 'PL', 'CZ', 'CH', 'DK', 'NL', 'BE', 'AT', 'IT', 'ES', 'PT', 'IE']
const CHANNELS = ['web', 'app', 'store', 'phone', 'partner']
const STREETS = ['Elm Street', 'Rue de l’Église', 'Königstraße', 'Station Road', 'Calle Mayor', 'Nørregade', 'Main St']
const TOWNS = ['Leeds', 'Lyon', 'Köln', 'Malmö', 'Gdańsk', 'Porto', 'Springfield', 'Utrecht']
const WORDS = [
  'please',
  'leave',
  'with',
  'the',
  'neighbour',
  'ring',
  'twice',
  'fragile',
  'gift',
  'wrap',
  'before',
  'noon',
]
const BASE_MICROS = 1_790_000_000_000_000
const BAD = 12

/**
 * Avro orders of about 200 bytes in the Confluent wire format, as a log hands them over: the same for the same seed,
 * count and rate, whatever the machine. Lazy: a batch is made as it is asked for.
 */
export function* orderBatches(options: OrdersOptions): Generator<OrdersBatch> {
  const { seed, count, badRate = 0.015, batchRows = 1000, partitions = 1 } = options
  const random = seededRandom(seed)
  const next = Array.from({ length: partitions }, () => 0)
  for (let from = 0, turn = 0; from < count; from += batchRows, turn += 1) {
    const partition = turn % partitions
    const rows = Math.min(batchRows, count - from)
    const at = next[partition]!
    next[partition] = at + rows
    const bad: number[] = []
    const out = new AvroBuffer()
    const [keyStarts, keyEnds, valueStarts, valueEnds] = [0, 1, 2, 3].map(() => new Int32Array(rows)) as [
      Int32Array,
      Int32Array,
      Int32Array,
      Int32Array,
    ]
    const timestampsMs = new Float64Array(rows)
    for (let row = 0; row < rows; row += 1) {
      const id = from + row + 1
      timestampsMs[row] = Math.floor(BASE_MICROS / 1000) + id
      keyStarts[row] = out.at
      out.raw(Buffer.from(String(id), 'latin1'))
      keyEnds[row] = out.at
      const fault = random() < badRate ? Math.floor(random() * BAD) + 1 : 0
      if (fault > 0) bad.push(row)
      valueStarts[row] = out.at
      writeOrder(out, { id, fault, random })
      valueEnds[row] = out.at
    }
    const batch: RecordBatch = {
      topic: 'orders',
      partition,
      first: BigInt(at),
      next: BigInt(at + rows),
      count: rows,
      bytes: out.bytes.slice(0, out.at),
      offsetDeltas: Int32Array.from({ length: rows }, (_, i) => i),
      timestampsMs,
      keyStarts,
      keyEnds,
      valueStarts,
      valueEnds,
      headersStarts: new Int32Array(rows),
      headersEnds: new Int32Array(rows),
      skips: [],
    }
    yield { batch, bad }
  }
}

interface OrderPlan {
  readonly id: number
  /** 0 = none; else which rule, or which part of the encoding, it breaks. */
  readonly fault: number
  readonly random: () => number
}

function writeOrder(out: AvroBuffer, { id, fault, random }: OrderPlan): void {
  const pick = (list: readonly string[]): string => list[Math.floor(random() * list.length)]!
  const start = out.at
  out.byte(fault === 1 ? 1 : 0)
  out.raw(Uint8Array.of(0, 0, 0, ORDERS_SCHEMA.id))
  out.long(id)
  out.long(1 + Math.floor(random() * 4_000_000_000))
  out.long(fault === 2 ? 6 : Math.floor(random() ** 2 * 6))
  out.text(fault === 3 ? 'eur' : pick(CURRENCIES))
  optional(out, fault === 4 ? 'DEU' : random() < 0.05 ? null : pick(COUNTRIES))
  out.text(fault === 5 ? 'fax' : pick(CHANNELS))
  out.decimal((fault === 6 ? -1 : 1) * Math.floor(1 + random() ** 3 * 5_000_000))
  out.long(fault === 7 ? 1001 : 1 + Math.floor(random() ** 2 * 20))
  if (random() < 0.7) out.long(0)
  else {
    out.long(1)
    out.double(fault === 8 ? 2 : Math.floor(random() * 40) / 100)
  }
  out.byte(random() < 0.1 ? 1 : 0)
  const sku = `${pick(COUNTRIES)}-${String(Math.floor(random() * 1_000_000)).padStart(6, '0')}`
  out.text(fault === 8 ? `${sku}--` : random() < 0.5 ? sku : `${sku}-${pick(COUNTRIES)}${Math.floor(random() * 100)}`)
  const place = `${1 + Math.floor(random() * 300)} ${pick(STREETS)}, ${String(Math.floor(random() * 99_999)).padStart(5, '0')} ${pick(TOWNS)}`
  optional(out, fault === 9 ? null : place)
  const words = 12 + Math.floor(random() * 18)
  const note = Array.from({ length: words }, () => pick(WORDS)).join(' ')
  if (fault === 10) {
    out.long(1)
    out.block(Uint8Array.of(0xc3, 0x28))
  } else optional(out, random() < 0.1 ? null : note.slice(0, 140))
  out.long(BASE_MICROS + id * 1000 + Math.floor(random() * 1000))
  if (fault === 11) out.byte(0)
  if (fault === 12) out.at = start + 5 + Math.floor(random() * (out.at - start - 6))
}

function optional(out: AvroBuffer, value: string | null): void {
  out.long(value === null ? 0 : 1)
  if (value !== null) out.text(value)
}

/** mulberry32: 32 bits of state, good enough for test data and the same everywhere. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
