import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createKafkaConnector, type OtherSide } from '../../../connectors/kafka/kafka-connector.ts'
import { jsonDecoder, registryDecoder } from '../../../src/contract/foreign/value-decoders.ts'
import type { ErrorCode } from '../../../src/domain/errors.ts'
import {
  readHeaders,
  recordKey,
  recordOffset,
  recordValue,
  type OutgoingRecord,
} from '../../../src/domain/record-batch.ts'
import type { SourceSettings } from '../../../src/domain/settings.ts'
import { runSource, type SourceOutcome } from '../../../src/extract/run-source.ts'
import type { RegisteredSchema } from '../../../src/ports/schema-registry.ts'
import type { TopicLog } from '../../../src/ports/topic-log.ts'
import type { ValueDecoder } from '../../../src/ports/value-decoder.ts'
import { testSourceConnector } from '../../conformance/source-connector.ts'
import { registryOf, SHOP, worldOf } from '../../extract/extract-doubles.ts'

/** The other cluster and ours, both empty at first. */
export interface TwoClusters {
  readonly other: TopicLog
  readonly ours: TopicLog
  /** A handle of its own on the other cluster, as each run of a source opens one. */
  openOther(): Promise<TopicLog>
  deleteOther(topic: string): Promise<void>
  /** Of the other side's registry. */
  readonly schemas?: readonly RegisteredSchema[]
  close(): Promise<void>
}

const text = (value: string): Uint8Array => Buffer.from(value)

function outgoing(value: string | null, some: Partial<OutgoingRecord> = {}): OutgoingRecord {
  return { key: null, value: value === null ? null : text(value), headers: [], timestampMs: 1_700_000_000_000, ...some }
}

export function kafkaSource(options: SourceSettings['options'], some: Partial<SourceSettings> = {}): SourceSettings {
  return { ...SHOP, name: 'copy', connector: 'kafka', key: [], ...some, options }
}

