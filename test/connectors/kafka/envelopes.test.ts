import assert from 'node:assert/strict'
import { test } from 'node:test'
import avsc from 'avsc'
import { frameRecord } from '../../../src/contract/wire.ts'
import type { SourceSettings } from '../../../src/domain/settings.ts'
import { createKafkaConnector } from '../../../connectors/kafka/kafka-connector.ts'
import { jsonDecoder, registryDecoder } from '../../../src/contract/foreign/value-decoders.ts'
import type { RegisteredSchema } from '../../../src/ports/schema-registry.ts'
import type { DescribedObject, SourceBatch, SourceValue } from '../../../src/ports/source-connector.ts'
import type { ValueDecoder } from '../../../src/ports/value-decoder.ts'
import { registryOf } from '../../extract/extract-doubles.ts'
import { kafkaSource } from './kafka-promises.ts'
import { openTwoFolders } from './two-folders.ts'

interface Sent {
  readonly key: string | Uint8Array | null
  readonly value: object | string | Uint8Array | null
}

interface Seen {
  /** `at`, op, the row by its columns (null: a record without a value), and the key as text. */
  readonly rows: readonly (readonly [string, string, Record<string, SourceValue> | null, Record<string, SourceValue>])[]
  readonly refused: readonly (readonly [string, string])[]
  readonly objects: readonly DescribedObject[]
}

const VALUE_FIELDS = [
  { type: 'int64', optional: false, field: 'id' },
  { type: 'string', optional: true, field: 'name' },
  {
    type: 'bytes',
    optional: true,
    name: 'org.apache.kafka.connect.data.Decimal',
    version: 1,
    parameters: { scale: '2' },
    field: 'price',
  },
  { type: 'int64', optional: true, name: 'io.debezium.time.MicroTimestamp', version: 1, field: 'at' },
  { type: 'int32', optional: true, name: 'io.debezium.time.Date', version: 1, field: 'day' },
  {
    type: 'struct',
    optional: true,
    name: 'io.debezium.data.VariableScaleDecimal',
    version: 1,
    fields: [
      { type: 'int32', optional: false, field: 'scale' },
      { type: 'bytes', optional: false, field: 'value' },
    ],
    field: 'ratio',
  },
]

function envelopeSchema(fields: readonly object[] = VALUE_FIELDS): object {
  const row = (field: string): object => ({ type: 'struct', fields, optional: true, name: 'shop.orders.Value', field })
  const source = {
    type: 'struct',
    fields: [
      { type: 'int64', optional: false, field: 'ts_ms' },
      { type: 'int64', optional: true, field: 'lsn' },
    ],
    optional: false,
    name: 'io.debezium.connector.postgresql.Source',
    field: 'source',
  }
  const op = { type: 'string', optional: false, field: 'op' }
  return {
    type: 'struct',
    fields: [row('before'), row('after'), source, op],
    optional: false,
    name: 'shop.orders.Envelope',
  }
}

const wrapped = (payload: object | null, schema: object = envelopeSchema()): object => ({ schema, payload })
const keyOf = (id: number): string =>
  JSON.stringify({
    schema: { type: 'struct', fields: [{ type: 'int64', optional: false, field: 'id' }], optional: false },
    payload: { id },
  })

const ROW = {
  id: 7,
  name: 'a',
  // 12.34 at scale 2 is 1234, 0x04d2; 1.5 at scale 1 is 15.
  price: Buffer.from([0x04, 0xd2]).toString('base64'),
  at: 1_700_000_000_123_456,
  day: 19_000,
  ratio: { scale: 1, value: Buffer.from([15]).toString('base64') },
}
/** By the definition of each count: 1700000000 s is 2023-11-14T22:13:20Z, 19000 days is 2022-01-08. */
const READ = { id: 7, name: 'a', price: '12.34', at: '2023-11-14T22:13:20.123456Z', day: '2022-01-08', ratio: '1.5' }
const SOURCE = { ts_ms: 1_699_999_999_999, lsn: 9_007_199_254_740_993n }

