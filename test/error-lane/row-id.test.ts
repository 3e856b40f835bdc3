import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'

import fc from 'fast-check'

import { isRowId, rowIdOfGate, rowIdOfLog, rowIdOfSource } from '../../src/error-lane/row-id.ts'

test('a row id is the first 32 hex digits of a SHA-256 over the birthplace, and stays that for ever', () => {
  const expected = createHash('sha256').update('["log","orders",2,1,"9007199254740993"]').digest('hex').slice(0, 32)
  assert.equal(rowIdOfLog({ topic: 'orders', partition: 2, epoch: 1, offset: 9_007_199_254_740_993n }), expected)
  const ofSource = createHash('sha256').update('["source","shop","in/a.csv","17"]').digest('hex').slice(0, 32)
  assert.equal(rowIdOfSource({ source: 'shop', object: 'in/a.csv', at: '17' }), ofSource)
  assert.ok(isRowId(expected) && !isRowId('x') && !isRowId(expected.toUpperCase()))
})

test('two birthplaces never share a row id', () => {
  const place = fc.record({ source: fc.string(), object: fc.string(), at: fc.string() })
  fc.assert(
    fc.property(place, place, (a, b) => {
      const same = a.source === b.source && a.object === b.object && a.at === b.at
      assert.equal(rowIdOfSource(a) === rowIdOfSource(b), same)
    }),
  )
  const gate = { table: 'silver.orders', key: ['1', '2'], rule: 'r', inputVersions: ['bronze.orders@3'] }
  assert.equal(rowIdOfGate(gate), rowIdOfGate({ ...gate }))
  assert.notEqual(rowIdOfGate(gate), rowIdOfGate({ ...gate, key: ['12'] }))
})
