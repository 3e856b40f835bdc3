import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { DeadLetter } from '../../src/domain/dead-letter.ts'
import { SluiceError } from '../../src/domain/errors.ts'
import { encodeHeaders } from '../../src/domain/record-batch.ts'
import { copyLetterLines, copyLetters } from '../../src/error-lane/copy-letters.ts'
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
  assert.deepEqual(record!.encodedHeaders, encodeHeaders(record!.headers))
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

test('letters that are lines already are copied as the letters themselves would be', async () => {
  const letters = [
    aLetter(),
    aLetter({ rowId: 'b', raw: null, key: null, headers: [] }),
    aLetter({ rowId: 'c', log: null, source: { source: 'files', object: 'a.csv', at: '7' }, stage: 'connect' }),
    aLetter({ rowId: 'd', raw: Buffer.from([0, 10, 255, 10]), headers: [{ key: 'ü\n', value: Buffer.from([10, 0]) }] }),
    aLetter({ rowId: 'e', errors: [] }),
    // What looks like the line's own structure, wherever a stranger can write.
    aLetter({
      rowId: 'f',
      errors: [{ code: 'REQUIRED', field: '],"record":', rule: ',"sealed":', message: '],"record":{},"sealed":true' }],
      record: {
        errors: [[], { record: 1, sealed: true, raw: '],"record":', key: [',"sealed":'] }],
        record: [[]],
        sealed: 1,
      },
      headers: [
        { key: ',"sealed":', value: Buffer.from('],"record":') },
        { key: 'sealed', value: Buffer.from(',"sealed":') },
      ],
    }),
  ]
  const target = { topic: 'orders', retentionMs: null, batchId: BATCH }
  const [whole, lines] = [logDouble(), logDouble()]
  await copyLetters({ ...target, log: whole.log, letters, sealKey: null })
  const outcome = await copyLetterLines({
    ...target,
    log: lines.log,
    lines: [...letterLines(letters.slice(0, 1), null), ...letterLines(letters.slice(1), null)],
  })
  assert.deepEqual(outcome, { kind: 'copied', records: 6 })
  assert.deepEqual(plain(lines.appended), plain(whole.appended))
})

test('of lines that are sealed nothing is opened (I13)', async () => {
  const { log, appended } = logDouble()
  const secret = Buffer.from('someone@example.com')
  const letter = aLetter({ sealed: true, raw: secret, key: secret, headers: [{ key: 'who', value: secret }] })
  const lines = letterLines([letter], 'k')
  await copyLetterLines({ log, topic: 'orders', lines, retentionMs: null, batchId: BATCH })
  const [record] = appended[0]!.batches[0]!.records
  const stored = JSON.parse(Buffer.from(lines[0]!).toString('utf8')) as { raw: string; key: string }
  assert.equal(Buffer.from(record!.value!).toString('base64'), stored.raw)
  assert.equal(Buffer.from(record!.key!).toString('base64'), stored.key)
  assert.ok(record!.headers.some(({ key, value }) => key === 'sluice.sealed' && String(value) === 'true'))
  assert.ok(!record!.headers.some((header) => header.key === 'who'))
})

test('many letters are appended in parts, so that few are in memory at once (I12)', async () => {
  const { log, appended } = logDouble()
  const raw = Buffer.alloc(750_000)
  const letters = Array.from({ length: 30 }, (_, i) => aLetter({ rowId: `row-${i}`, raw }))
  const lines = letters.flatMap((letter) => letterLines([letter], null))
  const outcome = await copyLetterLines({ log, topic: 'orders', lines, retentionMs: null, batchId: BATCH })
  assert.deepEqual(outcome, { kind: 'copied', records: 30 })
  const parts = appended.map(({ batches }) => batches[0]!.records)
  assert.deepEqual(
    parts.map(({ length }) => length),
    [8, 8, 8, 6],
  )
  const rowIds = parts.flat().map(({ headers }) => String(headers.find(({ key }) => key === 'sluice.row_id')?.value))
  assert.deepEqual(
    rowIds,
    letters.map(({ rowId }) => rowId),
  )
})

function letterLines(letters: readonly DeadLetter[], sealKey: string | null): Uint8Array[] {
  const lines = new LetterLines(sealKey)
  for (const letter of letters) lines.add(letter)
  return lines.take()
}

/** Bytes as text, so that views of different kinds compare. */
function plain(requests: readonly AppendRequest[]): unknown {
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
