import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { exactDigits, isObject, parseLogJson, writeLogJson, type LogObject } from '../../../src/lake/log/log-json.ts'

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

test('a fraction that a double would round keeps every digit, and is no object', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.integer({ min: 1, max: 12 }), (n, scale) => {
      const digits = `${n < 0n ? -n : n}`.padStart(scale + 1, '0')
      const text = `${n < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
      const { a } = parseLogJson(`{"a":${text}}`) as LogObject
      assert.equal(isObject(a), false)
      const held = exactDigits(a) ?? JSON.stringify(a)
      const [whole, fraction = ''] = held.split('.')
      if (held.includes('e')) return
      assert.equal(BigInt(`${whole}${fraction.padEnd(scale, '0')}`), n, text)
      assert.equal(writeLogJson({ a }), `{"a":${held}}`)
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
