import assert from 'node:assert/strict'
import { test } from 'node:test'

import { openingKeys, openSealed, sealBytes, sealKeyOf } from '../../src/error-lane/seal.ts'

const PLAIN = Buffer.from('someone@example.com')

test('sealed bytes open under the key and the place they were sealed for, and hide what they hold (I13)', () => {
  const sealed = sealBytes('secret', 'raw of letter 1', PLAIN)
  assert.deepEqual(Buffer.from(openSealed(['secret'], 'raw of letter 1', sealed)), PLAIN)
  assert.ok(!Buffer.from(sealed).includes('someone'))
  assert.equal(sealed.length, 1 + 4 + 12 + PLAIN.length + 16)
  assert.deepEqual(
    Buffer.from(openSealed(['secret'], 'e', sealBytes('secret', 'e', new Uint8Array(0)))),
    Buffer.alloc(0),
  )
})

test('another key is told apart from damaged bytes', () => {
  const sealed = sealBytes('secret', 'raw of letter 1', PLAIN)
  assert.throws(() => openSealed(['other'], 'raw of letter 1', sealed), {
    code: 'SEAL_KEY_MISSING',
    message: new RegExp(`key ${sealKeyOf('secret').id.toString('hex')}.*key ${sealKeyOf('other').id.toString('hex')}`),
  })
  assert.throws(() => openSealed([], 'raw of letter 1', sealed), { code: 'SEAL_KEY_MISSING' })
  assert.throws(() => openSealed(['secret'], 'raw of letter 2', sealed), { code: 'LETTERS_UNREADABLE' })
  for (const at of [0, 8, 20, sealed.length - 1]) {
    const damaged = Uint8Array.from(sealed)
    damaged[at]! ^= 1
    assert.throws(() => openSealed(['secret'], 'raw of letter 1', damaged), { code: 'LETTERS_UNREADABLE' }, String(at))
  }
  assert.throws(() => openSealed(['secret'], 'raw of letter 1', sealed.subarray(0, 20)), { code: 'LETTERS_UNREADABLE' })
})

test('a letter of an earlier key opens where the settings still give that key', () => {
  const sealed = sealBytes('first', 'raw of letter 1', PLAIN)
  const keys = openingKeys({ sealKey: 'second', oldSealKeys: ['zeroth', 'first'] })
  assert.deepEqual(Buffer.from(openSealed(keys, 'raw of letter 1', sealed)), PLAIN)
  assert.throws(() => openSealed(openingKeys({ sealKey: 'second', oldSealKeys: [] }), 'raw of letter 1', sealed), {
    code: 'SEAL_KEY_MISSING',
    hint: /errors\.old_seal_keys/,
  })
  assert.deepEqual(openingKeys({ sealKey: null, oldSealKeys: ['first'] }), ['first'])
})

test('the same letter seals to the same bytes, and no nonce serves two plaintexts', () => {
  assert.deepEqual(sealBytes('secret', 'c', PLAIN), sealBytes('secret', 'c', PLAIN))
  const nonces = new Set(
    Array.from({ length: 500 }, (_, i) =>
      Buffer.from(sealBytes('secret', 'c', Buffer.from(`v${i}`)).subarray(5, 17)).toString('hex'),
    ),
  )
  assert.equal(nonces.size, 500)
})
