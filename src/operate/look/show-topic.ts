import { createJudge, type Judge } from '../../contract/judge.ts'
import { canonicalText } from '../../contract/rules/canonical-text.ts'
import { createRecordShow, type ShowRecord } from '../../contract/show-record.ts'
import { readSchemaId } from '../../contract/wire.ts'
import { hasPii, type Contract } from '../../domain/contract.ts'
import type { JsonValue, RuleBreach } from '../../domain/dead-letter.ts'
import { SluiceError } from '../../domain/errors.ts'
import { HIDDEN, maskValue } from '../../domain/masking.ts'
import {
  readHeaders,
  recordKey,
  recordOffset,
  recordValue,
  type KeptBack,
  type RecordBatch,
} from '../../domain/record-batch.ts'
import type { BronzeTableSettings } from '../../domain/settings.ts'
import { contractInForce } from '../../ingest/lane/contract-in-force.ts'
import type { RegisteredSchema } from '../../ports/schema-registry.ts'
import type { TopicDescription } from '../../ports/topic-log.ts'
import type { World } from '../../ports/world.ts'
import { sliceBatch } from './slice-batch.ts'

/** A record of a topic as a person may see it: PII masked by every contract that lands the topic. */
export interface ShownRecord {
  readonly offset: bigint
  readonly timestampMs: number
  /** Text, or base64 where the bytes are none. */
  readonly key: string | null
  readonly headers: readonly { readonly key: string; readonly value: string }[]
  readonly kind: 'record' | 'tombstone' | 'undecodable'
  readonly schemaId: number | null
  /** `subject@version` of the schema that wrote it. */
  readonly writtenAs: string | null
  readonly record: JsonValue
  /** Why it cannot be decoded. */
  readonly reason: string | null
  readonly bytes: number
  /** The value's first bytes in base64, where it cannot be decoded and no contract of the topic tags PII. */
  readonly raw: string | null
  /** What each bronze table of the topic makes of it now. */
  readonly verdicts: readonly { readonly table: string; readonly errors: readonly RuleBreach[] }[]
}

export interface TopicPlace {
  readonly topic: string
  readonly partition: number
  /** Null: the last `limit` offsets. */
  readonly offset: bigint | null
  readonly limit: number
}

type ShowWorld = Pick<World, 'log' | 'registry' | 'settings'>

const RAW_PREVIEW_BYTES = 256
const FETCH_BYTES = 1_000_000
/** Only verdicts are wanted here; the columns that it would hash are thrown away. */
const UNUSED_KEY = 'unused'
/** Headers that never carry a record's values. */
const OPEN_HEADER =
  /^(sluice\.|traceparent$|__connect\.errors\.(topic|partition|offset|class\.name|stage|connector\.name)$)/

export async function showTopic(world: ShowWorld, place: TopicPlace): Promise<ShownRecord[]> {
  const topic = await describeTopic(world, place.topic)
  const at = topic.partitions[place.partition]
  if (at === undefined) {
    throw new SluiceError(
      'USAGE',
      `topic ${topic.topic} has no partition ${place.partition}; it has 0 to ${topic.partitions.length - 1}`,
      {
        where: { topic: topic.topic, partition: place.partition },
        hint: 'See `sluice topic list`.',
      },
    )
  }
  const last = at.end - BigInt(place.limit)
  let from = place.offset ?? (last > at.start ? last : at.start)
  if (place.offset !== null && (from < at.start || from >= at.end)) throw outside(topic.topic, at, from)
  const lenses = from < at.end ? await openLenses(world, topic.topic) : []
  const shown: ShownRecord[] = []
  while (shown.length < place.limit && from < at.end) {
    const fetched = await world.log.fetch({ ...place, from, maxBytes: FETCH_BYTES, waitMs: 0 })
    if (fetched.kind === 'out_of_range') throw outside(topic.topic, { partition: place.partition, ...fetched }, from)
    if (fetched.kind !== 'batches') break
    for (const batch of fetched.batches) {
      for (let index = 0; index < batch.count && shown.length < place.limit; index += 1) {
        shown.push(await showRecord(world, batch, index, lenses))
      }
      from = batch.next
    }
  }
  return shown
}