test('Debezium in Connect JSON: c, u, r and d become rows and records without a value, exact by the schema that each brings', async () => {
  const text = (payload: object): string =>
    JSON.stringify(wrapped(payload)).replace('"lsn":"9007199254740993"', '"lsn":9007199254740993')
  const source = { ...SOURCE, lsn: '9007199254740993' }
  const seen = await read(
    [
      { key: keyOf(7), value: text({ before: null, after: ROW, source, op: 'r' }) },
      { key: keyOf(7), value: text({ before: null, after: { ...ROW, name: null }, source, op: 'u' }) },
      { key: keyOf(7), value: text({ before: ROW, after: null, source, op: 'd' }) },
      { key: keyOf(7), value: null },
      { key: keyOf(8), value: text({ before: null, after: null, source, op: 'd' }) },
      { key: keyOf(9), value: wrapped(null) },
    ],
    { values: 'json', envelope: 'debezium', envelope_columns: ['source.ts_ms', 'source.lsn', 'op'] },
  )
  const also = (op: string): object => ({ __source_ts_ms: SOURCE.ts_ms, __source_lsn: SOURCE.lsn, __op: op })
  assert.deepEqual(seen.refused, [])
  assert.deepEqual(seen.rows, [
    ['0/0', 'r', { ...READ, ...also('r') }, { id: 7 }],
    ['0/1', 'u', { ...READ, name: null, ...also('u') }, { id: 7 }],
    ['0/2', 'd', null, { id: 7 }],
    ['0/3', 'd', null, { id: 7 }],
    ['0/4', 'd', null, { id: 8 }],
    ['0/5', 'd', null, { id: 9 }],
  ])
  assert.deepEqual(seen.objects[0]!.key, ['id'])
  assert.deepEqual(
    seen.objects[0]!.columns.map(({ name }) => name),
    [...Object.keys(READ), '__source_ts_ms', '__source_lsn', '__op'],
  )
})

test('JSON without a schema is read as it stands, with every digit, plain and in an envelope', async () => {
  const plain = await read(
    [
      { key: 'k', value: '{"id":9007199254740993,"amount":0.12345678901234567890}' },
      { key: null, value: { id: 2, amount: null, list: [1, { a: 'x' }] } },
      { key: '3', value: null },
    ],
    { values: 'json' },
  )
  assert.deepEqual(plain.rows, [
    ['0/0', 'c', { id: 9_007_199_254_740_993n, amount: '0.12345678901234567890' }, { id: 9_007_199_254_740_993n }],
    ['0/1', 'c', { id: 2, amount: null, list: [1, { a: 'x' }] }, { id: 2 }],
    ['0/2', 'd', null, { id: 3 }],
  ])
  const enveloped = await read([{ key: '{"id":1}', value: { before: null, after: { id: 1 }, op: 'c', source: {} } }], {
    values: 'json',
    envelope: 'debezium',
  })
  assert.deepEqual(enveloped.rows, [['0/0', 'c', { id: 1 }, { id: 1 }]])
})

test('what no row can be made of is refused by its place, says why, and quotes nothing; the rest is copied', async () => {
  const seen = await read(
    [
      { key: null, value: 'secret{' },
      { key: null, value: Uint8Array.of(0x22, 0xff, 0x22) },
      { key: null, value: '"secret"' },
      { key: null, value: { after: { id: 1 } } },
      { key: null, value: { op: 't', source: {} } },
      { key: null, value: { op: 'u', before: { id: 1 }, after: null } },
      { key: null, value: { op: 'c', after: { name: 'secret' } } },
      { key: null, value: { op: 'd', before: null } },
      { key: null, value: wrapped({ before: null, after: { ...ROW, at: 'secret' }, source: SOURCE_JSON, op: 'c' }) },
      { key: null, value: { op: 'c', after: { id: 4 } } },
    ],
    { values: 'json', envelope: 'debezium' },
  )
  assert.deepEqual(seen.rows, [['0/9', 'c', { id: 4 }, { id: 4 }]])
  assert.deepEqual(
    seen.refused.map(([at]) => at),
    [0, 1, 2, 3, 4, 5, 6, 7, 8].map((offset) => `0/${offset}`),
  )
  const why = seen.refused.map(([, message]) => message)
  for (const message of why) assert.doesNotMatch(message, /secret/)
  for (const [i, said] of [
    /no JSON/,
    /UTF-8/,
    /no object/,
    /no op/,
    /op t/,
    /no row after/,
    /no id/,
    /neither .* id/,
    /integer/,
  ].entries())
    assert.match(why[i]!, said)
})

