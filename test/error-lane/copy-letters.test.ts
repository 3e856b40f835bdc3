import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { PackedRecords } from '../../src/domain/packed-records.ts'
import type { DeadLetter } from '../../src/domain/dead-letter.ts'
import { SluiceError } from '../../src/domain/errors.ts'
import { encodeHeaders } from '../../src/domain/record-batch.ts'
import { LetterCopies } from '../../src/error-lane/copies/copy-writer.ts'
import { copyLetters, copyPieces } from '../../src/error-lane/copies/copy-letters.ts'
import { LetterLines } from '../../src/error-lane/lines/letter-lines.ts'
import type { AppendRequest, TopicLog, TopicOptions } from '../../src/ports/topic-log.ts'
import { aLetter, BATCH } from './ledger-fixtures.ts'

test("a copy carries the record's bytes and Kafka Connect's headers", async () => {
  const { log, created, appended } = logDouble()
  const outcome = await copyLetters({
    log,
    topic: 'orders',
    letters: [aLetter()],
    sealKey: null,
    retentionMs: 5,
    batchId: BATCH,
  })
  assert.deepEqual(outcome, { kind: 'copied', records: 1 })
  assert.deepEqual(created, [['orders.errors', { partitions: 1, retentionMs: 5 }]])
  const [request] = appended
  assert.equal(request!.state, null)
  assert.deepEqual(
    request!.batches.map(({ topic, partition }) => [topic, partition]),
    [['orders.errors', 0]],
  )
  const [record] = request!.batches[0]!.records
  assert.deepEqual(Buffer.from(record!.value!), Buffer.from(aLetter().raw!))
  assert.deepEqual(Buffer.from(record!.key!), Buffer.from('k1'))
  assert.equal(record!.timestampMs, aLetter().quarantinedAtMs)
  assert.deepEqual(Buffer.from(record!.encodedHeaders!), Buffer.from(encodeHeaders(record!.headers)))
  const headers = Object.fromEntries(
    record!.headers.map(({ key, value }) => [key, Buffer.from(value).toString('utf8')]),
  )
  assert.deepEqual(headers, {
    'sluice.source': 'file',
    '__connect.errors.topic': 'orders',
    '__connect.errors.partition': '2',
    '__connect.errors.offset': '9007199254740993',
    '__connect.errors.connector.name': 'bronze.orders',
    '__connect.errors.task.id': '2',
    '__connect.errors.stage': 'contract',
    '__connect.errors.class.name': 'sluice.contract',
    '__connect.errors.exception.class.name': 'REQUIRED',
    '__connect.errors.exception.message': 'customer is required',
    '__connect.errors.exception.stacktrace': JSON.stringify(aLetter().errors),
    'sluice.row_id': aLetter().rowId,
    'sluice.letter_batch_id': BATCH,
  })
})

test('what the ledger seals the copy seals too (I13)', async () => {
  const { log, appended } = logDouble()
  const secret = Buffer.from('someone@example.com')
  const letter = aLetter({ sealed: true, raw: secret, key: secret, headers: [{ key: 'who', value: secret }] })
  assert.equal(
    (await copyLetters({ log, topic: 'orders', letters: [letter], sealKey: 'k', retentionMs: null, batchId: BATCH }))
      .kind,
    'copied',
  )
  const [record] = appended[0]!.batches[0]!.records
  for (const bytes of [record!.key!, record!.value!, ...record!.headers.map((header) => header.value)]) {
    assert.ok(!Buffer.from(bytes).includes('someone'))
  }
  assert.ok(!record!.headers.some((header) => header.key === 'who'))
})

test('an outage of the copy is a value, never a throw', async () => {
  for (const log of [
    { ...logDouble().log, create: () => Promise.reject(new SluiceError('LOG_UNAVAILABLE', 'away')) },
    { ...logDouble().log, append: () => Promise.reject(new SluiceError('LOG_UNAVAILABLE', 'away')) },
  ]) {
    assert.deepEqual(
      await copyLetters({
        log,
        topic: 'orders',
        letters: [aLetter()],
        sealKey: null,
        retentionMs: null,
        batchId: BATCH,
      }),
      {
        kind: 'failed',
        code: 'LOG_UNAVAILABLE',
        message: 'away',
      },
    )
  }
})

