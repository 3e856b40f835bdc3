import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { jsonContractFields } from '../../../src/contract/json/contract-fields.ts'
import { parseJsonSchema } from '../../../src/contract/json/schema.ts'
import { parseContract } from '../../../src/contract/parse-contract.ts'
import { frameRecord } from '../../../src/contract/wire.ts'
import { jsonSchema, judged } from '../judged.ts'

const mail = { type: 'string', pii: 'email' }
const person = { type: 'object', properties: { mail } }
const value = 'ada@lovelace.org'

describe('a tag of a JSON Schema hides its field wherever it stands (I13)', () => {
  for (const [title, schema, sent] of [
    ['in a tuple', { type: 'array', prefixItems: [mail] }, [value]],
    ['in one of several alternatives', { anyOf: [person, { type: 'string' }] }, { mail: value }],
    ['under a pattern of names', { type: 'object', patternProperties: { '^m': mail } }, { mx: value }],
    ['in a value of several types', { ...person, type: ['object', 'string'] }, { mail: value }],
    ['behind a reference', { $ref: '#/$defs/person' }, { mail: value }],
    ['in what a condition asks', { type: 'string', if: { minLength: 3 }, else: { pii: 'email' } }, value],
    ['beside null', { oneOf: [{ type: 'null' }, mail] }, value],
  ] as const) {
    it(title, () => {
      const properties = { id: { type: 'integer', minimum: 5 }, v: schema }
      const contract = jsonSchema({ type: 'object', properties, $defs: { person } })
      const body = Buffer.from(JSON.stringify({ id: 1, v: sent }))
      const { refusals } = judged({ schema: contract }, [{ value: frameRecord(12, body) }])
      assert.equal(refusals.length, 1)
      assert.ok(!JSON.stringify(refusals).includes('lovelace'), JSON.stringify(refusals))
    })
  }

  it('a property that is called like a tag is none, nor is what an enum lists', () => {
    const schema = jsonSchema({
      type: 'object',
      properties: { v: { type: 'object', properties: { pii: { type: 'boolean' } } }, w: { enum: [{ pii: 'email' }] } },
    })
    assert.deepEqual(
      parseContract(schema).fields.map(({ pii }) => pii),
      [null, null],
    )
  })
})

describe('is refused by name', () => {
  const drop = { type: 'string', on_ingest: 'drop' }
  for (const [title, schema, said] of [
    [
      'on_ingest inside an alternative',
      { properties: { id: {}, v: { anyOf: [{ type: 'object', properties: { x: drop } }, { type: 'string' }] } } },
      /field v: on_ingest is for fields of the record itself/,
    ],
    [
      'on_ingest of fields without a name',
      { properties: { id: {} }, patternProperties: { '^x': drop } },
      /on_ingest stands where no field has a name/,
    ],
    [
      'pii of fields without a name alone',
      { properties: { id: {} }, additionalProperties: mail },
      /pii stands where no field has a name/,
    ],
  ] as const) {
    it(title, () => {
      assert.throws(() => parseContract(jsonSchema({ type: 'object', ...schema })), {
        code: 'CONTRACT_INVALID',
        message: said,
      })
    })
  }

  it('a schema that asks for endless looking', () => {
    const branches = Array.from({ length: 2000 }, (_, i) => ({ maxLength: i }))
    const properties = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`f${i}`, { $ref: '#/$defs/big' }]))
    const text = JSON.stringify({ type: 'object', properties, $defs: { big: { anyOf: branches } } })
    assert.throws(() => jsonContractFields(parseJsonSchema(text, 's')), /too large to look for pii/)
  })
})
