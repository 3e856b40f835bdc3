import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RecordHeader } from '../../src/domain/dead-letter.ts'
import {
  encodeHeaders,
  readHeaders,
  recordKey,
  recordOffset,
  recordValue,
  type RecordBatch,
} from '../../src/domain/record-batch.ts'

/** A batch of one record at offset 7 that holds only these headers. */
function withHeaders(bytes: Uint8Array, start = 0, end = bytes.length): RecordBatch {
  return {
    topic: 'orders',
    partition: 0,
    first: 7n,
    next: 8n,
    count: 1,
    bytes,
    offsetDeltas: Int32Array.of(0),
    timestampsMs: Float64Array.of(0),
    keyStarts: Int32Array.of(-1),
    keyEnds: Int32Array.of(-1),
    valueStarts: Int32Array.of(start),
    valueEnds: Int32Array.of(start),
    headersStarts: Int32Array.of(start),
    headersEnds: Int32Array.of(end),
    skips: [],
  }
}

function plain(headers: readonly RecordHeader[]): [string, number[]][] {
  return headers.map(({ key, value }) => [key, [...value]])
}

test('headers are encoded as Kafka encodes them (KIP-98)', () => {
  // By hand: count 2 → 04; "ab" → 04 61 62; 3 bytes → 06 …; "" → 00; no bytes → 00.
  const bytes = encodeHeaders([
    { key: 'ab', value: Uint8Array.of(1, 2, 3) },
    { key: '', value: new Uint8Array(0) },
  ])
  assert.deepEqual([...bytes], [0x04, 0x04, 0x61, 0x62, 0x06, 1, 2, 3, 0x00, 0x00])
  const long = encodeHeaders([{ key: 'k', value: new Uint8Array(64) }])
  // 64 zigzag → 128 → 80 01.
  assert.deepEqual([...long.subarray(0, 5)], [0x02, 0x02, 0x6b, 0x80, 0x01])
})

test('a null header value, which Kafka writes as -1, reads as empty', () => {
  assert.deepEqual(plain(readHeaders(withHeaders(Uint8Array.of(0x02, 0x02, 0x6b, 0x01)), 0)), [['k', []]])
})

test('no headers are no bytes, and both read as none', () => {
  assert.equal(encodeHeaders([]).length, 0)
  assert.deepEqual(readHeaders(withHeaders(new Uint8Array(0)), 0), [])
  assert.deepEqual(readHeaders(withHeaders(Uint8Array.of(0)), 0), [])
})

test('headers come back as they were, wherever they stand in the bytes', () => {
  const header = fc.record({ key: fc.string({ unit: 'grapheme' }), value: fc.uint8Array({ maxLength: 200 }) })
  fc.assert(
    fc.property(fc.array(header, { maxLength: 70 }), fc.nat({ max: 9 }), (headers, shift) => {
      const encoded = encodeHeaders(headers)
      const bytes = new Uint8Array(shift + encoded.length + 3).fill(0xff)
      bytes.set(encoded, shift)
      assert.deepEqual(plain(readHeaders(withHeaders(bytes, shift, shift + encoded.length), 0)), plain(headers))
    }),
  )
})

test('damaged headers are refused, never read past their record', () => {
  const bytes = encodeHeaders([{ key: 'name', value: Buffer.from('value') }])
  for (let end = 1; end < bytes.length; end += 1) {
    assert.throws(() => readHeaders(withHeaders(bytes, 0, end), 0), RangeError)
  }
  assert.throws(() => readHeaders(withHeaders(new Uint8Array(10).fill(0xff)), 0), RangeError)
})

test('null stays apart from empty, and a record knows its offset', () => {
  const batch = { ...withHeaders(Uint8Array.of(9)), offsetDeltas: Int32Array.of(5) }
  assert.equal(recordKey(batch, 0), null)
  assert.deepEqual(recordValue(batch, 0), new Uint8Array(0))
  assert.equal(recordOffset(batch, 0), 12n)
})
