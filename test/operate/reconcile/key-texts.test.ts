import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createEncoder } from '../../../src/contract/encode.ts'
import { HIDDEN } from '../../../src/domain/masking.ts'
import { canonicalKey, shownKey } from '../../../src/operate/reconcile/key-texts.ts'
import { avro } from '../../contract/judged.ts'

const decimal = { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 }
const at = { type: 'long', logicalType: 'local-timestamp-micros' }
const encoder = createEncoder(
  avro([
    { name: 'amount', type: decimal },
    { name: 'at', type: at },
    { name: 'day', type: { type: 'int', logicalType: 'date' } },
    { name: 'name', type: 'string' },
  ]),
)

describe('a key that an engine tells has the text that the source gives it', () => {
  for (const [column, told, given] of [
    ['amount', '12.50', '12.5'],
    ['amount', '12.00', '12'],
    ['amount', '-0.10', '-.1'],
    ['at', '2026-01-01 00:00:00', '2026-01-01T00:00:00Z'],
    ['at', '2026-01-01 00:00:00.5+00', '2026-01-01 00:00:00.500000'],
    ['at', '1969-12-31 23:59:59.25', '1969-12-31T23:59:59.250Z'],
    ['day', '2026-01-01', '2026-01-01'],
    ['name', '12.50', '12.50'],
  ] as const) {
    it(`${column} ${told} is ${given}`, () => {
      const [text] = encoder.keyTexts([column], [column], [given])
      assert.notEqual(text, null)
      assert.deepEqual(canonicalKey(encoder, [column], [told]), [text])
    })
  }

  it('and stays as it is told where its type has no such value', () => {
    assert.deepEqual(canonicalKey(encoder, ['amount', 'name'], ['a lot', undefined]), ['a lot', ''])
  })
})

it('I13: a key is shown by position, with what the contract hides masked', () => {
  const mask = (record: unknown) => ({ ...(record as object), name: HIDDEN })
  assert.deepEqual(shownKey({ mask }, ['name', 'amount'], ['Ada', '1']), [HIDDEN, '1'])
})
