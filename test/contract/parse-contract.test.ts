import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseContract } from '../../src/contract/parse-contract.ts'
import { hasPii, landingFields } from '../../src/domain/contract.ts'
import { SluiceError } from '../../src/domain/errors.ts'
import { avro } from './judged.ts'

const typeOf = (type: unknown) => parseContract(avro([{ name: 'v', type }])).fields[0]!.column.type
const logical = (type: string, logicalType: string, more: object = {}) => ({ type, logicalType, ...more })

describe('Avro types as columns', () => {
  for (const [title, type, kind] of [
    ['boolean', 'boolean', 'boolean'],
    ['int', 'int', 'int32'],
    ['long', 'long', 'int64'],
    ['float', 'float', 'float32'],
    ['double', 'double', 'float64'],
    ['string', 'string', 'string'],
    ['bytes', 'bytes', 'binary'],
    ['fixed', { type: 'fixed', name: 'F', size: 4 }, 'binary'],
    ['enum', { type: 'enum', name: 'E', symbols: ['A'] }, 'string'],
    ['uuid', logical('string', 'uuid'), 'string'],
    ['uuid in 16 bytes', logical('fixed', 'uuid', { name: 'U', size: 16 }), 'string'],
    ['date', logical('int', 'date'), 'date'],
    ['time-millis', logical('int', 'time-millis'), 'int64'],
    ['time-micros', logical('long', 'time-micros'), 'int64'],
    ['timestamp-nanos', logical('long', 'timestamp-nanos'), 'timestamp'],
    ['local-timestamp-millis', logical('long', 'local-timestamp-millis'), 'timestamp'],
    ['duration', logical('fixed', 'duration', { name: 'D', size: 12 }), 'binary'],
    ['a logical type that is unknown', logical('int', 'moon-phase'), 'int32'],
    ['a logical type on the wrong type', logical('string', 'date'), 'string'],
    ['a nullable union', ['null', 'long'], 'int64'],
    ['a nullable union, null last', ['long', 'null'], 'int64'],
    ['a general union', ['null', 'long', 'string'], 'struct'],
    ['an array', { type: 'array', items: 'int' }, 'list'],
    ['a map', { type: 'map', values: 'int' }, 'map'],
  ] as const) {
    it(`${title} → ${kind}`, () => assert.equal(typeOf(type).kind, kind))
  }

  it('decimals keep precision and scale; unions name their branches', () => {
    assert.deepEqual(typeOf(logical('bytes', 'decimal', { precision: 12, scale: 3 })), {
      kind: 'decimal',
      precision: 12,
      scale: 3,
    })
    const union = typeOf(['null', 'long', 'string'])
    assert.deepEqual(union.kind === 'struct' && union.fields.map(({ name }) => name), ['member_long', 'member_string'])
  })
})

describe('a contract', () => {
  it('requires what its type does not let be null, and keeps bounds with every digit', () => {
    const schema = avro([
      { name: 'a', type: 'long' },
      { name: 'b', type: ['null', 'long'], constraints: { maximum: 700700700700 } },
    ])
    const { fields } = parseContract({ ...schema, text: schema.text.replace('700700700700', '9223372036854775807') })
    assert.deepEqual(
      fields.map(({ rules }) => rules),
      [{ required: true }, { maximum: '9223372036854775807' }],
    )
  })

  it('that drops a field does not land it, and holds PII', () => {
    const contract = parseContract(
      avro([
        { name: 'a', type: 'long' },
        { name: 'b', type: 'string', on_ingest: 'drop' },
      ]),
    )
    assert.deepEqual(
      landingFields(contract).map(({ name }) => name),
      ['a'],
    )
    assert.equal(hasPii(contract), true)
    const nested = parseContract(
      avro([
        {
          name: 'a',
          type: {
            type: 'array',
            items: { type: 'record', name: 'N', fields: [{ name: 'x', type: 'string', pii: 'name' }] },
          },
        },
      ]),
    )
    assert.equal(hasPii(nested), true)
  })

  const field = (more: object) => [{ name: 'v', type: ['null', 'string'], ...more }]
  for (const [title, fields, said] of [
    ['an unknown word', field({ constraints: { minLenght: 1 } }), /unknown constraint "minLenght".*minLength/],
    ['a rule of another type', field({ constraints: { minimum: 1 } }), /minimum does not apply.*string/],
    [
      'a value of another type',
      [{ name: 'v', type: 'int', constraints: { enum: ['one'] } }],
      /enum holds a value that is no int32/,
    ],
    ['a pattern with a back-reference', field({ constraints: { pattern: '(a)\\1' } }), /back-reference/],
    [
      'rules inside a type',
      [{ name: 'v', type: { type: 'string', constraints: { minLength: 1 } } }],
      /beside a field's name/,
    ],
    ['a hash without a kind', field({ on_ingest: 'hash' }), /needs pii beside it/],
    ['another word', field({ on_ingest: 'mask' }), /"drop" or "hash"/],
    [
      'a hash of a list',
      [{ name: 'v', type: { type: 'array', items: 'string' }, pii: 'email', on_ingest: 'hash' }],
      /single values, not for a list/,
    ],
    [
      'a nested hash',
      [
        { name: 'a', type: 'int' },
        {
          name: 'v',
          type: {
            type: 'record',
            name: 'N',
            fields: [{ name: 'x', type: 'string', pii: 'email', on_ingest: 'hash' }],
          },
        },
      ],
      /field v\.x: on_ingest "hash" is for fields of the record itself/,
    ],
    ['a kind of PII that is no word', field({ pii: 7 }), /pii must name a kind/],
    ['a default of another type', [{ name: 'v', type: 'int', default: 'x' }], /default/],
    [
      'a decimal too long',
      [{ name: 'v', type: logical('bytes', 'decimal', { precision: 39, scale: 0 }) }],
      /38 digits/,
    ],
    [
      'a scale beyond its precision',
      [{ name: 'v', type: logical('bytes', 'decimal', { precision: 3, scale: 4 }) }],
      /scale/,
    ],
    [
      'a type that holds itself',
      [{ name: 'v', type: { type: 'record', name: 'T', fields: [{ name: 'next', type: ['null', 'T'] }] } }],
      /recursive/,
    ],
    ['a name that every table has', [{ name: '_OFFSET', type: 'int' }], /every table has/],
    [
      'names that differ in case',
      [
        { name: 'v', type: 'int' },
        { name: 'V', type: 'int' },
      ],
      /only in case/,
    ],
    ['no field that lands', [{ name: 'v', type: 'int', on_ingest: 'drop' }], /no field would land/],
  ] as const) {
    it(`is refused by code for ${title}`, () => {
      assert.throws(
        () => parseContract(avro(fields)),
        (error) =>
          error instanceof SluiceError &&
          error.code === 'CONTRACT_INVALID' &&
          said.test(error.message) &&
          error.message.includes('orders-value'),
      )
    })
  }
})
