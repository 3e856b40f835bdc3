import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTableName } from '../../../src/domain/identifier.ts'
import { orderModels } from '../../../src/transform/graph.ts'
import { incrementSql } from '../../../src/transform/stage/increment-sql.ts'
import type { StageFacts } from '../../../src/transform/stage/stage-sql.ts'
import { model } from '../lake-fixture.ts'

const DIMENSION = model(
  'gold.dim_customer',
  'kind: scd2\nkey: customer_id\nsequence_by: at\nsurrogate_key: customer_sk\n',
  'select customer_id, city, at, _op, _record_ts, _epoch, _partition, _offset from bronze.customers',
)
const SOURCE = model(
  'silver.orders',
  'kind: merge\nkey: order_id\nsequence_by: at\n',
  'select order_id, customer_id, at, _op, _record_ts, _epoch, _partition, _offset from bronze.orders',
)

/** Which views the increment narrows when all inputs of a fact changed, in order. */
function narrowed(plain: readonly (readonly [string, string])[]): readonly string[] {
  const fact = model(
    'gold.fact',
    'kind: merge\nkey: order_id\nlookups:\n  - {dimension: gold.dim_customer, on: {customer_id: customer_id}, at: at, as: customer_sk}\n',
    'select order_id, customer_id, at from silver.orders',
  )
  const bronze = new Map([
    ['orders', ['order_id']],
    ['customers', ['customer_id']],
  ])
  const node = orderModels({ models: [DIMENSION, SOURCE, fact], bronze }).find(({ name }) => name === 'gold.fact')!
  const own = ['order_id', 'customer_id', 'at'].map((name) => ({
    name,
    type: name === 'at' ? ({ kind: 'timestamp' } as const) : ({ kind: 'string' } as const),
    nullable: true,
  }))
  const stored = [...own, { name: 'customer_sk', type: { kind: 'string' } as const, nullable: true }]
  const facts: StageFacts = {
    node,
    shape: { own, stored, isChanges: false },
    keepsDeleted: new Set(),
    held: new Set(),
    plain: new Map(plain),
    hasUnknown: false,
  }
  const tables = ['silver.orders', 'gold.dim_customer'].map((name) => parseTableName(name))
  return incrementSql(facts, { scope: 'keys', tables }).steps.flatMap((step) => ('narrow' in step ? [step.narrow] : []))
}

test('a source is narrowed to files that hold touched keys only where the SELECT takes as they are all columns that tell', () => {
  const target = ['sluice_target', 'sluice_target']
  const plain = [
    ['order_id', 'order_id'],
    ['customer_id', 'customer_id'],
    ['at', 'at'],
  ] as const
  assert.deepEqual(narrowed(plain), ['sluice_silver_orders', ...target])
  assert.deepEqual(narrowed(plain.slice(1)), target)
  assert.deepEqual(narrowed(plain.slice(0, 2)), target)
  assert.deepEqual(narrowed([]), target)
})
