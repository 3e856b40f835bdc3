import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'

import { fromLaneRecord, toLaneRecord, type LaneRecord } from '../../src/error-lane/lane-record.ts'
import { LetterLines } from '../../src/error-lane/lines/letter-lines.ts'
import { aLetter } from './ledger-fixtures.ts'

test('a letter as JSON: offsets are strings, times ISO 8601 UTC, bytes base64', () => {
  assert.deepEqual(toLaneRecord(aLetter(), null), {
    row_id: '0123456789abcdef0123456789abcdef',
    layer: 'bronze',
    table: 'orders',
    run_id: '11111111-1111-4111-8111-111111111111',
    batch_id: '22222222-2222-4222-8222-222222222222',
    stage: 'contract',
    topic: 'orders',
    partition: 2,
    epoch: 0,
    offset: '9007199254740993',
    source: null,
    record_ts: '2026-11-20T01:02:03.004Z',
    schema_id: 7,
    contract_id: 8,
    errors: [{ code: 'REQUIRED', field: 'customer', rule: 'required', message: 'customer is required' }],
    record: { customer: null, total: '12.30' },
    sealed: false,
    raw: 'AAAAAAcB/w==',
    key: 'azE=',
    headers: [['sluice.source', 'ZmlsZQ==']],
    quarantined_at: '2026-11-20T23:59:59.999Z',
  })
})

test('a record that never reached a topic names source, file and line', () => {
  const letter = aLetter({
    stage: 'connect',
    log: null,
    source: { source: 'shop', object: 'a.csv', at: '17' },
    key: null,
    recordTsMs: null,
  })
  const { topic, partition, epoch, offset, source, record_ts } = toLaneRecord(letter, null)
  assert.deepEqual([topic, partition, epoch, offset, record_ts], [null, null, null, null, null])
  assert.deepEqual(source, { name: 'shop', object: 'a.csv', at: '17' })
})

test('a letter comes back as it went, plain or sealed', () => {
  for (const letter of [
    aLetter(),
    aLetter({ sealed: true }),
    aLetter({ sealed: true, raw: null, key: null, headers: [] }),
    aLetter({
      log: null,
      source: { source: 's', object: 'o', at: '1' },
      recordTsMs: null,
      schemaId: null,
      contractId: null,
      record: null,
    }),
  ]) {
    const line = JSON.parse(JSON.stringify(toLaneRecord(letter, 'secret'))) as LaneRecord
    assert.deepEqual(plain(fromLaneRecord(line, ['secret'])), plain(letter))
  }
})

test('raw, key and headers are sealed where the contract tags PII, and nothing is written without a key (I13)', () => {
  const letter = aLetter({
    sealed: true,
    raw: Buffer.from('a@b.example'),
    key: Buffer.from('a@b.example'),
    headers: [{ key: 'h', value: Buffer.from('a@b.example') }],
  })
  assert.throws(() => toLaneRecord(letter, null), { code: 'SEAL_KEY_MISSING' })
  const text = JSON.stringify(toLaneRecord(letter, 'secret'))
  assert.ok(!text.includes(Buffer.from('a@b.example').toString('base64').slice(0, 12)))
  assert.throws(() => fromLaneRecord(JSON.parse(text) as LaneRecord, []), { code: 'SEAL_KEY_MISSING' })
})

function plain(letter: ReturnType<typeof fromLaneRecord>): object {
  const hex = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString('hex'))
  return {
    ...letter,
    raw: hex(letter.raw),
    key: hex(letter.key),
    headers: letter.headers.map(({ key, value }) => [key, hex(value)]),
  }
}

/** Neighbours that differ in one thing or another, with texts of any kind. */
const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 8 }), fc.constantFrom('a', '"\\', '\ud800', 'é€𝄞'))
const bytes = fc.option(fc.uint8Array({ maxLength: 9 }), { nil: null })
const number = fc.option(fc.nat(3), { nil: null })
const place = fc.record({
  topic: text,
  partition: fc.nat(1),
  epoch: fc.nat(1),
  offset: fc.bigInt({ min: 0n, max: 2n ** 63n }),
})
const letter = fc.record(
  {
    rowId: text,
    table: text,
    batchId: text,
    runId: text,
    stage: fc.constantFrom('contract' as const, 'gate' as const),
    log: place,
    recordTsMs: fc.option(fc.nat(2 ** 40), { nil: null }),
    quarantinedAtMs: fc.nat(1),
    schemaId: number,
    contractId: number,
    errors: fc.array(fc.record({ code: fc.constant('RANGE' as const), field: text, rule: text, message: text }), {
      maxLength: 2,
    }),
    record: fc.jsonValue({ maxDepth: 2 }),
    raw: bytes,
    key: bytes,
    headers: fc.array(fc.record({ key: text, value: fc.uint8Array({ maxLength: 5 }) }), { maxLength: 2 }),
  },
  { requiredKeys: [] },
)
const atSource = fc.constant({ log: null, source: { source: 's', object: 'o', at: '1' } })

test('lines come in pieces, whole and in order, however many there are', () => {
  const raw = new Uint8Array(9000).fill(7)
  const letters = Array.from({ length: 200 }, (_, row) => aLetter({ raw, recordTsMs: row }))
  const lines = new LetterLines(null)
  for (const each of letters) lines.add(each)
  const pieces = lines.take()
  assert.ok(pieces.length > 1)
  for (const piece of pieces) assert.equal(piece.at(-1), 10)
  const plainly = letters.map((each) => `${JSON.stringify(toLaneRecord(each, null))}\n`).join('')
  assert.equal(Buffer.concat(pieces).toString('utf8'), plainly)
})

test('the lines of letters are what their records are as JSON, whatever stands beside them', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ weight: 9, arbitrary: letter }, { weight: 1, arbitrary: atSource }), { maxLength: 12 }),
      (over) => {
        const letters = over.map((each) => aLetter(each as Partial<ReturnType<typeof aLetter>>))
        const plainly = letters.map((each) => `${JSON.stringify(toLaneRecord(each, null))}\n`).join('')
        const lines = new LetterLines(null)
        for (const each of letters) lines.add(each)
        assert.equal(Buffer.concat(lines.take()).toString('utf8'), plainly)
        assert.deepEqual(lines.take(), [])
      },
    ),
  )
})
