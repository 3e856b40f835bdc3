import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { frameRecord, readSchemaId } from '../../src/contract/wire.ts'

test('a framed body names its id and gives the body back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 0x7fffffff }), fc.uint8Array(), (id, body) => {
      const framed = frameRecord(id, body)
      assert.deepEqual(readSchemaId(framed), { schemaId: id, bodyStart: 5 })
      assert.deepEqual(framed.slice(5), body)
    }),
  )
})

test('the header is byte 0 and four bytes, big-endian', () => {
  assert.deepEqual([...frameRecord(0x01020304, Uint8Array.of(9))], [0, 1, 2, 3, 4, 9])
})

test('other bytes name no schema', () => {
  for (const bytes of [[], [0], [0, 0, 0, 1], [1, 0, 0, 0, 1], [0, 0, 0, 0, 0], [0, 0x80, 0, 0, 0]]) {
    assert.equal(readSchemaId(Uint8Array.from(bytes)), null)
  }
})
