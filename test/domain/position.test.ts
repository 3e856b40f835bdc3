import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkName } from '../../src/domain/identifier.ts'
import { partitionKey, START } from '../../src/domain/position.ts'

test('I2 a lane that has read nothing stands at 0, the next offset', () => {
  assert.deepEqual(START, { next: 0n, epoch: 0, source: null })
})

test('no two topic-partitions share a key, because no topic may hold a slash', () => {
  assert.equal(partitionKey({ topic: 'orders.eu', partition: 12 }), 'orders.eu/12')
  assert.throws(() => checkName('orders/1', 'topic'), { code: 'IDENTIFIER_INVALID' })
})
