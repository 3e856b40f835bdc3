import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { maskAll, maskValue } from '../../src/domain/masking.ts'

test('a mask shows the shape of a value, and too little to find it again', () => {
  assert.equal(maskValue('email', 'ada.lovelace@example.com'), 'a***@***.com')
  assert.equal(maskValue('phone', '+44 20 7946 0958'), '***58')
  assert.equal(maskValue('card', '4111 1111 1111 1234'), '***1234')
  assert.equal(maskValue('name', 'Lovelace'), 'L***')
  assert.equal(maskValue('unknown_kind', 'anything'), '***')
  assert.equal(maskValue('email', 12345), '***')
  assert.equal(maskValue('email', null), null)
})

test('no mask holds the value, or most of it, whatever its kind (I13)', () => {
  const kind = fc.constantFrom('email', 'phone', 'card', 'iban', 'name', 'address', 'ip', 'private', 'constructor')
  fc.assert(
    fc.property(kind, fc.string({ minLength: 1 }), (word, text) => {
      const masked = JSON.stringify(maskValue(word, text)).slice(1, -1)
      assert.ok(
        !masked.includes(text) || '***'.includes(text) || text === '@' || text === '.',
        `${word} ${JSON.stringify(text)} → ${masked}`,
      )
      assert.ok(masked.replaceAll('*', '').length <= 9)
    }),
  )
})

test('masking all keeps names and nesting alone', () => {
  assert.deepEqual(maskAll({ a: [1, 'x', null], b: { c: true } }), { a: ['***', '***', null], b: { c: '***' } })
})
