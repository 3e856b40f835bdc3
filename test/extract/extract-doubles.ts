import type { DomainEvent } from '../../src/domain/events.ts'
import type { OutgoingRecord } from '../../src/domain/record-batch.ts'
import type { BronzeTableSettings, Settings, SourceSettings } from '../../src/domain/settings.ts'
import type { ExtractWorld } from '../../src/extract/run-source.ts'
import type { ObjectStore } from '../../src/ports/object-store.ts'
import type { RegisteredSchema, SchemaRegistry } from '../../src/ports/schema-registry.ts'
import type { SourceBatch, SourceConnector } from '../../src/ports/source-connector.ts'
import type { AppendRequest, SourceState, TopicLog } from '../../src/ports/topic-log.ts'
import { MemoryStore } from '../conformance/memory-store.ts'

const away = (): Promise<never> => Promise.reject(new Error('not needed here'))

export interface MemoryLog extends TopicLog {
  readonly partitions: OutgoingRecord[][]
  readonly copies: OutgoingRecord[]
  readonly appends: AppendRequest[]
  /** Called before and after an append takes hold; what it throws is what the caller gets. */
  before: (request: AppendRequest) => void
  after: (request: AppendRequest) => void
}

/** Keeps the port's promises on append and source state; topics with `.errors` are one list. */
export function memoryLog(partitions: number): MemoryLog {
  const states = new Map<string, { sequence: bigint; entries: Map<string, string> }>()
  const stateOf = (source: string): { sequence: bigint; entries: Map<string, string> } => {
    const state = states.get(source) ?? { sequence: 0n, entries: new Map<string, string>() }
    states.set(source, state)
    return state
  }
  const log: MemoryLog = {
    partitions: Array.from({ length: partitions }, () => []),
    copies: [],
    appends: [],
    before: () => undefined,
    after: () => undefined,
    topics: away,
    fetch: away,
    offsetAtTime: away,
    close: () => Promise.resolve(),
    describe: (topic) =>
      Promise.resolve({
        topic,
        source: 1n,
        retentionMs: null,
        partitions: log.partitions.map((records, partition) => ({
          partition,
          start: 0n,
          end: BigInt(records.length),
          limit: BigInt(records.length),
          endTimeMs: null,
        })),
      }),
    create: (topic) => Promise.resolve({ topic, source: 1n, retentionMs: null, partitions: [] }),
    sourceState: (source): Promise<SourceState> => {
      const { sequence, entries } = stateOf(source)
      return Promise.resolve({ sequence, entries: new Map(entries) })
    },
    append: async (request) => {
      if (request.state !== null) log.before(request)
      if (request.state !== null) {
        const state = stateOf(request.state.source)
        if (state.sequence !== request.state.expectedSequence) return { kind: 'conflicted', sequence: state.sequence }
        for (const [name, value] of request.state.set) {
          if (value === null) state.entries.delete(name)
          else state.entries.set(name, value)
        }
        state.sequence += 1n
      }
      log.appends.push(request)
      for (const { topic, partition, records } of request.batches) {
        const into = topic.endsWith('.errors') ? log.copies : log.partitions[partition]!
        into.push(...records)
      }
      if (request.state !== null) log.after(request)
      return {
        kind: 'appended',
        sequence: request.state === null ? null : request.state.expectedSequence + 1n,
        firsts: [],
      }
    },
  }
  return log
}

export function registryOf(schemas: readonly RegisteredSchema[]): SchemaRegistry {
  return {
    byId: (id) => Promise.resolve(schemas.find((each) => each.id === id) ?? null),
    latest: (subject) => Promise.resolve(schemas.findLast((each) => each.subject === subject) ?? null),
    version: (subject, version) =>
      Promise.resolve(schemas.find((each) => each.subject === subject && each.version === version) ?? null),
    versions: away,
    subjects: away,
    compatibility: away,
    register: away,
    close: () => Promise.resolve(),
  }
}

