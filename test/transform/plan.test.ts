import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTableName } from '../../src/domain/identifier.ts'
import { DEFINITION_APP, definitionHash, inputApp } from '../../src/transform/definition.ts'
import { planChanges, planModel, scopeOf } from '../../src/transform/plan.ts'
import type { PlanFacts, ScopeFacts } from '../../src/transform/plan.ts'
import { model } from './lake-fixture.ts'

const ORDERS = parseTableName('bronze.orders')
const FX = parseTableName('silver.fx')
const DIM = parseTableName('gold.dim_a')

function facts(more: Partial<PlanFacts> = {}): PlanFacts {
  return {
    target: {
      txns: new Map([
        [DEFINITION_APP, 7n],
        [inputApp(ORDERS, 'A'), 3n],
      ]),
    },
    definition: 7n,
    fullRefresh: false,
    inputs: [{ table: ORDERS, tableId: 'A', version: 3 }],
    ...more,
  }
}

test('I11: what the table states decides whether to rebuild, look or do nothing, and why', () => {
  assert.deepEqual(planModel(facts()), { mode: 'nothing', reason: 'no input changed' })
  assert.deepEqual(planModel(facts({ inputs: [{ table: ORDERS, tableId: 'A', version: 5 }] })), {
    mode: 'look',
    ranges: [{ table: ORDERS, after: 3, to: 5 }],
  })
  const rebuilds: readonly (readonly [Partial<PlanFacts>, RegExp])[] = [
    [{ fullRefresh: true }, /full refresh/],
    [{ target: null }, /does not exist/],
    [{ target: { txns: new Map() } }, /does not say which definition/],
    [{ definition: 8n }, /definition changed/],
    [{ inputs: [{ table: ORDERS, tableId: 'B', version: 3 }] }, /bronze.orders is another table/],
    [{ inputs: [{ table: FX, tableId: 'F', version: 1 }] }, /silver.fx was not an input/],
    [{ inputs: [{ table: ORDERS, tableId: 'A', version: 2 }] }, /went back to version 2/],
  ]
  for (const [more, reason] of rebuilds) {
    const plan = planModel(facts(more))
    assert.equal(plan.mode, 'rebuild')
    if (plan.mode === 'rebuild') assert.match(plan.reason, reason)
  }
})

test('I11: files that came or went make an increment; a log that was cut, or another table, a rebuild', () => {
  const files = { added: 0, removed: 0, tableIdChanged: false }
  assert.equal(planChanges([{ table: ORDERS, files }]).mode, 'nothing')
  assert.deepEqual(
    planChanges([
      { table: ORDERS, files: { ...files, removed: 1 } },
      { table: FX, files },
    ]),
    {
      mode: 'increment',
      reason: 'bronze.orders changed',
      changed: [ORDERS],
    },
  )
  assert.equal(planChanges([{ table: ORDERS, files: null }]).mode, 'rebuild')
  assert.equal(planChanges([{ table: ORDERS, files: { ...files, tableIdChanged: true } }]).mode, 'rebuild')
})

test('an increment works out no more than it must, and all where it cannot tell', () => {
  const base: ScopeFacts = {
    kind: 'merge',
    main: ORDERS,
    isRowwise: true,
    isChanges: true,
    dimensions: [],
    lookedUp: [],
    changed: [ORDERS],
    mainOnlyAdded: true,
    named: [ORDERS, FX],
  }
  assert.equal(scopeOf(base), 'compete')
  assert.equal(scopeOf({ ...base, mainOnlyAdded: false }), 'keys')
  assert.equal(scopeOf({ ...base, isChanges: false }), 'keys')
  assert.equal(scopeOf({ ...base, kind: 'scd2' }), 'keys')
  assert.equal(scopeOf({ ...base, dimensions: [DIM] }), 'keys')
  assert.equal(scopeOf({ ...base, dimensions: [DIM], changed: [DIM], mainOnlyAdded: false }), 'keys')
  assert.equal(scopeOf({ ...base, changed: [ORDERS, FX] }), 'all')
  const lookedUp = { ...base, named: [ORDERS], lookedUp: [FX] }
  assert.equal(scopeOf({ ...lookedUp, changed: [ORDERS, FX] }), 'compete')
  assert.equal(scopeOf({ ...lookedUp, changed: [FX], mainOnlyAdded: false }), 'compete')
  assert.equal(scopeOf({ ...lookedUp, changed: [ORDERS, FX], mainOnlyAdded: false }), 'keys')
  assert.equal(scopeOf({ ...base, named: [ORDERS, DIM], dimensions: [DIM], changed: [DIM] }), 'all')
  assert.equal(scopeOf({ ...base, isRowwise: false }), 'all')
  assert.equal(scopeOf({ ...base, kind: 'full' }), 'all')
})

test('the definition is what decides the rows: not comments, not the description', () => {
  const yaml = 'kind: merge\nkey: [a]\ntie_break: [b]\n'
  const one = model('silver.m', yaml, 'select 1')
  const hash = definitionHash(one, 'select 1', [])
  assert.equal(definitionHash(model('silver.m', `${yaml}description: other\n# c\n`, 'select 1'), 'select 1', []), hash)
  assert.notEqual(definitionHash(one, 'select 2', []), hash)
  assert.notEqual(definitionHash(model('silver.m', `${yaml}sequence_by: c\n`, 'select 1'), 'select 1', []), hash)
  assert.ok(hash >= 0n && hash < 1n << 63n)
})
