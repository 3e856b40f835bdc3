import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseLogJson, writeLogJson } from '../../../src/lake/log/log-json.ts'

test('any 64-bit integer keeps every digit, alone and inside', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.string(), (n, text) => {
      const safe = Number.isSafeInteger(Number(n))
      const held = safe ? Number(n) : n
      assert.equal(
        writeLogJson({ text, at: [n] }),
        JSON.stringify({ text, at: ['N'] }).replace(/"N"(?=\]\}$)/, n.toString()),
      )
      assert.deepEqual(parseLogJson(`{"a":[${n}],"t":${JSON.stringify(text)}}`), { a: [held], t: text })
    }),
  )
})

test('numbers that are no integers, and digits inside texts, stay what they are', () => {
  assert.deepEqual(parseLogJson('{"a":1e30,"b":0.1234567890123456,"c":"9223372036854775807"}'), {
    a: 1e30,
    b: 0.123_456_789_012_345_6,
    c: '9223372036854775807',
  })
})
