import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createEncoder } from '../../src/contract/encode.ts'
import type { RecordHeader } from '../../src/domain/dead-letter.ts'
import type { OutgoingRecord } from '../../src/domain/record-batch.ts'
import type { RegisteredSchema } from '../../src/ports/schema-registry.ts'
import type { SourceValue } from '../../src/ports/source-connector.ts'
import type { TestWorld } from './world.ts'

/** Orders: the smallest contract with a key, a rule and an optional field. */

export const ORDER_FIELDS: readonly object[] = [
  { name: 'id', type: 'string' },
  { name: 'n', type: 'int', constraints: { minimum: 0 } },
]

export function orderSchema(fields: readonly object[] = ORDER_FIELDS): {
  readonly format: 'avro'
  readonly text: string
} {
  return { format: 'avro', text: JSON.stringify({ type: 'record', name: 'Order', fields }) }
}

export async function registerOrders(
  world: TestWorld,
  fields: readonly object[] = ORDER_FIELDS,
  subject = 'orders-value',
): Promise<RegisteredSchema> {
  return world.registry.register(subject, orderSchema(fields))
}

export interface OrderFacts {
  readonly headers?: readonly RecordHeader[]
  readonly key?: string | null
  readonly timestampMs?: number
}

/** A record with these fields, written by this schema. */
export function order(
  schema: RegisteredSchema,
  fields: Readonly<Record<string, SourceValue>> & { readonly id: string },
  facts: OrderFacts = {},
): OutgoingRecord {
  const encoded = createEncoder(schema).encode(Object.keys(fields), Object.values(fields), false)
  if (encoded.kind === 'refused') throw new Error(JSON.stringify(encoded.errors))
  const key = facts.key === undefined ? fields.id : facts.key
  return { ...message(encoded.bytes, facts), key: key === null ? null : Buffer.from(key) }
}

/** A record of these bytes, whatever they are; null is a tombstone. */
export function message(value: Uint8Array | null, facts: OrderFacts = {}): OutgoingRecord {
  const { headers = [], key = null, timestampMs = 1_700_000_000_000 } = facts
  return { key: key === null ? null : Buffer.from(key), value, headers, timestampMs }
}

/** `count` good orders, n counting up from `first`. */
export function orders(schema: RegisteredSchema, count: number, first = 0): OutgoingRecord[] {
  return Array.from({ length: count }, (_, i) => order(schema, { id: `k${first + i}`, n: first + i }))
}

/** Appends to one partition of a topic, which is made where it is missing. */
export async function produce(
  world: TestWorld,
  records: readonly OutgoingRecord[],
  { topic = 'orders', partition = 0, partitions = 1, retentionMs = null as number | null } = {},
): Promise<void> {
  await world.embedded.create(topic, { partitions, retentionMs })
  if (records.length > 0) await world.embedded.append({ batches: [{ topic, partition, records }], state: null })
}

/** A line of a lane's files, read without Sluice. */
export interface LaneLine {
  readonly row_id: string
  readonly stage: string
  readonly topic: string | null
  readonly partition: number | null
  readonly offset: string | null
  readonly contract_id: number | null
  readonly schema_id: number | null
  readonly errors: readonly { readonly code: string; readonly field: string | null; readonly rule: string }[]
  readonly raw: string | null
  readonly record: unknown
}

export async function laneLines(lake: string, table = 'orders'): Promise<LaneLine[]> {
  return (await jsonLines(join(lake, '_errors/bronze', table), 'dt=')) as LaneLine[]
}

export async function skipLines(lake: string, table = 'orders'): Promise<Record<string, unknown>[]> {
  return (await jsonLines(join(lake, '_errors/bronze', table), '_skips')) as Record<string, unknown>[]
}

export async function healingLines(lake: string, table = 'orders'): Promise<{ row_id: string; version: number }[]> {
  return (await jsonLines(join(lake, '_errors/bronze', table), '_healed')) as { row_id: string; version: number }[]
}

async function jsonLines(folder: string, prefix: string): Promise<unknown[]> {
  const lines: unknown[] = []
  const entries: string[] = await readdir(folder, { recursive: true }).catch(() => [])
  for (const entry of entries.toSorted((a, b) => (a < b ? -1 : 1))) {
    if (!entry.startsWith(prefix) || !entry.endsWith('.json')) continue
    for (const line of (await readFile(join(folder, entry), 'utf8')).trimEnd().split('\n')) lines.push(JSON.parse(line))
  }
  return lines
}