export const SHOP: SourceSettings = {
  name: 'shop',
  connector: 'files',
  topic: 'orders',
  key: ['id'],
  pollIntervalMs: 60_000,
  options: {},
}

export function ordersSchema(over: Partial<RegisteredSchema> = {}, fields = ORDER_FIELDS): RegisteredSchema {
  const text = JSON.stringify({ type: 'record', name: 'order', fields })
  return { subject: 'orders-value', version: 1, id: 5, format: 'avro', text, ...over }
}

export const ORDER_FIELDS: readonly object[] = [
  { name: 'id', type: 'string' },
  { name: 'n', type: ['null', 'long'], default: null },
]

export interface WorldOver {
  readonly log: TopicLog
  readonly connector: (source: SourceSettings) => SourceConnector
  readonly schemas?: readonly RegisteredSchema[]
  readonly lake?: ObjectStore
  readonly tables?: readonly BronzeTableSettings[]
  readonly sealKey?: string
  readonly signal?: AbortSignal
}

export interface WorldDouble {
  readonly world: ExtractWorld
  readonly events: DomainEvent[]
  readonly store: MemoryStore
}

export function worldOf(over: WorldOver): WorldDouble {
  const events: DomainEvent[] = []
  const store = new MemoryStore()
  let ids = 0
  const table: BronzeTableSettings = {
    table: 'orders',
    topic: 'orders',
    subject: 'orders-value',
    pinnedVersion: null,
    onUnknownField: 'rescue',
    key: ['id'],
  }
  const settings = {
    tables: new Map((over.tables ?? [table]).map((each) => [each.table, each])),
    sources: new Map([[SHOP.name, SHOP]]),
    topics: new Map([['orders', { topic: 'orders', partitions: 1, retentionMs: null }]]),
    errors: { retentionMs: null, sealKey: over.sealKey ?? null, copyToTopic: true },
  } as unknown as Settings
  const world: ExtractWorld = {
    settings,
    watermarkMirror: null,
    clock: {
      nowMs: () => 1_700_000_000_000,
      newId: () => {
        ids += 1
        return `00000000-0000-4000-8000-${String(ids).padStart(12, '0')}`
      },
      sleep: () => Promise.resolve(),
      random: () => 0.5,
    },
    events: { emit: (event) => events.push(event) },
    runId: '11111111-1111-4111-8111-111111111111',
    traceId: '0af7651916cd43dd8448eb211c80319c',
    log: over.log,
    registry: registryOf(over.schemas ?? [ordersSchema()]),
    lake: over.lake ?? store,
    connector: over.connector,
    signal: over.signal ?? new AbortController().signal,
  }
  return { world, events, store }
}

export interface ListedRow {
  readonly values: readonly (string | null)[]
  /** True: refused by the source as a line. */
  readonly bad?: boolean
}

/** One object of rows, in batches of the given sizes, resumed by its count of rows. */
export function listConnector(
  rows: readonly ListedRow[],
  batchSizes: readonly number[],
  columns = ['id', 'n'],
): SourceConnector {
  return {
    discover: away,
    close: () => Promise.resolve(),
    async *read(from) {
      let at = Number(from.get('at') ?? '0')
      for (let batch = 0; at < rows.length; batch += 1) {
        const size = Math.max(1, batchSizes[batch % batchSizes.length] ?? 1)
        const taken = rows.slice(at, at + size)
        const first = at
        at += taken.length
        const result: SourceBatch = {
          object: 'list',
          columns,
          textual: true,
          rows: taken.flatMap(({ values, bad }, i) =>
            bad === true ? [] : [{ values, at: String(first + i + 1), op: 'c' as const }],
          ),
          refused: taken.flatMap(({ values, bad }, i) =>
            bad === true
              ? [{ at: String(first + i + 1), message: 'bad line', raw: Buffer.from(values.join(',')) }]
              : [],
          ),
          progress: new Map([['at', String(at)]]),
        }
        yield await Promise.resolve(result)
      }
    },
  }
}
