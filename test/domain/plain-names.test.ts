import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { plainNames } from '../../src/domain/plain-names.ts'

test('names that are plain stay, others come as words, words of SQL are marked, none comes twice', () => {
  assert.deepEqual(
    plainNames(['order_id', 'InvoiceNo', 'Order ID', 'order', 'Größe (cm)', '2nd', '_id', '%', 'ID', 'total.sum']),
    ['order_id', 'InvoiceNo', 'order_id_2', 'order_', 'gro_e_cm', 'c_2nd', 'id', 'unnamed', 'ID_2', 'total_sum'],
  )
})

test('whatever the names, each comes out plain and unique without case, and plain names change no more', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }), { maxLength: 12 }), (names) => {
      const plain = plainNames(names)
      assert.equal(plain.length, names.length)
      for (const name of plain) assert.match(name, /^[A-Za-z][A-Za-z0-9_]*$/)
      assert.equal(new Set(plain.map((name) => name.toLowerCase())).size, plain.length)
      assert.deepEqual(plainNames(plain), plain)
    }),
  )
})