export async function describeTopic(world: Pick<World, 'log'>, name: string): Promise<TopicDescription> {
  const topic = await world.log.describe(name)
  if (topic !== null) return topic
  const known = (await world.log.topics()).map((each) => each.topic)
  const near = known.length === 0 ? 'there are none yet' : `there are ${known.join(', ')}`
  throw new SluiceError('TOPIC_UNKNOWN', `there is no topic ${name}; ${near}`, { where: { topic: name } })
}

/** How one bronze table sees the topic. */
interface Lens {
  readonly table: BronzeTableSettings
  readonly judge: Judge
  readonly show: ShowRecord
}

async function openLenses(world: ShowWorld, topic: string): Promise<Lens[]> {
  const lenses: Lens[] = []
  for (const table of world.settings.tables.values()) {
    // A copy of dead letters holds what the topic itself holds.
    if (table.topic !== topic && `${table.topic}.errors` !== topic) continue
    const schema = await contractInForce(world.registry, table)
    const judge = createJudge({ schema, mode: table.onUnknownField, keyColumns: table.key, hashKey: UNUSED_KEY })
    lenses.push({ table, judge, show: createRecordShow(schema) })
  }
  return lenses
}

async function showRecord(
  world: ShowWorld,
  batch: RecordBatch,
  index: number,
  lenses: readonly Lens[],
): Promise<ShownRecord> {
  const value = recordValue(batch, index)
  const { keptBack } = batch
  const schemaId = value === null ? null : (readSchemaId(value)?.schemaId ?? null)
  const writer = schemaId === null ? null : await world.registry.byId(schemaId)
  const hidden = lenses.some(({ judge }) => hasPii(judge.contract))
  const record = value === null || writer === null ? null : decode(writer, value, lenses)
  const isTombstone = value === null && keptBack === undefined
  const kind = isTombstone ? 'tombstone' : record === null ? 'undecodable' : 'record'
  const unresolved = keptBack !== undefined || (schemaId !== null && writer === null)
  const verdicts = unresolved
    ? []
    : lenses.map(({ table, judge }) => ({
        table: `bronze.${table.table}`,
        errors: verdictOf(judge, sliceBatch(batch, index, index + 1), writer),
      }))
  return {
    offset: recordOffset(batch, index),
    timestampMs: batch.timestampsMs[index]!,
    key: showKey(recordKey(batch, index), lenses),
    headers: readHeaders(batch, index).map((header) => ({
      key: header.key,
      value: hidden && !OPEN_HEADER.test(header.key) ? HIDDEN : bytesText(header.value),
    })),
    kind,
    schemaId,
    writtenAs: writer === null ? null : `${writer.subject}@${writer.version}`,
    record,
    reason: kind === 'undecodable' ? reasonOf({ schemaId, writer, verdicts, keptBack }) : null,
    bytes: value?.length ?? 0,
    raw:
      kind !== 'undecodable' || hidden || value === null
        ? null
        : Buffer.from(value.subarray(0, RAW_PREVIEW_BYTES)).toString('base64'),
    verdicts,
  }
}

/** Masked by every table's contract in turn; by the writer's own where no table lands the topic. */
function decode(writer: RegisteredSchema, value: Uint8Array, lenses: readonly Lens[]): JsonValue {
  if (lenses.length === 0) return ownShow(writer)?.(writer, value) ?? null
  const shown = lenses.map((lens) => lens.show(writer, value))
  return shown.length === 1 ? shown[0]! : mostMasked(shown)
}

function ownShow(writer: RegisteredSchema): ShowRecord | null {
  try {
    return createRecordShow(writer)
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'CONTRACT_INVALID') return null
    throw error
  }
}