const SOURCE_JSON = { ts_ms: 1, lsn: 2 }

const AVRO_ROW = {
  type: 'record',
  name: 'Value',
  namespace: 'shop.orders',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'name', type: ['null', 'string'], default: null },
    {
      name: 'price',
      type: [
        'null',
        {
          type: 'bytes',
          logicalType: 'decimal',
          precision: 10,
          scale: 2,
          'connect.name': 'org.apache.kafka.connect.data.Decimal',
        },
      ],
      default: null,
    },
    { name: 'at', type: { type: 'long', 'connect.version': 1, 'connect.name': 'io.debezium.time.MicroTimestamp' } },
    { name: 'day', type: { type: 'int', 'connect.name': 'io.debezium.time.Date' } },
    {
      name: 'ratio',
      type: {
        type: 'record',
        name: 'VariableScaleDecimal',
        namespace: 'io.debezium.data',
        fields: [
          { name: 'scale', type: 'int' },
          { name: 'value', type: 'bytes' },
        ],
      },
    },
  ],
}
const AVRO_ENVELOPE = {
  type: 'record',
  name: 'Envelope',
  namespace: 'shop.orders',
  fields: [
    { name: 'before', type: ['null', AVRO_ROW], default: null },
    { name: 'after', type: ['null', 'Value'], default: null },
    { name: 'op', type: 'string' },
  ],
}
const AVRO_KEY = { type: 'record', name: 'Key', namespace: 'shop.orders', fields: [{ name: 'id', type: 'long' }] }

test('Debezium in Avro: read by the schemas of the other registry, keys too; what only connect.name tells is told', async () => {
  const schemas = [registered(41, 'orders-key', AVRO_KEY), registered(42, 'orders-value', AVRO_ENVELOPE)]
  const envelope = avsc.Type.forSchema(AVRO_ENVELOPE as avsc.Schema, { wrapUnions: false })
  const key = avsc.Type.forSchema(AVRO_KEY as avsc.Schema)
  const row = { ...ROW, price: Buffer.from([0x04, 0xd2]), ratio: { scale: 1, value: Buffer.from([15]) } }
  const value = (before: object | null, after: object | null, op: string): Uint8Array =>
    frameRecord(42, envelope.toBuffer({ before, after, op }))
  const keyOfId = (id: number): Uint8Array => frameRecord(41, key.toBuffer({ id }))
  const sent: Sent[] = [
    { key: keyOfId(7), value: value(null, row, 'c') },
    { key: keyOfId(7), value: value(row, null, 'd') },
    { key: keyOfId(8), value: null },
    { key: null, value: value(null, row, 'c').subarray(0, 12) },
    { key: null, value: 'not framed' },
  ]
  const options = { values: 'registry', envelope: 'debezium' }
  const seen = await read(sent, options, registryDecoder(registryOf(schemas)))
  assert.deepEqual(seen.rows, [
    ['0/0', 'c', READ, { id: 7 }],
    ['0/1', 'd', null, { id: 7 }],
    ['0/2', 'd', null, { id: 8 }],
  ])
  assert.deepEqual(
    seen.refused.map(([at]) => at),
    ['0/3', '0/4'],
  )
  const [described] = seen.objects
  assert.deepEqual(described!.key, ['id'])
  assert.deepEqual(
    described!.columns.map(({ name, holds }) => [name, holds?.kind]),
    [
      ['id', 'int64'],
      ['name', 'string'],
      ['price', 'decimal'],
      ['at', 'timestamp'],
      ['day', 'date'],
      ['ratio', 'string'],
    ],
  )
})

