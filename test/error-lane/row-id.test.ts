import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'

import fc from 'fast-check'

import { RowIdSet, rowIdOfGate, rowIdOfLog, rowIdOfSource } from '../../src/error-lane/row-id.ts'

test('a row id is the first 32 hex digits of a SHA-256 over the birthplace, and stays that for ever', () => {
  const expected = createHash('sha256').update('["log","orders",2,1,"9007199254740993"]').digest('hex').slice(0, 32)
  assert.equal(rowIdOfLog({ topic: 'orders', partition: 2, epoch: 1, offset: 9_007_199_254_740_993n }), expected)
  const ofSource = createHash('sha256').update('["source","shop","in/a.csv","17"]').digest('hex').slice(0, 32)
  assert.equal(rowIdOfSource({ source: 'shop', object: 'in/a.csv', at: '17' }), ofSource)
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

test('a set of row ids says of each text what a Set of texts says, whatever its form and however many there are', () => {
  const hex = fc.nat({ max: 40 }).map((n) => n.toString(16).padStart(32, '0'))
  const sparse = fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 3 })).map(([i, n]) =>
    n
      .toString(16)
      .padStart(8 * (i + 1), '0')
      .padEnd(32, '0'),
  )
  const text = fc.oneof(
    hex,
    sparse,
    fc.string({ maxLength: 3 }),
    hex.map((id) => id.toUpperCase()),
  )
  fc.assert(
    fc.property(fc.array(text, { maxLength: 200 }), fc.array(text), (added, asked) => {
      const ids = new RowIdSet()
      const texts = new Set<string>()
      for (const id of added) {
        assert.equal(ids.add(id), !texts.has(id))
        texts.add(id)
      }
      assert.equal(ids.size, texts.size)
      for (const id of [...asked, ...added]) assert.equal(ids.has(id), texts.has(id))
    }),
  )
  const many = new RowIdSet()
  const id = (n: number): string => rowIdOfSource({ source: 's', object: 'o', at: String(n) })
  for (let n = 0; n < 5000; n += 1) assert.ok(many.add(id(n)))
  for (let n = 0; n < 5000; n += 1) assert.ok(many.has(id(n)) && !many.add(id(n)) && !many.has(id(n + 5000)))
  assert.equal(many.size, 5000)
})
