import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { encodePacked } from '../../../src/adapters/embedded-log/encode-packed.ts'
import { encodeBatches, placeBatch, readStoredBatch } from '../../../src/adapters/embedded-log/stored-batch.ts'
import { SluiceError } from '../../../src/domain/errors.ts'
import { readPacked, RecordPacker } from '../../../src/domain/packed-records.ts'
import {
  headerName,
  readHeaders,
  recordKey,
  recordValue,
  type OutgoingRecord,
} from '../../../src/domain/record-batch.ts'

const here = { topic: 'orders', partition: 3 }

function record(value: string, headers: OutgoingRecord['headers'] = []): OutgoingRecord {
  return { key: Buffer.from('k'), value: Buffer.from(value), headers, timestampMs: 1_700_000_000_000 }
}

function placed(records: readonly OutgoingRecord[], first = 100n): Uint8Array {
  const [batch] = encodeBatches(records)
  return placeBatch(batch!, first, 1_700_000_000_123)
}

test('the layout is the one that is documented', () => {
  // Built by hand from the table in stored-batch.ts.
  const body = Buffer.alloc(2 * 20 + 4)
  body.writeDoubleLE(5, 0)
  body.writeDoubleLE(6, 8)
  for (const [i, length] of [1, -1, 2, 0, 0, 1].entries()) body.writeInt32LE(length, 16 + i * 4)
  body.write('kvv\0', 40, 'latin1')
  const head = Buffer.alloc(40)
  head.write('SLB1')
  head.writeUInt32LE(1, 8)
  head.writeUInt32LE(2, 12)
  head.writeUInt32LE(4, 16)
  head.writeBigInt64LE(100n, 24)
  head.writeBigInt64LE(1_700_000_000_123n, 32)
  head.writeUInt32LE(crc32(Buffer.concat([body, head.subarray(8)])), 4)
  const blob = new Uint8Array(Buffer.concat([head, body]))

  const batch = readStoredBatch({ ...here, first: 100n, next: 102n, blob }, 100n)
  assert.deepEqual([...batch.timestampsMs], [5, 6])
  assert.equal(Buffer.from(recordKey(batch, 0)!).toString(), 'k')
  assert.equal(Buffer.from(recordValue(batch, 0)!).toString(), 'vv')
  assert.equal(recordKey(batch, 1), null)
  assert.deepEqual([...recordValue(batch, 1)!], [])
  assert.deepEqual(readHeaders(batch, 1), [])

  const written = placed([
    { key: Buffer.from('k'), value: Buffer.from('vv'), headers: [], timestampMs: 5 },
    { key: null, value: new Uint8Array(0), headers: [], timestampMs: 6 },
  ])
  assert.deepEqual(
    Buffer.from(written.subarray(40)),
    Buffer.concat([body.subarray(0, 36), Buffer.alloc(4), Buffer.from('kvv')]),
  )
})

test('a batch is split where either limit is reached, and a record larger than the limit stands alone', () => {
  const sizes = (records: readonly OutgoingRecord[], limits: { records: number; payloadBytes: number }): number[] =>
    encodeBatches(records, limits).map(({ count }) => count)
  const ten = Array.from({ length: 10 }, (_, i) => record(String(i)))
  assert.deepEqual(sizes(ten, { records: 4, payloadBytes: 1000 }), [4, 4, 2])
  assert.deepEqual(sizes(ten, { records: 100, payloadBytes: 6 }), [3, 3, 3, 1])
  assert.deepEqual(
    sizes([record('a'), record('x'.repeat(50)), record('b')], { records: 9, payloadBytes: 9 }),
    [1, 1, 1],
  )
  assert.deepEqual(sizes([], { records: 4, payloadBytes: 1000 }), [])
})

test('packed records are stored as the very batches that the same records are as objects', () => {
  const bytes = fc.option(fc.uint8Array({ maxLength: 9 }))
  const header = fc.record({ key: fc.string({ maxLength: 3 }), value: fc.uint8Array({ maxLength: 5 }) })
  const one = fc.record({
    key: bytes,
    value: fc.oneof(bytes, fc.constant(new Uint8Array(40))),
    headers: fc.array(header, { maxLength: 2 }),
    timestampMs: fc.nat(),
  })
  const limits = fc.record({ records: fc.integer({ min: 1, max: 6 }), payloadBytes: fc.integer({ min: 1, max: 90 }) })
  const lists = fc.array(fc.array(one, { maxLength: 7 }), { maxLength: 5 })
  fc.assert(
    fc.property(lists, limits, (groups, bound) => {
      // A piece a group: batches go on over their borders.
      const pieces = groups.flatMap((group) => {
        const packer = new RecordPacker()
        for (const { headers, ...record } of group) {
          packer.begin({ ...record, headers: headers.length })
          for (const { key, value } of headers) {
            packer.bytes(headerName(key))
            packer.value(value)
          }
          packer.end()
        }
        return packer.take()
      })
      const read = pieces.flatMap(readPacked)
      assert.equal(read.length, groups.flat().length)
      const packed = encodePacked(pieces, bound).map((each) => placeBatch(each, 7n, 8))
      assert.deepEqual(
        packed.map((each) => Buffer.from(each).toString('hex')),
        encodeBatches(read, bound).map((each) => Buffer.from(placeBatch(each, 7n, 8)).toString('hex')),
      )
    }),
    { numRuns: 300 },
  )
})

test('a batch is read from any start of its buffer', () => {
  const blob = placed([record('one', [{ key: 'h', value: Buffer.from('x') }]), record('two')])
  for (let shift = 0; shift < 9; shift += 1) {
    const room = new Uint8Array(blob.length + shift)
    room.set(blob, shift)
    const batch = readStoredBatch({ ...here, first: 100n, next: 102n, blob: room.subarray(shift) }, 101n)
    assert.equal(batch.first, 101n)
    assert.equal(batch.count, 1)
    assert.equal(Buffer.from(recordValue(batch, 0)!).toString(), 'two')
  }
})

test('whichever byte changes, the batch is refused by topic, partition and offset', () => {
  const blob = placed([record('one', [{ key: 'h', value: Buffer.from('x') }]), record('two')])
  fc.assert(
    fc.property(fc.nat({ max: blob.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const bad = blob.slice()
      bad[at]! ^= flip
      assert.throws(
        () => readStoredBatch({ ...here, first: 100n, next: 102n, blob: bad }, 100n),
        (error) => {
          assert.ok(error instanceof SluiceError && error.code === 'LOG_CORRUPT')
          assert.deepEqual(error.where, { ...here, offset: '100' })
          assert.match(error.message, /offset 100 of orders\/3/)
          return true
        },
      )
    }),
  )
})

test('a batch that is cut short, too long or in another place is refused', () => {
  const blob = placed([record('one'), record('two')])
  const corrupt = { code: 'LOG_CORRUPT' }
  for (const length of [0, 10, 39, 40, blob.length - 1]) {
    assert.throws(
      () => readStoredBatch({ ...here, first: 100n, next: 102n, blob: blob.slice(0, length) }, 100n),
      corrupt,
    )
  }
  const longer = new Uint8Array(blob.length + 1)
  longer.set(blob)
  assert.throws(() => readStoredBatch({ ...here, first: 100n, next: 102n, blob: longer }, 100n), corrupt)
  assert.throws(() => readStoredBatch({ ...here, first: 99n, next: 101n, blob }, 99n), corrupt)
  assert.throws(() => readStoredBatch({ ...here, first: 100n, next: 103n, blob }, 100n), corrupt)
})