export function kafkaPromises(name: string, open: () => Promise<TwoClusters>): void {
  testSourceConnector(
    `${name}: kafka`,
    async () => {
      const clusters = await open()
      const { other } = clusters
      await other.create('a', { partitions: 2, retentionMs: null })
      await other.create('b', { partitions: 1, retentionMs: null })
      for (const first of [0, 40]) {
        for (const partition of [0, 1]) {
          const records = numbers(first, 40).map((n) => outgoing(n === 17 ? 'x'.repeat(2_000) : `v${n}`))
          await other.append({ batches: [{ topic: 'a', partition, records }], state: null })
        }
      }
      await other.append({ batches: [{ topic: 'b', partition: 0, records: [outgoing(null)] }], state: null })
      const settings = kafkaSource({ from_topics: ['a', 'b'], max_record_mb: 1_000 })
      return {
        open: () => createKafkaConnector({ settings, open: () => otherSide(clusters) }),
        close: () => clusters.close(),
      }
    },
    {
      places: [
        {
          object: 'a',
          rows: [0, 1].flatMap((p) => numbers(0, 80).flatMap((n) => (n === 17 ? [] : [`${p}/${n}`]))),
          refused: ['0/17', '1/17'],
        },
        { object: 'b', rows: ['0/0'], refused: [] },
      ],
    },
  )

  const promise = (title: string, body: (clusters: Copying) => Promise<void>): void => {
    test(`${name}: ${title}`, async () => {
      const clusters = await open()
      try {
        await clusters.ours.create('orders', { partitions: 3, retentionMs: null })
        await clusters.other.create('a', { partitions: 2, retentionMs: null })
        await body(copying(clusters))
      } finally {
        await clusters.close()
      }
    })
  }

  promise(
    'a plain copy keeps key, value, time and headers, and where there is no value there is none',
    async (clusters) => {
      const { other } = clusters
      const headers = [
        { key: 'trace', value: Uint8Array.of(0, 255) },
        { key: 'trace', value: text('again') },
      ]
      const sent = [
        outgoing('one', { key: text('k1'), headers, timestampMs: 1_600_000_000_123 }),
        outgoing(null, { key: text('k1'), timestampMs: 1_600_000_000_124 }),
        outgoing('', { key: Uint8Array.of(0, 200), headers: [{ key: 'sluice.op', value: text('u') }] }),
        outgoing('no key'),
      ]
      await other.append({ batches: [{ topic: 'a', partition: 1, records: sent }], state: null })
      assert.deepEqual(told(await clusters.copy()), ['caught_up', 4, 4, 0])
      const copied = await readAll(clusters.ours, 'orders')
      for (const [index, record] of sent.entries()) {
        const same = copied.find((each) => sameBytes(each.value, record.value))!
        assert.ok(sameBytes(same.key, record.key), `key of record ${index}`)
        assert.equal(same.timestampMs, record.timestampMs)
        assert.deepEqual(
          same.headers.slice(0, record.headers.length).map(plain),
          record.headers.map(plain),
          `headers of record ${index}`,
        )
      }
      const ops = copied.map(({ value, headers: found }) => [
        value === null ? null : Buffer.from(value).toString(),
        found.filter(({ key }) => key.startsWith('sluice.')).map(plain),
      ])
      assert.deepEqual(
        new Map(ops as [string | null, unknown][]),
        new Map<string | null, unknown>([
          ['one', [['sluice.source', 'kafka']]],
          [
            null,
            [
              ['sluice.source', 'kafka'],
              ['sluice.op', 'd'],
            ],
          ],
          [
            '',
            [
              ['sluice.op', 'u'],
              ['sluice.source', 'kafka'],
            ],
          ],
          ['no key', [['sluice.source', 'kafka']]],
        ]),
      )
    },
  )

  promise('I9: the next offsets travel with the records; a pass with nothing new appends nothing', async (clusters) => {
    const { other, ours } = clusters
    for (const partition of [0, 1])
      await other.append({
        batches: [{ topic: 'a', partition, records: numbers(0, 5).map((n) => outgoing(String(n))) }],
        state: null,
      })
    assert.deepEqual(told(await clusters.copy()), ['caught_up', 10, 10, 0])
    const { source } = (await other.describe('a'))!
    const state = await ours.sourceState('copy')
    const ends = (await other.describe('a'))!.partitions.map(({ end }) => end)
    assert.equal(state.sequence, 1n)
    assert.deepEqual(
      new Map([...state.entries].map(([entry, value]) => [entry, JSON.parse(value) as object])),
      new Map(ends.map((end, partition) => [`offset:a/${partition}`, { next: String(end), source: String(source) }])),
    )
    assert.deepEqual(told(await clusters.copy()), ['caught_up', 0, 0, 0])
    assert.equal((await ours.sourceState('copy')).sequence, 1n)
    await other.append({ batches: [{ topic: 'a', partition: 0, records: [outgoing('late')] }], state: null })
    assert.deepEqual(told(await clusters.copy()), ['caught_up', 1, 1, 0])
  })

  promise('records without a key keep the order that they had in their partition', async (clusters) => {
    const { other, ours } = clusters
    for (const partition of [0, 1])
      await other.append({
        batches: [{ topic: 'a', partition, records: numbers(0, 50).map((n) => outgoing(`${partition}:${n}`)) }],
        state: null,
      })
    await clusters.copy()
    const values = (await readAll(ours, 'orders')).map(({ value }) => Buffer.from(value!).toString())
    for (const partition of [0, 1]) {
      const own = values.filter((value) => value.startsWith(`${partition}:`))
      assert.deepEqual(
        own,
        numbers(0, 50).map((n) => `${partition}:${n}`),
      )
    }
  })

  promise('I8, I18: a topic that was made again stops its source, and nothing of it is copied', async (clusters) => {
    const { other } = clusters
    const records = numbers(0, 5).map((n) => outgoing(String(n)))
    await other.append({ batches: [{ topic: 'a', partition: 0, records }], state: null })
    await clusters.copy()
    await clusters.deleteOther('a')
    await stops(clusters, 'SOURCE_UNREADABLE')
    await other.create('a', { partitions: 2, retentionMs: null })
    await other.append({ batches: [{ topic: 'a', partition: 0, records: [...records, ...records] }], state: null })
    await stops(clusters, 'SOURCE_CHANGED')
    await stops(clusters, 'SOURCE_CHANGED')
  })

  promise('a topic is begun behind its last record where that is asked', async (clusters) => {
    const { other } = clusters
    const append = (value: string): Promise<unknown> =>
      other.append({ batches: [{ topic: 'a', partition: 0, records: [outgoing(value)] }], state: null })
    await append('old')
    const settings = { start_at: 'latest' }
    assert.deepEqual(told(await clusters.copy(settings)), ['caught_up', 0, 0, 0])
    await append('new')
    assert.deepEqual(told(await clusters.copy(settings)), ['caught_up', 1, 1, 0])
  })

  promise('a topic that is not there stops the source by its name', async (clusters) => {
    const outcome = await clusters.copy({ from_topics: ['a', 'absent'] })
    assert.equal(outcome.error?.code, 'SOURCE_UNREADABLE')
    assert.match(outcome.error.message, /no topic absent/)
    assert.match(outcome.error.hint, /sources\.copy\.from_topics/)
  })
}

