import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import {
  Base,
  compressionsAlgorithms,
  createAPI,
  fetchV13,
  fetchV17,
  kGetApi,
  kGetBootstrapConnection,
  kGetConnection,
  produceV11,
  produceV9,
  protocolErrors,
  protocolErrorsCodesById,
  Reader,
  ResponseError,
  Writer,
} from '@platformatic/kafka'
import { parseResponse } from '../../../src/adapters/kafka/fetch/fetch-api.ts'
import { CODE } from '../../../src/adapters/kafka/wire/broker-error.ts'
import { crc32cOf } from '../../../src/adapters/kafka/wire/crc32c.ts'

/** What we lean on inside @platformatic/kafka, none of it promised by its documentation: a new version is held to it first. */

const require = createRequire(import.meta.url)

test('the version is the one that this was written against', () => {
  const { dependencies } = require('../../../package.json') as { dependencies: Record<string, string> }
  assert.equal(dependencies['@platformatic/kafka'], '2.12.1')
})

test('a client gives its connections and the API of the version that both sides know', async () => {
  const client = new Base({ clientId: 'x', bootstrapBrokers: ['127.0.0.1:1'], retries: 0, connectTimeout: 200 })
  for (const symbol of [kGetApi, kGetConnection, kGetBootstrapConnection] as const) {
    assert.equal(typeof client[symbol], 'function')
  }
  await assert.rejects(
    new Promise((resolve, reject) => {
      client[kGetConnection]({ host: '127.0.0.1', port: 1 }, (error, connection) =>
        error === null ? resolve(connection) : reject(error),
      )
    }),
    { code: 'PLT_KFK_NETWORK' },
  )
  await client.close()
})

test('an API of our own sends what it is given and its answer is parsed by us', async () => {
  const api = createAPI<[number], string>(
    1,
    17,
    (value: number) => Writer.create().appendInt32(value),
    () => 'parsed',
  )
  assert.deepEqual([api.key, api.version], [1, 17])
  const sent: unknown[] = []
  const connection = {
    send: (...args: unknown[]) => {
      sent.push(args[0], args[1], (args[2] as () => Writer)().buffer)
      const callback = args.at(-1) as (error: null, answer: string) => void
      callback(null, 'parsed')
    },
  }
  const answer = await new Promise((resolve) => {
    // @ts-expect-error a connection that only sends
    api(connection, 7, (_error: unknown, parsed: unknown) => resolve(parsed))
  })
  assert.equal(answer, 'parsed')
  assert.deepEqual(sent, [1, 17, Buffer.from([0, 0, 0, 7])])
})

test('errors carry the answer that they came with, and the codes that we decide on have their names', () => {
  assert.deepEqual(new ResponseError(3, 12, { '/': [3, null] }, { topics: [] })['response'], { topics: [] })
  const names = {
    offsetOutOfRange: 'OFFSET_OUT_OF_RANGE',
    unknownTopic: 'UNKNOWN_TOPIC_OR_PARTITION',
    producerFenced: 'PRODUCER_FENCED',
  }
  for (const [ours, theirs] of Object.entries(names)) {
    assert.equal(protocolErrorsCodesById[CODE[ours as keyof typeof names]], theirs)
  }
  assert.equal(protocolErrors['NOT_LEADER_OR_FOLLOWER']?.canRetry, true)
  assert.equal(protocolErrors['MESSAGE_TOO_LARGE']?.canRetry, false)
})

test('CRC32C of a plain buffer is Castagnoli’s, over any part of a larger one', () => {
  assert.equal(crc32cOf(Buffer.from('123456789')), 0xe306_9283)
  assert.equal(crc32cOf(Buffer.from('xx123456789').subarray(2)), 0xe306_9283)
})

test('lz4 and snappy are packed into what others unpack', () => {
  const { decompressFrameSync } = require('lz4-napi') as { decompressFrameSync: (bytes: Buffer) => Buffer }
  const { uncompress } = require('snappyjs') as { uncompress: (bytes: Buffer) => Uint8Array }
  for (const size of [1, 100, 70_000, 3_000_000]) {
    const bytes = Buffer.from(Array.from({ length: size }, (_, i) => (i * i) % 251))
    assert.deepEqual(decompressFrameSync(compressionsAlgorithms.lz4.compressSync(bytes)), bytes)
    assert.deepEqual(Buffer.from(uncompress(compressionsAlgorithms.snappy.compressSync(bytes))), bytes)
  }
})

test('fetch requests of 13 and 17, and produce answers of 9 and 11, keep the layout that ours shares', () => {
  const list = [
    {
      topicId: '00000000-0000-0000-0000-00000000002a',
      partitions: [
        { partition: 1, currentLeaderEpoch: -1, fetchOffset: 5n, lastFetchedEpoch: -1, partitionMaxBytes: 9 },
      ],
    },
  ]
  const seventeen = fetchV17.createRequest(0, 1, 100, 1, 0, -1, list, [], '').buffer
  const thirteen = fetchV13.createRequest(0, 1, 100, 1, 0, -1, list, [], '').buffer
  assert.deepEqual(thirteen.subarray(4), seventeen, 'but for the replica id, which 15 dropped')
  const answer = Writer.create()
    .appendArray([1], (w) => {
      w.appendString('t').appendArray([1], (inner) => {
        inner
          .appendInt32(2)
          .appendInt16(0)
          .appendInt64(77n)
          .appendInt64(-1n)
          .appendInt64(0n)
          .appendArray([], () => undefined)
          .appendString(null)
      })
    })
    .appendInt32(0)
    .appendTaggedFields().buffer
  for (const { parseResponse: parse } of [produceV9, produceV11]) {
    const { responses } = parse(1, 0, 11, Reader.from(answer))
    assert.equal(responses[0]?.partitionResponses[0]?.baseOffset, 77n)
  }
})

test('a fetch answer is read to its end, its batches left as bytes', () => {
  const wire = Buffer.from('record batches')
  const answer = Writer.create()
    .appendInt32(0)
    .appendInt16(0)
    .appendInt32(0)
    .appendArray([1], (w) => {
      w.appendUUID('00000000-0000-0000-0000-00000000002a').appendArray([1], (inner) => {
        inner
          .appendInt32(3)
          .appendInt16(0)
          .appendInt64(9n)
          .appendInt64(8n)
          .appendInt64(1n)
          .appendArray([1], (each) => each.appendInt64(4711n).appendInt64(2n))
          .appendInt32(-1)
          .appendUnsignedVarInt(wire.length + 1)
          .append(wire)
      })
    })
    .appendTaggedFields().buffer
  const reader = Reader.from(answer)
  const { topics } = parseResponse(1, 1, 17, reader)
  assert.deepEqual(topics, [
    {
      topicId: '00000000-0000-0000-0000-00000000002a',
      partitions: [
        {
          partition: 3,
          errorCode: 0,
          highWatermark: 9n,
          lastStableOffset: 8n,
          logStartOffset: 1n,
          aborted: [{ producerId: 4711n, firstOffset: 2n }],
          wire,
        },
      ],
    },
  ])
})
