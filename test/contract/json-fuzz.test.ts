import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { createJudge } from '../../src/contract/judge.ts'
import { frameRecord } from '../../src/contract/wire.ts'
import { columnValues } from './column-values.ts'
import { batchOf, jsonSchema } from './judged.ts'
import { arbitraryMutation, mutateBody } from './mutate-bytes.ts'

const properties = {
  id: { type: 'integer', minimum: 0 },
  name: { type: ['string', 'null'], maxLength: 5 },
  price: { type: 'number', exclusiveMaximum: 1e6 },
  tags: { type: 'array', items: { type: 'string', pattern: '^[a-z]*$' } },
  at: { type: 'object', properties: { zip: { type: 'string' }, n: { type: 'integer' } } },
  on: { type: 'boolean' },
}
const text = { $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object', required: ['id'], properties }
const schema = jsonSchema(text)

const document = fc.record(
  {
    id: fc.oneof(fc.nat(), fc.integer(), fc.constantFrom(2 ** 53 - 1, -0, 1.5)),
    name: fc.oneof(fc.string({ unit: 'grapheme', maxLength: 7 }), fc.constant(null)),
    price: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.string()),
    tags: fc.array(fc.constantFrom('a', 'bc', 'X', ''), { maxLength: 3 }),
    at: fc.record({ zip: fc.string(), n: fc.integer(), more: fc.integer() }, { requiredKeys: [] }),
    on: fc.boolean(),
    toString: fc.integer(),
  },
  { requiredKeys: [] },
)

/** One judge for all: compiling its validator takes longer than thousands of records. */
const judge = createJudge({ schema, mode: 'rescue', keyColumns: [] })

function judgedHere(values: readonly Uint8Array[]) {
  const verdict = judge.judge(batchOf(values.map((value) => ({ value }))), new Map([[schema.id, schema]]))
  const columns = verdict.columns.columns.map(columnValues)
  const landed = [...verdict.rows.keys()].map((row) =>
    Object.fromEntries(verdict.columns.fields.map((field, i) => [field.name, columns[i]![row]])),
  )
  return { rows: [...verdict.rows], refusals: verdict.refusals, landed }
}

describe('JSON bodies', () => {
  it('pass where ajv passes what JSON.parse reads, and only there; land as they were', () => {
    const validate = new Ajv2020({ strict: false }).compile(text)
    fc.assert(
      fc.property(fc.array(document, { maxLength: 8 }), (list) => {
        const { rows, landed } = judgedHere(
          list.map((each) => frameRecord(schema.id, Buffer.from(JSON.stringify(each)))),
        )
        const expected = list.map((each) => JSON.parse(JSON.stringify(each)) as typeof each)
        const passing = expected.flatMap((each, i) => (validate(each) ? [i] : []))
        assert.deepEqual(rows, passing)
        passing.forEach((index, at) => {
          const { id, name, price, tags, at: place, on } = expected[index]!
          assert.deepEqual(landed[at], {
            id: BigInt(id!),
            name: name ?? null,
            price: price ?? null,
            tags: tags ?? null,
            at:
              place === undefined
                ? null
                : { zip: place.zip ?? null, n: place.n === undefined ? null : BigInt(place.n) },
            on: on ?? null,
          })
        })
      }),
      { numRuns: 200 },
    )
  })

  it('that are noise, cut or changed are judged, never thrown; each is a row or a refusal that says why', () => {
    const whole = document.map((each) => frameRecord(schema.id, Buffer.from(JSON.stringify(each))))
    const mutant = fc.tuple(whole, arbitraryMutation).map(([message, mutation]) => mutateBody(message, mutation))
    const noise = fc.uint8Array({ maxLength: 40 }).map((body) => frameRecord(schema.id, body))
    const ends = fc.constantFrom(['[', ''], ['[', ']'], ['{"a":', '1}'], ['[{"[":', '1}]'], ['"\\"[', '"'])
    const deep = fc
      .tuple(fc.oneof(fc.nat(300), fc.nat(20_000)), fc.constantFrom('x', 'id', 'at'), ends)
      .map(([depth, at, [open, close]]) => `{"id":1,"${at}":${open!.repeat(depth)}${close!.repeat(depth)}}`)
      .map((document) => frameRecord(schema.id, Buffer.from(document)))
    const wire = fc.uint8Array({ maxLength: 5 }).filter((bytes) => bytes.length < 5 || bytes[0] !== 0)
    fc.assert(
      fc.property(fc.array(fc.oneof(whole, mutant, mutant, noise, deep, wire), { maxLength: 12 }), (values) => {
        const { rows, refusals, landed } = judgedHere(values)
        assert.equal(rows.length + refusals.length, values.length)
        for (const { errors } of refusals)
          assert.ok(errors.length > 0 && errors.every(({ message }) => message.length > 5))
        const again = judgedHere(rows.map((index) => values[index]!))
        assert.deepEqual(again.landed, landed)
      }),
      { numRuns: 200 },
    )
  })
})
