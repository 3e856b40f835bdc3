import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createEncoder } from '../../../src/contract/encode.ts'
import { createJudge } from '../../../src/contract/judge.ts'
import type { DeadLetter, JsonValue } from '../../../src/domain/dead-letter.ts'
import { keptBackBatch } from '../../../src/domain/record-batch.ts'
import { rowIdOfLog } from '../../../src/error-lane/row-id.ts'
import { toLaneRecord } from '../../../src/error-lane/lane-record.ts'
import { judgeBatch, type JudgeContext, type JudgedBatch } from '../../../src/ingest/rows/judge-batch.ts'
import { orderContract, placedBatch, rowObjects, type PlacedRecord } from '../batches.ts'

const schema = orderContract()
const encoder = createEncoder(schema)
const BATCH_ID = '22222222-2222-4222-8222-222222222222'

function good(id: string, n: number, more: Partial<PlacedRecord> = {}): PlacedRecord {
  const encoded = encoder.encode(['id', 'n'], [id, n], false)
  assert.ok(encoded.kind === 'encoded')
  return { key: Buffer.from(id), value: encoded.bytes, ...more }
}

function context(over: Partial<JudgeContext> = {}): JudgeContext {
  return {
    table: 'orders',
    judge: createJudge({ schema, mode: 'rescue', keyColumns: ['id'] }),
    writers: new Map([[schema.id, schema]]),
    epoch: 3,
    runId: '11111111-1111-4111-8111-111111111111',
    batchId: BATCH_ID,
    nowMs: 1_700_000_000_500,
    maxRecordBytes: 1_000_000,
    ...over,
  }
}

/** The offsets that a judged batch accounts for, and how. */
function accounted({ rows, letters, skips, first, next }: JudgedBatch): string {
  const places = Array.from({ length: Number(next - first) }, () => '.')
  const put = (offset: bigint, mark: string): void => {
    const at = Number(offset - first)
    places[at] = places[at] === '.' ? mark : '!'
  }
  for (const row of rowObjects(rows)) put(row['_offset'] as bigint, 'r')
  for (const letter of letters) put(letter.log!.offset, 'l')
  for (const skip of skips) for (let offset = skip.first; offset < skip.next; offset += 1n) put(offset, 's')
  return places.join('')
}

