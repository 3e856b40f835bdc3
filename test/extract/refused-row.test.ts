import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { packRefusedRow, refusedRecord, unpackRefusedRow } from '../../src/extract/refused-row.ts'
import type { SourceValue } from '../../src/ports/source-connector.ts'

const { value } = fc.letrec<{ value: SourceValue; list: SourceValue; object: SourceValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.string(),
    fc.double(),
    fc.bigInt(),
    fc.boolean(),
    fc.uint8Array({ maxLength: 8 }),
    fc.date({ noInvalidDate: true }),
    tie('list'),
    tie('object'),
  ),
  list: fc.array(tie('value'), { maxLength: 3 }),
  object: fc.dictionary(fc.string(), tie('value'), { maxKeys: 3, noNullPrototype: true }),
}))

test('a refused row comes back from its bytes value for value, so that it can be encoded again (I15)', () => {
  fc.assert(
    fc.property(
      fc.array(value, { maxLength: 4 }),
      fc.boolean(),
      fc.constantFrom('c' as const, 'u' as const, 'd' as const, 'r' as const),
      (values, textual, op) => {
        const columns = values.map((_, i) => `c${i}`)
        const refused = { columns, textual, row: { at: '7', op, values } }
        assert.deepEqual(unpackRefusedRow(packRefusedRow(refused)), refused)
        JSON.stringify(refusedRecord(refused))
      },
    ),
  )
})

test('what the record had of its own comes back too: key, time, headers, partition (I15)', () => {
  const own = {
    timestampMs: 1_700_000_000_000,
    partition: 3,
    key: Uint8Array.of(0, 255),
    headers: [
      { key: 'a', value: Uint8Array.of(1) },
      { key: 'a', value: new Uint8Array(0) },
    ],
  }
  for (const row of [own, { ...own, key: null }]) {
    const refused = { columns: ['n'], textual: false, row: { at: '3/7', op: 'c' as const, values: ['x'], ...row } }
    assert.deepEqual(unpackRefusedRow(packRefusedRow(refused)), refused)
  }
})

test('bytes that are no packed row are told apart', () => {
  for (const text of [
    '',
    'a,b',
    '{}',
    '{"at":"1"}',
    '[1]',
    'null',
    '{"at":"1","op":"x","textual":true,"columns":[],"values":[]}',
    '{"at":"1","op":"c","textual":true,"columns":["a"],"values":[]}',
  ]) {
    assert.equal(unpackRefusedRow(Buffer.from(text)), null, text)
  }
})
