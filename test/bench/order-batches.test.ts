import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { orderBatches } from '../../bench/orders/order-batches.ts'
import { ORDERS_SCHEMA } from '../../bench/orders/order-schema.ts'
import { createJudge } from '../../src/contract/judge.ts'

describe('the measured orders', () => {
  it('are the same for the same seed, and others for another', () => {
    const made = (seed: number) => [...orderBatches({ seed, count: 250, batchRows: 100, partitions: 2 })]
    assert.deepEqual(made(4), made(4))
    assert.notDeepEqual(made(4), made(5))
    assert.deepEqual(
      made(4).map(({ batch }) => [batch.partition, batch.first, batch.next]),
      [
        [0, 0n, 100n],
        [1, 0n, 100n],
        [0, 100n, 150n],
      ],
    )
  })

  it('break the contract exactly where the generator says so', () => {
    const judge = createJudge({ schema: ORDERS_SCHEMA, mode: 'rescue', keyColumns: ['order_id'] })
    const writers = new Map([[ORDERS_SCHEMA.id, ORDERS_SCHEMA]])
    const codes = new Set<string>()
    for (const { batch, bad } of orderBatches({ seed: 9, count: 3000, badRate: 0.05 })) {
      const { refusals } = judge.judge(batch, writers)
      assert.deepEqual(
        refusals.map(({ index }) => index),
        bad,
      )
      for (const { errors } of refusals) for (const { code } of errors) codes.add(code)
    }
    assert.deepEqual([...codes].sort(), ['DECODE', 'ENUM', 'LENGTH', 'PATTERN', 'RANGE', 'REQUIRED', 'WIRE_FORMAT'])
  })
})