describe('judgeBatch', () => {
  it("I15: a row carries the contract's columns and where it comes from", () => {
    const headers = [
      { key: 'sluice.source', value: Buffer.from('snowflake') },
      { key: 'sluice.op', value: Buffer.from('r') },
    ]
    const batch = placedBatch([good('a', 1, { headers, timestampMs: 1_600_000_000_123.9 })], {
      first: 2n ** 60n,
      partition: 9,
    })
    assert.deepEqual(rowObjects(judgeBatch(batch, context()).rows), [
      {
        id: 'a',
        n: 1,
        _batch_id: BATCH_ID,
        _source_system: 'snowflake',
        _topic: 'orders',
        _partition: 9,
        _epoch: 3,
        _offset: 2n ** 60n,
        _record_ts: 1_600_000_000_123_000n,
        _op: 'r',
        _schema_id: 7,
        _contract_id: 7,
        _rescued: null,
      },
    ])
  })

  it('I5: a letter names place, rule and contract, and keeps what is needed to judge it again', () => {
    const headers = [{ key: 'h', value: Buffer.from('v') }]
    const bad = good('a', -1, { delta: 4, headers, timestampMs: 5 })
    const [letter] = judgeBatch(placedBatch([good('z', 0), bad], { first: 10n }), context()).letters
    const log = { topic: 'orders', partition: 0, epoch: 3, offset: 14n }
    assert.deepEqual(letter?.log, log)
    assert.equal(letter.rowId, rowIdOfLog(log))
    assert.deepEqual(
      [letter.stage, letter.table, letter.schemaId, letter.contractId, letter.recordTsMs],
      ['contract', 'orders', 7, 7, 5],
    )
    assert.deepEqual(
      letter.errors.map(({ code, field }) => [code, field]),
      [['RANGE', 'n']],
    )
    assert.deepEqual([Buffer.from(letter.raw!), Buffer.from(letter.key!)], [Buffer.from(bad.value!), Buffer.from('a')])
    assert.deepEqual(
      letter.headers.map(({ key, value }) => [key, Buffer.from(value).toString()]),
      [['h', 'v']],
    )
    assert.deepEqual(letter.record, { id: 'a', n: -1 })
  })

  it('I12: a letter does not hold the bytes that its record was fetched with', () => {
    const batch = placedBatch([
      good('a', -1, { headers: [{ key: 'h', value: Buffer.from('v') }] }),
      good('x'.repeat(50_000), 1),
    ])
    const [letter] = judgeBatch(batch, context()).letters
    for (const bytes of [letter!.raw!, letter!.key!, letter!.headers[0]!.value]) {
      assert.notEqual(bytes.buffer, batch.bytes.buffer)
      assert.equal(bytes.buffer.byteLength, bytes.byteLength)
    }
  })

  it('a letter that is told at once says the same as one that is kept', () => {
    const batch = placedBatch([
      good('x'.repeat(50), 1),
      good('a', -1, { headers: [{ key: 'h', value: Buffer.from('v') }] }),
      good('b', -2),
      good('c', 3),
    ])
    const line = (letter: DeadLetter): string => JSON.stringify(toLaneRecord(letter, null))
    const parsed = (json: Uint8Array): JsonValue => JSON.parse(Buffer.from(json).toString('utf8')) as JsonValue
    const told: string[] = []
    const judged = judgeBatch(batch, {
      ...context({ maxRecordBytes: 40 }),
      tell(letter, recordJson) {
        assert.equal(letter.raw!.buffer, batch.bytes.buffer)
        told.push(line({ ...letter, record: parsed(recordJson) }))
      },
    })
    assert.deepEqual(judged.letters, [])
    assert.deepEqual(told, judgeBatch(batch, context({ maxRecordBytes: 40 })).letters.map(line))
    assert.equal(told.length, 3)
  })

  it('a null value is a row with _op d, whatever its headers say, and schema id 0', () => {
    const headers = [{ key: 'sluice.op', value: Buffer.from('c') }]
    const [row] = rowObjects(judgeBatch(placedBatch([{ key: Buffer.from('a'), value: null, headers }]), context()).rows)
    assert.deepEqual([row?.['id'], row?.['n'], row?.['_op'], row?.['_schema_id']], ['a', null, 'd', 0])
  })

  it('headers that cannot be read are no reason to refuse a record, nor to lose a letter', () => {
    const headerBytes = Buffer.from([2, 200])
    const judged = judgeBatch(placedBatch([good('a', 1, { headerBytes }), good('b', -1, { headerBytes })]), context())
    assert.deepEqual([judged.rows.length, judged.letters.length, judged.letters[0]?.headers], [1, 1, []])
    assert.equal(rowObjects(judged.rows)[0]?.['_source_system'], 'kafka')
  })

  it('a letter of a backfill keeps its batch id', () => {
    const uuid = '0f4fd39a-97a6-4f0b-9a6a-6f4b0b6a1c2d'
    const headers = [{ key: 'sluice.batch_id', value: Buffer.from(uuid) }]
    assert.equal(judgeBatch(placedBatch([good('a', -1, { headers })]), context()).letters[0]?.batchId, uuid)
  })

  it('private fields make every letter of the contract sealed', () => {
    const text = JSON.stringify({
      type: 'record',
      name: 'Order',
      fields: [{ name: 'id', type: 'string', pii: 'email' }],
    })
    const tagged = orderContract({ text })
    const judge = createJudge({ schema: tagged, mode: 'rescue', keyColumns: [] })
    const [letter] = judgeBatch(placedBatch([{ value: Buffer.from('junk') }]), context({ judge })).letters
    assert.equal(letter?.sealed, true)
  })

  it('a record of more bytes than allowed is refused unseen, and its neighbours are judged as ever', () => {
    const large = good('x'.repeat(200), -1)
    const judged = judgeBatch(
      placedBatch([good('a', 1), large, good('b', 2)], { first: 5n }),
      context({ maxRecordBytes: 100 }),
    )
    assert.equal(accounted(judged), 'rlr')
    const [letter] = judged.letters
    assert.deepEqual([letter?.errors[0]?.code, letter?.schemaId, letter?.record], ['TOO_LARGE', 7, null])
    assert.deepEqual(Buffer.from(letter!.raw!), Buffer.from(large.value!))
    assert.ok(!letter!.errors[0]!.message.includes('xxx'))
  })

  it('I4, I12: records that the log kept back are letters of their places, without bytes', () => {
    const kept = keptBackBatch({
      topic: 'orders',
      partition: 4,
      first: 2n ** 40n,
      next: 2n ** 40n + 3n,
      timestampMs: 1_600_000_000_000,
      bytes: 5_000_000,
      maxBytes: 1_000_000,
    })
    const judged = judgeBatch(kept, context())
    assert.equal(accounted(judged), 'lll')
    for (const [i, letter] of judged.letters.entries()) {
      assert.deepEqual(letter.log, { topic: 'orders', partition: 4, epoch: 3, offset: 2n ** 40n + BigInt(i) })
      assert.deepEqual([letter.errors[0]?.code, letter.raw, letter.key], ['BATCH_TOO_LARGE', null, null])
    }
  })

  it('I4: every offset of a batch is a row, a letter or a skip, and only one of them', () => {
    const kind = fc.constantFrom('good', 'broken rule', 'tombstone', 'junk', 'large', 'skip')
    fc.assert(
      fc.property(fc.array(kind, { maxLength: 40 }), fc.bigInt({ min: 0n, max: 2n ** 62n }), (kinds, first) => {
        const records: PlacedRecord[] = []
        const skips: { first: bigint; next: bigint; reason: 'compacted' }[] = []
        kinds.forEach((each, delta) => {
          const at = first + BigInt(delta)
          if (each === 'skip') skips.push({ first: at, next: at + 1n, reason: 'compacted' })
          else if (each === 'good') records.push(good('a', 1, { delta }))
          else if (each === 'broken rule') records.push(good('a', -1, { delta }))
          else if (each === 'large') records.push(good('x'.repeat(2_000), 1, { delta }))
          else if (each === 'junk') records.push({ value: Buffer.from('junk'), delta })
          else records.push({ key: Buffer.from('k'), value: null, delta })
        })
        const batch = placedBatch(records, { first, next: first + BigInt(kinds.length), skips })
        const judged = judgeBatch(batch, context({ maxRecordBytes: 1_000 }))
        const expected = kinds.map((each) =>
          each === 'skip' ? 's' : each === 'good' || each === 'tombstone' ? 'r' : 'l',
        )
        assert.equal(accounted(judged), expected.join(''))
        assert.deepEqual([judged.first, judged.next], [batch.first, batch.next])
      }),
      { numRuns: 60 },
    )
  })

  it('I4, I5: no bytes whatever make it throw, and none are lost', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 10 }), (values) => {
        const bodies = values.map((value) => Buffer.concat([Buffer.of(0, 0, 0, 0, 7), value]))
        const judged = judgeBatch(placedBatch(bodies.map((value) => ({ value }))), context())
        assert.ok(!/[.!]/.test(accounted(judged)))
        for (const letter of judged.letters)
          assert.deepEqual(Buffer.from(letter.raw!), bodies[Number(letter.log!.offset)])
      }),
    )
  })
})