/** Of several maskings of one record each value is shown only where all of them show it. */
function mostMasked(shown: readonly JsonValue[]): JsonValue {
  return shown.reduce((a, b) => {
    if (isPlainObject(a) && isPlainObject(b)) {
      return Object.fromEntries(Object.entries(a).map(([key, value]) => [key, mostMasked([value, b[key] ?? null])]))
    }
    return JSON.stringify(a) === JSON.stringify(b) ? a : HIDDEN
  })
}

function isPlainObject(value: JsonValue): value is { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function verdictOf(judge: Judge, batch: RecordBatch, writer: RegisteredSchema | null): readonly RuleBreach[] {
  const writers = writer === null ? new Map<number, RegisteredSchema>() : new Map([[writer.id, writer]])
  return judge.judge(batch, writers).refusals[0]?.errors ?? []
}

interface Undecodable {
  readonly schemaId: number | null
  readonly writer: RegisteredSchema | null
  readonly verdicts: ShownRecord['verdicts']
  readonly keptBack: KeptBack | undefined
}

function reasonOf({ schemaId, writer, verdicts, keptBack }: Undecodable): string {
  if (keptBack !== undefined) return `its batch unpacks to more than ${keptBack.maxBytes} bytes, and is not read`
  if (schemaId === null) return 'the value does not begin with byte 0 and a 4-byte schema id'
  if (writer === null) return `the registry has no schema with id ${schemaId}`
  const fault = verdicts
    .flatMap(({ errors }) => errors)
    .find((error) => error.code === 'DECODE' || error.code === 'WIRE_FORMAT')
  return fault?.message ?? `the bytes do not follow schema ${schemaId} (${writer.subject}@${writer.version})`
}

function showKey(key: Uint8Array | null, lenses: readonly Lens[]): string | null {
  if (key === null) return null
  const text = bytesText(key)
  return lenses.reduce((shown, { table, judge }) => maskKey(shown, table.key, judge.contract), text)
}

/**
 * One key column stands as its text, several as a JSON list. What cannot be told apart is hidden as a whole, and so is
 * what cannot be the key that the table has: its producer may have put anything there.
 */
function maskKey(text: string, columns: readonly string[], contract: Contract): string {
  if (!hasPii(contract)) return text
  const tagged = columns.filter((name) => kindOf(contract, name) !== null)
  if (columns.length > 0 && tagged.length === 0) return isKey(text, columns, contract) ? text : HIDDEN
  const kind = columns.length === 1 ? kindOf(contract, columns[0]!) : null
  const masked = kind === null ? null : maskValue(kind, text)
  return typeof masked === 'string' ? masked : HIDDEN
}

function isKey(text: string, columns: readonly string[], contract: Contract): boolean {
  const parts = columns.length === 1 ? [text] : keyParts(text)
  return (
    parts?.length === columns.length &&
    columns.every((name, i) => {
      const field = contract.fields.find((each) => each.column.name === name)
      const part = parts[i]
      return (
        part === null || (part !== undefined && field !== undefined && canonicalText(field.column.type, part) !== null)
      )
    })
  )
}

function keyParts(text: string): readonly (string | null)[] | null {
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value.map((each) => (each === null ? null : String(each))) : null
  } catch {
    return null
  }
}

function kindOf(contract: Contract, column: string): string | null {
  const field = contract.fields.find((each) => each.column.name === column)
  return field === undefined ? 'unknown' : (field.pii ?? (field.onIngest === null ? null : 'private'))
}

function bytesText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return `base64:${Buffer.from(bytes).toString('base64')}`
  }
}

function outside(
  topic: string,
  { partition, start, end }: { readonly partition: number; readonly start: bigint; readonly end: bigint },
  offset: bigint,
): SluiceError {
  const held =
    start === end ? `holds no records (its end is offset ${end})` : `holds the offsets ${start} to ${end - 1n}`
  return new SluiceError('USAGE', `${topic}/${partition} ${held}; ${offset} is outside`, {
    where: { topic, partition, offset: String(offset) },
    hint: 'See `sluice topic list`.',
  })
}