test("a flush's copies say what the letters say, whatever stands in them and beside them", async () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 12 }),
    // Where the length of a value takes another byte.
    fc.constantFrom('a'.repeat(63), 'a'.repeat(64), 'ü'.repeat(32), 'ü'.repeat(31), 'a'.repeat(8191), 'a'.repeat(8192)),
  )
  const bytes = fc.uint8Array({ maxLength: 20 })
  const letter = fc
    .record({
      rowId: text,
      table: fc.constantFrom('orders', 'lines'),
      stage: fc.constantFrom('contract' as const, 'gate' as const),
      log: fc.record({
        topic: fc.constantFrom('orders', 'bestellungen-ü'),
        partition: fc.nat(2),
        epoch: fc.nat(1),
        offset: fc.bigInt({ min: 0n, max: 2n ** 62n }),
      }),
      errors: fc.array(
        fc.record({
          code: fc.constantFrom('REQUIRED' as const, 'RANGE' as const),
          field: text,
          rule: text,
          message: text,
        }),
        { maxLength: 3 },
      ),
      raw: fc.option(bytes),
      key: fc.option(bytes),
      headers: fc.array(fc.record({ key: text, value: bytes }), { maxLength: 3 }),
      source: fc.boolean(),
    })
    .map(({ source, ...rest }) =>
      aLetter(source ? { ...rest, log: null, source: { source: 'files', object: 'ä.csv', at: '7' } } : rest),
    )
  await fc.assert(
    fc.asyncProperty(fc.array(letter, { maxLength: 8 }), async (letters) => {
      const [whole, told] = [logDouble(), logDouble()]
      const { pieces } = inFlush(letters, null)
      const outcome = await copyPieces({ log: told.log, topic: 'orders', retentionMs: null, pieces })
      assert.deepEqual(outcome, { kind: 'copied', records: letters.length })
      assert.deepEqual(plain(told.appended), letters.map(plainCopy))
      await copyLetters({ log: whole.log, topic: 'orders', retentionMs: null, letters, sealKey: null, batchId: BATCH })
      assert.deepEqual(plain(whole.appended), letters.map(plainCopy))
    }),
    { numRuns: 60 },
  )
})

test('of what a flush seals the copies hold the very bytes of its lines (I13)', async () => {
  const { log, appended } = logDouble()
  const secret = Buffer.from('someone@example.com')
  const letter = aLetter({ sealed: true, raw: secret, key: secret, headers: [{ key: 'who', value: secret }] })
  const { lines, pieces } = inFlush([letter], 'k')
  await copyPieces({ log, topic: 'orders', retentionMs: null, pieces })
  const [record] = appended[0]!.batches[0]!.records
  const stored = JSON.parse(Buffer.from(lines[0]!).toString('utf8')) as { raw: string; key: string }
  assert.equal(Buffer.from(record!.value!).toString('base64'), stored.raw)
  assert.equal(Buffer.from(record!.key!).toString('base64'), stored.key)
  assert.ok(
    record!.headers.some(({ key, value }) => key === 'sluice.sealed' && Buffer.from(value).toString() === 'true'),
  )
  assert.ok(!record!.headers.some((header) => header.key === 'who'))
})