/** Both clusters, and a run of the source between them. */
export type Copying = TwoClusters & { copy(options?: SourceSettings['options']): Promise<SourceOutcome> }

export function copying(clusters: TwoClusters, some: Partial<SourceSettings> = {}): Copying {
  return {
    ...clusters,
    copy: async (options = {}) => {
      const source = kafkaSource({ from_topics: ['a'], ...options }, some)
      const connector = (): ReturnType<typeof createKafkaConnector> =>
        createKafkaConnector({ settings: source, open: () => otherSide(clusters, decoderOf(source, clusters)) })
      const { world } = worldOf({ log: clusters.ours, connector })
      return runSource({ source, world })
    },
  }
}

async function stops(clusters: Copying, code: ErrorCode): Promise<void> {
  const before = await clusters.ours.sourceState('copy')
  const outcome = await clusters.copy()
  assert.equal(outcome.error?.code, code, outcome.error?.message)
  assert.deepEqual([outcome.outcome, outcome.appended], ['stopped', 0])
  assert.match(outcome.error.message, /source copy: .*\ba\b/)
  assert.deepEqual(await clusters.ours.sourceState('copy'), before)
}

/** What compose opens of it. */
async function otherSide(clusters: TwoClusters, decoder: ValueDecoder | null = null): Promise<OtherSide> {
  const log = await clusters.openOther()
  return { log, decoder, close: () => log.close() }
}

function decoderOf({ options }: SourceSettings, { schemas = [] }: TwoClusters): ValueDecoder | null {
  if (options['values'] === 'json') return jsonDecoder()
  return options['values'] === 'registry' ? registryDecoder(registryOf(schemas)) : null
}

export function told({ outcome, read, appended, refused, error }: SourceOutcome): unknown[] {
  if (error !== null) throw error
  return [outcome, read, appended, refused]
}

/** Partition by partition, in order. */
export async function readAll(log: TopicLog, topic: string): Promise<(OutgoingRecord & { readonly offset: bigint })[]> {
  const records = []
  for (const { partition, start, end } of (await log.describe(topic))!.partitions) {
    for (let from = start; from < end;) {
      const outcome = await log.fetch({ topic, partition, from, maxBytes: 1_000_000, waitMs: 5_000 })
      if (outcome.kind !== 'batches') throw new Error(`${topic}/${partition} at ${from} is ${outcome.kind}`)
      for (const batch of outcome.batches) {
        for (let i = 0; i < batch.count; i += 1) {
          records.push({
            offset: recordOffset(batch, i),
            key: recordKey(batch, i),
            value: recordValue(batch, i),
            headers: readHeaders(batch, i),
            timestampMs: batch.timestampsMs[i]!,
          })
        }
        from = batch.next
      }
    }
  }
  return records
}

function numbers(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + i)
}

function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : Buffer.from(a).equals(b)
}

function plain({ key, value }: { readonly key: string; readonly value: Uint8Array }): [string, string] {
  return [key, Buffer.from(value).toString('latin1')]
}
