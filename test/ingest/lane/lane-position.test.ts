import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { movePositions, positionedPartitions, readPosition } from '../../../src/ingest/lane/lane-position.ts'

const at = { topic: 'orders', partition: 3 }

describe('lane positions in txn actions', () => {
  it('I1: what a commit wrote is what the next one reads', () => {
    const to = { next: 42n, epoch: 0, source: 77n }
    const { txns } = movePositions([{ ...at, from: null, to }])
    assert.deepEqual(readPosition(txns, at), to)
  })
  it('I2: positions are next offsets, exact beyond 2^53', () => {
    const next = 9_223_372_036_854_775_807n
    const { txns } = movePositions([{ ...at, from: null, to: { next, epoch: 0, source: 1n } }])
    assert.equal(readPosition(txns, at)?.next, next)
  })
  it('a lane that committed nothing has no position, which is not offset 0', () => {
    assert.equal(readPosition(new Map(), at), null)
  })
  it('I3: a commit depends on source, epoch and next offset of each of its partitions', () => {
    const from = { next: 5n, epoch: 2, source: 9n }
    const { expectTxns } = movePositions([{ ...at, from, to: { ...from, next: 8n } }])
    assert.deepEqual(
      [...expectTxns].sort(([a], [b]) => (a < b ? -1 : 1)),
      [
        ['sluice/orders/3', 5n],
        ['sluice/orders/3/epoch', 2n],
        ['sluice/orders/3/source', 9n],
      ],
    )
  })
  it('source and epoch are written only when they change', () => {
    const from = { next: 5n, epoch: 2, source: 9n }
    assert.deepEqual([...movePositions([{ ...at, from, to: { ...from, next: 8n } }]).txns.keys()], ['sluice/orders/3'])
    assert.deepEqual(
      [...movePositions([{ ...at, from, to: { next: 0n, epoch: 3, source: 10n } }]).txns],
      [
        ['sluice/orders/3', 0n],
        ['sluice/orders/3/source', 10n],
        ['sluice/orders/3/epoch', 3n],
      ],
    )
  })
  it('lists the partitions of a topic and none of another', () => {
    const txns = new Map([
      ['sluice/orders/10', 1n],
      ['sluice/orders/2', 1n],
      ['sluice/orders/2/source', 1n],
      ['sluice/orders.errors/0', 1n],
      ['sluice/operate', 1n],
    ])
    assert.deepEqual(positionedPartitions(txns, 'orders'), [2, 10])
  })
})