test('I8: a schema that the other registry does not have stops the source before the record, by its place', async () => {
  const sent = [{ key: null, value: frameRecord(99, Uint8Array.of(1)) }]
  await assert.rejects(read(sent, { values: 'registry' }, registryDecoder(registryOf([]))), {
    code: 'SCHEMA_ID_UNKNOWN',
    where: { source: 'copy', topic: 'a', partition: 0, offset: '0' },
  })
})

test('settings that contradict each other are refused by their key', () => {
  const open = (options: SourceSettings['options'], key: readonly string[] = ['id']): unknown =>
    createKafkaConnector({
      settings: kafkaSource({ from_topics: ['a'], ...options }, { key }),
      open: () => Promise.reject(new Error('not opened')),
    })
  const refused = (key: string): object => ({ code: 'SETTINGS_INVALID', where: { key: `sources.copy.${key}` } })
  assert.throws(() => open({ envelope: 'debezium' }), refused('envelope'))
  assert.throws(() => open({ envelope: 'debezium', values: 'json' }, []), refused('key'))
  assert.throws(() => open({ envelope_columns: ['a..b'] }), refused('envelope_columns'))
  assert.throws(() => open({ from_topics: [] }), refused('from_topics'))
  assert.throws(() => open({ from_topics: ['a', 'a'] }), refused('from_topics'))
  assert.throws(() => open({ from_topics: ['../a'] }), { code: 'IDENTIFIER_INVALID' })
})

function registered(id: number, subject: string, schema: object): RegisteredSchema {
  return { id, subject, version: 1, format: 'avro', text: JSON.stringify(schema) }
}

async function read(
  sent: readonly Sent[],
  options: SourceSettings['options'],
  decoder: ValueDecoder = jsonDecoder(),
): Promise<Seen> {
  const clusters = await openTwoFolders()
  try {
    const bytes = (each: object | string | Uint8Array | null): Uint8Array | null =>
      each === null || each instanceof Uint8Array
        ? each
        : Buffer.from(typeof each === 'string' ? each : JSON.stringify(each))
    await clusters.other.create('a', { partitions: 1, retentionMs: null })
    const records = sent.map(({ key, value }) => ({
      key: bytes(key),
      value: bytes(value),
      headers: [],
      timestampMs: 5,
    }))
    await clusters.other.append({ batches: [{ topic: 'a', partition: 0, records }], state: null })
    const settings = kafkaSource({ from_topics: ['a'], ...options }, { key: ['id'] })
    const connector = createKafkaConnector({
      settings,
      open: async () => {
        const log = await clusters.openOther()
        return { log, decoder, close: () => log.close() }
      },
    })
    const batches: SourceBatch[] = []
    try {
      const { objects } = await connector.discover().catch(() => ({ objects: [] }))
      for await (const batch of connector.read(new Map())) batches.push(batch)
      return { ...seenOf(batches), objects }
    } finally {
      await connector.close()
    }
  } finally {
    await clusters.close()
  }
}

function seenOf(batches: readonly SourceBatch[]): Omit<Seen, 'objects'> {
  const rows = batches.flatMap(({ columns, rows: found }) =>
    found.map(({ at, op, values, payload, timestampMs }) => {
      assert.equal(timestampMs, 5)
      const value = Object.fromEntries(columns.map((column, i) => [column, values[i]!]))
      return [at, op, payload?.kind === 'tombstone' ? null : value, { id: value['id']! }] as const
    }),
  )
  return { rows, refused: batches.flatMap(({ refused }) => refused.map(({ at, message }) => [at, message] as const)) }
}
