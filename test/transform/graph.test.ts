import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SluiceError } from '../../src/domain/errors.ts'
import type { ModelDefinition } from '../../src/domain/model.ts'
import { orderModels, selectModels } from '../../src/transform/graph.ts'
import { model } from './lake-fixture.ts'

const BRONZE = new Map([['orders', ['OrderId']]])
const FULL = 'kind: full\n'

function order(...models: ModelDefinition[]): readonly string[] {
  return orderModels({ models, bronze: BRONZE }).map((node) => node.name)
}

function refusal(...models: ModelDefinition[]): SluiceError {
  try {
    order(...models)
  } catch (error) {
    if (error instanceof SluiceError) return error
    throw error
  }
  assert.fail('taken')
}

const ORDERS = model(
  'silver.orders',
  'kind: merge\nkey: order_id\n',
  'select order_id, _op, _record_ts, _epoch, _partition, _offset from bronze.orders',
)
const DIM = model(
  'gold.dim_a',
  'kind: scd2\nkey: a\nsequence_by: t\ntie_break: b\nsurrogate_key: a_sk\n',
  'select a, b, t, _op, _record_ts, _epoch, _partition, _offset from bronze.orders',
)
const FACT = model(
  'gold.fact_b',
  'kind: merge\nkey: id\nlookups:\n  - {dimension: gold.dim_a, on: {a: a}, at: t, as: a_sk}\n',
  'select id, a, t from silver.orders',
)

test('each model comes after what it reads, in the same order on every run', () => {
  const readsDim = model('gold.about_a', FULL, 'select count(*) as n from gold.dim_a')
  assert.deepEqual(order(FACT, readsDim, DIM, ORDERS), ['gold.dim_a', 'silver.orders', 'gold.fact_b', 'gold.about_a'])
  assert.deepEqual(order(ORDERS, DIM, readsDim, FACT), order(FACT, readsDim, DIM, ORDERS))
})

test('a circle is refused with its path', () => {
  const one = model('silver.one', FULL, 'select * from silver.two')
  const two = model('silver.two', FULL, 'select * from silver.three')
  const three = model('silver.three', FULL, 'select * from silver.one')
  const error = refusal(one, two, three)
  assert.equal(error.code, 'MODEL_CYCLE')
  assert.match(error.message, /silver.one → silver.two → silver.three → silver.one/)
  assert.equal(refusal(model('silver.self', FULL, 'select * from silver.self')).code, 'MODEL_CYCLE')
})

test('an input that is neither a model nor a declared bronze table is named', () => {
  const error = refusal(model('silver.x', FULL, 'select * from bronze.order'))
  assert.equal(error.code, 'TABLE_UNKNOWN')
  assert.match(error.message, /silver.x reads bronze.order, .*did you mean bronze.orders\?/)
  assert.equal(error.where.file, 'silver.x.sql')
  assert.equal(refusal(model('silver.x', FULL, 'select 1 as a')).code, 'MODEL_INVALID')
})

test('tie_break is needed exactly where the key is not the key of the topic', () => {
  const sql = 'select line_id, _op, _record_ts, _epoch, _partition, _offset from bronze.orders'
  assert.match(refusal(model('silver.lines', 'kind: merge\nkey: line_id\n', sql)).message, /tie_break is needed/)
  assert.deepEqual(order(model('silver.lines', 'kind: merge\nkey: line_id\ntie_break: line_id\n', sql)), [
    'silver.lines',
  ])
  assert.deepEqual(order(ORDERS), ['silver.orders'])
})

test('a lookup that does not fit its dimension is refused', () => {
  const fact = (lookup: string): ModelDefinition =>
    model('gold.fact_b', `kind: merge\nkey: id\nlookups:\n  - ${lookup}\n`, 'select id, a, t from silver.orders')
  assert.match(refusal(ORDERS, DIM, fact('{dimension: gold.dim_a, on: {a: a}, as: k}')).message, /needs `at`/)
  assert.match(refusal(ORDERS, DIM, fact('{dimension: gold.dim_a, on: {a: b}, at: t, as: k}')).message, /whole key: a/)
  assert.match(
    refusal(ORDERS, fact('{dimension: gold.dim_z, on: {a: a}, at: t, as: k}')).message,
    /gold.dim_z is no model/,
  )
  assert.match(
    refusal(ORDERS, fact('{dimension: silver.orders, on: {a: order_id}, as: k}')).message,
    /no surrogate_key/,
  )
})

test('selectors take a model, what is downstream, what is upstream; an unknown one is named', () => {
  const nodes = orderModels({ models: [ORDERS, DIM, FACT], bronze: BRONZE })
  const select = (...texts: string[]): readonly string[] => selectModels(nodes, texts).map((node) => node.name)
  assert.deepEqual(select(), ['gold.dim_a', 'silver.orders', 'gold.fact_b'])
  assert.deepEqual(select('silver.orders'), ['silver.orders'])
  assert.deepEqual(select('silver.orders+'), ['silver.orders', 'gold.fact_b'])
  assert.deepEqual(select('+gold.fact_b'), ['gold.dim_a', 'silver.orders', 'gold.fact_b'])
  assert.throws(
    () => select('silver.order'),
    (error: unknown) =>
      error instanceof SluiceError && error.code === 'MODEL_UNKNOWN' && /silver.orders/.test(error.message),
  )
})
