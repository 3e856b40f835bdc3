import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createEncoder, encodeKey } from '../../src/contract/encode.ts'
import type { SourceValue } from '../../src/ports/source-connector.ts'
import { avro, judged } from './judged.ts'

const decimal = { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 3 }
const timestamp = (unit: string) => ({ type: 'long', logicalType: `timestamp-${unit}` })

/** What a value of one field becomes; `refused` where the wire schema cannot hold it. */
function carried(type: unknown, value: SourceValue, textual = true): unknown {
  const schema = avro([{ name: 'v', type }])
  const encoded = createEncoder(schema).encode(['v'], [value], textual)
  if (encoded.kind === 'refused') return 'refused'
  const verdict = judged({ schema }, [{ value: encoded.bytes }])
  return verdict.landed[0]?.['v'] ?? verdict.refusals[0]?.errors[0]?.code ?? null
}

describe('text becomes what the wire schema wants, exactly or not at all', () => {
  for (const [type, text, held] of [
    ['long', '13995.0', 13995n],
    ['long', '1.3995e4', 13995n],
    ['long', ' 7 ', 7n],
    ['long', '-9223372036854775808', -(2n ** 63n)],
    ['long', '9223372036854775808', 'refused'],
    ['long', '1.5', 'refused'],
    ['long', '1e400', 'refused'],
    ['long', '0x10', 'refused'],
    ['long', '', 'refused'],
    [['null', 'long'], '', 'REQUIRED-not'],
    ['int', '2147483648', 'refused'],
    [decimal, '2.55', 2550n],
    [decimal, '-0.001', -1n],
    [decimal, '1e3', 1000000n],
    [decimal, '0.0001', 'refused'],
    [decimal, '999999999.999', 999999999999n],
    [decimal, '1000000000', 'refused'],
    ['double', '0.1', 0.1],
    ['double', 'NaN', NaN],
    ['double', '1e999', 'refused'],
    ['boolean', 'true', true],
    ['boolean', 'f', false],
    ['boolean', 'yes', 'refused'],
    ['string', '', ''],
    [timestamp('micros'), '2010-12-01 08:26:00', 1291191960000000n],
    [timestamp('micros'), '2010-12-01T08:26:00.123456789Z', 1291191960123456n],
    [timestamp('micros'), '2010-12-01 08:26:00+02:00', 1291184760000000n],
    [timestamp('micros'), '2010-02-29 00:00:00', 'refused'],
    [timestamp('millis'), '2010-12-01 08:26:00.123', 1291191960123000n],
    [timestamp('millis'), '2010-12-01 08:26:00.123456', 'refused'],
    [{ type: 'int', logicalType: 'date' }, '2012-02-29', 15399],
    [{ type: 'int', logicalType: 'date' }, '2012-02-29 10:00:00', 'refused'],
    [{ type: 'enum', name: 'E', symbols: ['A'] }, 'A', 'A'],
    [{ type: 'enum', name: 'E', symbols: ['A'] }, 'B', 'refused'],
  ] as const) {
    const expected = held === 'REQUIRED-not' ? null : held
    it(`${JSON.stringify(type)} of ${JSON.stringify(text)} is ${String(expected)}`, () =>
      assert.deepEqual(carried(type, text), expected))
  }

  it('an empty text is null where the field admits null, and text where the source tells the two apart', () => {
    assert.equal(carried(['null', 'string'], ''), null)
    assert.equal(carried(['null', 'string'], '', false), '')
  })
})

describe('an encoder', () => {
  const schema = avro([
    { name: 'id', type: 'long' },
    { name: 'email', type: 'string', pii: 'email' },
    { name: 'level', type: 'string', default: 'low' },
    { name: 'note', type: ['null', 'string'], default: null, constraints: { required: true, pattern: '^x$' } },
  ])
  const encoder = createEncoder(schema)

  it('names every field that the schema cannot hold, and quotes no PII value', () => {
    const encoded = encoder.encode(['id', 'email'], ['seven', '\ud800ada@example.com'], true)
    assert.equal(encoded.kind, 'refused')
    const errors = encoded.kind === 'refused' ? encoded.errors : []
    assert.deepEqual(
      errors.map(({ code, field }) => [code, field]),
      [
        ['SOURCE_VALUE', 'id'],
        ['SOURCE_VALUE', 'email'],
      ],
    )
    assert.ok(!JSON.stringify(errors).includes('ada@'))
    assert.ok(JSON.stringify(errors).includes('seven'))
  })

  it('takes defaults for columns that the source lacks, names those that have none, and reports those it has no field for', () => {
    assert.equal(encoder.encode(['id', 'email'], ['1', 'a'], true).kind, 'encoded')
    const missing = encoder.encode(['id'], ['1'], true)
    assert.deepEqual(missing.kind === 'refused' ? missing.errors.map(({ field }) => field) : [], ['email'])
    assert.deepEqual(encoder.unknownColumns(['id', 'extra', 'email', 'more']), ['extra', 'more'])
  })

  it('applies no rule: what the schema can hold travels, for the consumer to judge', () => {
    const encoded = encoder.encode(['id', 'email', 'note'], ['1', 'a', ''], true)
    assert.equal(encoded.kind, 'encoded')
    const verdict = judged({ schema }, [{ value: encoded.kind === 'encoded' ? encoded.bytes : null }])
    assert.deepEqual(
      verdict.refusals[0]!.errors.map(({ code, field }) => [code, field]),
      [['REQUIRED', 'note']],
    )
  })

  it('gives the key as canonical text: one key for one value, whatever its text', () => {
    const texts = (value: SourceValue) => encoder.keyTexts(['id'], ['id', 'email'], [value, 'a'])
    assert.deepEqual(
      [texts('13995.0'), texts(13995n), texts('1.3995e4'), texts(null)],
      [['13995'], ['13995'], ['13995'], [null]],
    )
    assert.equal(Buffer.from(encodeKey(['13995'])!).toString(), '13995')
    assert.equal(Buffer.from(encodeKey(['a"b', null])!).toString(), '["a\\"b",null]')
    assert.equal(encodeKey([null]), null)
  })
})
