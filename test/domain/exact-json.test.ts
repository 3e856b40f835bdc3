import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalJson, ExactNumber, parseExactJson, showExact, stringifyExact } from '../../src/domain/exact-json.ts'

test('a number that a double cannot hold stays as its text; all else is what JSON.parse gives', () => {
  const { value, plain } = parseExactJson(
    '{"a":9007199254740993,"b":0.1,"c":1.0,"d":1e2,"e":0.10000000000000000001,"f":1e400}',
  )
  assert.equal(plain, false)
  assert.deepEqual(value, {
    a: new ExactNumber('9007199254740993'),
    b: 0.1,
    c: 1,
    d: 100,
    e: new ExactNumber('0.10000000000000000001'),
    f: new ExactNumber('1e400'),
  })
  assert.deepEqual(showExact(value), {
    a: '9007199254740993',
    b: 0.1,
    c: 1,
    d: 100,
    e: '0.10000000000000000001',
    f: '1e400',
  })
  assert.equal(
    stringifyExact(value),
    '{"a":9007199254740993,"b":0.1,"c":1,"d":100,"e":0.10000000000000000001,"f":1e400}',
  )
})

test('what has no such number is plain', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const { value, plain } = parseExactJson(text)
      assert.equal(plain, true)
      assert.deepEqual(value, JSON.parse(text))
    }),
  )
})

test('canonical text does not depend on spacing or the order of keys, and tells every digit apart', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
      const turned = Object.fromEntries(Object.entries(object).reverse())
      assert.equal(canonicalJson(JSON.stringify(object, null, 2)), canonicalJson(JSON.stringify(turned)))
      assert.deepEqual(JSON.parse(canonicalJson(JSON.stringify(object))), JSON.parse(JSON.stringify(object)))
    }),
  )
  assert.notEqual(canonicalJson('9007199254740992'), canonicalJson('9007199254740993'))
})

test('a key named __proto__ is a key', () => {
  assert.equal(canonicalJson('{"__proto__":{"a":1}}'), '{"__proto__":{"a":1}}')
})
