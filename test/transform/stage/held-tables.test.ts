import assert from 'node:assert/strict'
import { test } from 'node:test'
import { orderModels } from '../../../src/transform/graph.ts'
import type { ModelNode } from '../../../src/transform/graph.ts'
import { heldSteps, heldTables } from '../../../src/transform/stage/held-tables.ts'
import { model } from '../lake-fixture.ts'

const CARRIED = '_op, _record_ts, _epoch, _partition, _offset'

function activity(people = '', orders = ''): ModelNode {
  const models = [
    model('silver.people', 'kind: merge\nkey: who\n', `select who, size, ${CARRIED} from bronze.people`),
    model('silver.orders', 'kind: merge\nkey: id\n', `select id, who, since, ${CARRIED} from bronze.orders`),
    model(
      'silver.activity',
      `kind: merge
key: id
lookups:
  - {table: silver.people, on: {who: who}, take: {size: person_size}${people}}
  - {table: silver.orders, on: {who: who}, at: {happened: since}, tie_break: [id], take: {id: latest}${orders}}
`,
      `select id, who, happened, ${CARRIED} from bronze.events`,
    ),
  ]
  const bronze = new Map(['people', 'orders', 'events'].map((name) => [name, [name === 'people' ? 'who' : 'id']]))
  return orderModels({ models, bronze }).find(({ name }) => name === 'silver.activity')!
}

const held = (node: ModelNode, size: number, thresholdBytes = 100): readonly string[] => [
  ...heldTables(node, {
    bytes: new Map(node.inputs.map(({ layer, table }) => [`${layer}.${table}`, size])),
    thresholdBytes,
  }),
]

test('a small table that is gone through twice is held; a large one, and one that is read once, is not', () => {
  assert.deepEqual(held(activity(), 100), ['silver.orders'])
  assert.deepEqual(held(activity(), 101), [])
  assert.deepEqual(held(activity(), 1, 0), [])
})

test('a hint of the lookup decides, whatever the size', () => {
  assert.deepEqual(held(activity(', broadcast: true', ', broadcast: false'), 1), ['silver.people'])
  assert.deepEqual(held(activity('', ', broadcast: true'), 1000), ['silver.orders'])
})

test('only the columns that lookups need are held', () => {
  const steps = heldSteps(activity(), new Set(['silver.orders']), ({ table }) => `view_of_${table}`)
  assert.deepEqual(steps, [{ name: 'sluice_held_silver_orders', sql: 'select who, since, id from view_of_orders h' }])
})

test('a hint decides no rows: nothing is built anew for it', () => {
  assert.equal(activity(', broadcast: true').definition, activity().definition)
})

test('a hint that is neither true nor false is refused with its key', () => {
  assert.throws(() => activity(', broadcast: yes please'), /broadcast is true or false/)
})