test('many letters are appended in parts, so that few are in memory at once (I12)', async () => {
  const { log, appended } = logDouble()
  const raw = Buffer.alloc(1_000_000)
  const letters = Array.from({ length: 30 }, (_, i) => aLetter({ rowId: `row-${i}`, raw }))
  const pieces = letters.flatMap((letter) => inFlush([letter], null).pieces)
  const outcome = await copyPieces({ log, topic: 'orders', retentionMs: null, pieces })
  assert.deepEqual(outcome, { kind: 'copied', records: 30 })
  const parts = appended.map(({ batches }) => batches[0]!.records)
  assert.deepEqual(
    parts.map(({ length }) => length),
    [8, 8, 8, 6],
  )
  const rowIds = parts
    .flat()
    .map(({ headers }) => Buffer.from(headers.find(({ key }) => key === 'sluice.row_id')!.value).toString())
  assert.deepEqual(
    rowIds,
    letters.map(({ rowId }) => rowId),
  )
})

interface FlushedLetters {
  readonly lines: readonly Uint8Array[]
  readonly pieces: readonly PackedRecords[]
}

/** As a flush makes them of letters that it is told of. */
function inFlush(letters: readonly DeadLetter[], sealKey: string | null): FlushedLetters {
  const copies = new LetterCopies(BATCH)
  const lines = new LetterLines(sealKey, copies)
  for (const letter of letters) lines.add(letter)
  return { lines: lines.take(), pieces: copies.take() }
}

/** KIP-298's headers, as a list that one can read. */
function plainCopy({ log, source, table, stage, errors, rowId, ...letter }: DeadLetter): unknown {
  const place =
    log === null
      ? []
      : [
          ['__connect.errors.topic', log.topic],
          ['__connect.errors.partition', String(log.partition)],
          ['__connect.errors.offset', String(log.offset)],
        ]
  const from =
    source === null
      ? []
      : [
          ['sluice.source_object', source.object],
          ['sluice.source_at', source.at],
        ]
  const texts = [
    ...place,
    ['__connect.errors.connector.name', source?.source ?? `bronze.${table}`],
    ['__connect.errors.task.id', String(log?.partition ?? 0)],
    ['__connect.errors.stage', stage],
    ['__connect.errors.class.name', `sluice.${stage}`],
    ['__connect.errors.exception.class.name', errors[0]?.code ?? 'UNKNOWN'],
    ['__connect.errors.exception.message', errors.map(({ message }) => message).join('; ')],
    ['__connect.errors.exception.stacktrace', JSON.stringify(errors)],
    ['sluice.row_id', rowId],
    ['sluice.letter_batch_id', BATCH],
    ...from,
  ]
  const hex = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString('hex'))
  return {
    key: hex(letter.key),
    value: hex(letter.raw),
    headers: [
      ...letter.headers.map(({ key, value }) => [key, hex(value)]),
      ...texts.map(([key, text]) => [key, hex(Buffer.from(text!, 'utf8'))]),
    ],
    timestampMs: letter.quarantinedAtMs,
  }
}

/** Bytes as text, so that views of different kinds compare. */
function plain(requests: readonly AppendRequest[]): unknown[] {
  return requests.flatMap(({ batches }) =>
    batches.flatMap(({ records }) =>
      records.map(({ key, value, headers, timestampMs }) => ({
        key: key === null ? null : Buffer.from(key).toString('hex'),
        value: value === null ? null : Buffer.from(value).toString('hex'),
        headers: headers.map((header) => [header.key, Buffer.from(header.value).toString('hex')]),
        timestampMs,
      })),
    ),
  )
}

function logDouble(): { log: TopicLog; created: [string, TopicOptions][]; appended: AppendRequest[] } {
  const created: [string, TopicOptions][] = []
  const appended: AppendRequest[] = []
  const away = (): Promise<never> => Promise.reject(new Error('not needed'))
  const log: TopicLog = {
    topics: away,
    describe: away,
    fetch: away,
    sourceState: away,
    offsetAtTime: away,
    close: () => Promise.resolve(),
    create: (topic, options) => {
      created.push([topic, options])
      return Promise.resolve({ topic, source: 1n, retentionMs: options.retentionMs, partitions: [] })
    },
    append: (request) => {
      appended.push(request)
      return Promise.resolve({ kind: 'appended', sequence: null, firsts: [] })
    },
  }
  return { log, created, appended }
}
