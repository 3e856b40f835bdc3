import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { murmur2, partitionOf } from '../../src/domain/partitioner.ts'

// Vectors of Apache Kafka's own UtilsTest.testMurmur2.
for (const [key, hash] of [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
] as const) {
  test(`murmur2 of ${key} is Kafka's`, () => {
    assert.equal(murmur2(Buffer.from(key)), hash)
  })
}

test('a key goes to the partition of its hash without its sign bit, as in Kafka', () => {
  // -790332482 & 0x7fffffff = 1357151166; 479470107 is positive already.
  assert.equal(partitionOf(Buffer.from('foobar'), 10), 6)
  assert.equal(partitionOf(Buffer.from('abc'), 10), 7)
})

test('every key, the empty one included, has one partition, whatever buffer it stands in', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 30 }),
      fc.integer({ min: 1, max: 64 }),
      fc.nat({ max: 7 }),
      (key, n, shift) => {
        const partition = partitionOf(key, n)
        assert.ok(Number.isInteger(partition) && partition >= 0 && partition < n)
        const room = new Uint8Array(key.length + shift)
        room.set(key, shift)
        assert.equal(partitionOf(room.subarray(shift), n), partition)
      },
    ),
  )
})
