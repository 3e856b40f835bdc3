import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, it } from 'node:test'
import { checkEvolution } from '../../src/contract/evolution.ts'
import { parseContract } from '../../src/contract/parse-contract.ts'
import { SluiceError } from '../../src/domain/errors.ts'
import type { CompatibilityMode, SchemaText } from '../../src/ports/schema-registry.ts'

const record = (...fields: readonly unknown[]): SchemaText => ({
  format: 'avro',
  text: JSON.stringify({ type: 'record', name: 'R', fields }),
})
const field = (type: unknown, more: object = {}): SchemaText => record({ name: 'v', type, ...more })
const json = (schema: object): SchemaText => ({ format: 'json', text: JSON.stringify(schema) })

function reasons(
  before: SchemaText,
  after: SchemaText,
  mode: CompatibilityMode = 'BACKWARD',
  allowTightening = false,
): string[] {
  return checkEvolution({ proposed: after, existing: [before], mode, allowTightening }).map(
    (each) => `${each.kind} ${each.field ?? '-'}`,
  )
}

describe('Avro schemas may follow one another', () => {
  const decimal = (precision: number, scale: number) => ({ type: 'bytes', logicalType: 'decimal', precision, scale })
  const cases: readonly (readonly [string, SchemaText, SchemaText, readonly string[]])[] = [
    ['nothing changes', field('int'), field('int'), []],
    ['int to long', field('int'), field('long'), []],
    ['long to double', field('long'), field('double'), []],
    ['string to bytes', field('string'), field('bytes'), []],
    ['long to int', field('long'), field('int'), ['shape v']],
    ['a type to a union of it', field('string'), field(['null', 'string']), []],
    ['a union to one of its types', field(['null', 'string']), field('string'), ['shape v']],
    ['a union that gains a branch', field(['null', 'string']), field(['null', 'string', 'long']), []],
    ['a union that loses a branch', field(['null', 'string', 'long']), field(['null', 'string']), ['shape v']],
    [
      'a new field with a default',
      field('int'),
      record({ name: 'v', type: 'int' }, { name: 'w', type: 'int', default: 0 }),
      [],
    ],
    [
      'a new field without a default',
      field('int'),
      record({ name: 'v', type: 'int' }, { name: 'w', type: ['null', 'int'] }),
      ['shape w'],
    ],
    [
      'a new field that is required and defaults to null',
      field('int'),
      record(
        { name: 'v', type: 'int' },
        { name: 'w', type: ['null', 'int'], default: null, constraints: { required: true } },
      ),
      ['rule w'],
    ],
    ['a removed field', record({ name: 'v', type: 'int' }, { name: 'w', type: 'int' }), field('int'), []],
    ['a renamed field with an alias', field('int'), record({ name: 'w', aliases: ['v'], type: 'int' }), []],
    [
      'an enum that gains a symbol',
      field({ type: 'enum', name: 'E', symbols: ['A'] }),
      field({ type: 'enum', name: 'E', symbols: ['A', 'B'] }),
      [],
    ],
    [
      'an enum that loses a symbol',
      field({ type: 'enum', name: 'E', symbols: ['A', 'B'] }),
      field({ type: 'enum', name: 'E', symbols: ['A'] }),
      ['shape v'],
    ],
    [
      'the same with a default',
      field({ type: 'enum', name: 'E', symbols: ['A', 'B'] }),
      field({ type: 'enum', name: 'E', symbols: ['A'], default: 'A' }),
      [],
    ],
    [
      'a fixed of another size',
      field({ type: 'fixed', name: 'F', size: 2 }),
      field({ type: 'fixed', name: 'F', size: 3 }),
      ['shape v'],
    ],
    [
      'a named type under another name',
      field({ type: 'fixed', name: 'F', size: 2 }),
      field({ type: 'fixed', name: 'G', size: 2 }),
      ['shape v'],
    ],
    [
      'the same with an alias',
      field({ type: 'fixed', name: 'F', size: 2 }),
      field({ type: 'fixed', name: 'G', aliases: ['F'], size: 2 }),
      [],
    ],
    [
      'elements of an array',
      field({ type: 'array', items: 'int' }),
      field({ type: 'array', items: 'string' }),
      ['shape v[]'],
    ],
    ['a decimal that grows', field(decimal(9, 2)), field(decimal(12, 3)), []],
    ['a decimal that loses whole digits', field(decimal(9, 2)), field(decimal(9, 3)), ['shape v']],
    [
      'millis to micros',
      field({ type: 'long', logicalType: 'timestamp-millis' }),
      field({ type: 'long', logicalType: 'timestamp-micros' }),
      [],
    ],
    [
      'micros to millis',
      field({ type: 'long', logicalType: 'timestamp-micros' }),
      field({ type: 'long', logicalType: 'timestamp-millis' }),
      ['shape v'],
    ],
    [
      'a timestamp to a plain long',
      field({ type: 'long', logicalType: 'timestamp-micros' }),
      field('long'),
      ['shape v'],
    ],
    [
      'a record that holds itself',
      field(['null', 'R']),
      record({ name: 'v', type: ['null', 'R'] }, { name: 'w', type: 'int', default: 0 }),
      [],
    ],
  ]
  for (const [title, before, after, expected] of cases)
    it(`${expected.length === 0 ? 'yes' : 'no'}: ${title}`, () => assert.deepEqual(reasons(before, after), expected))

  it('every reason is named', () => {
    const before = record({ name: 'a', type: 'long' }, { name: 'b', type: 'string' })
    const after = record(
      { name: 'a', type: 'int' },
      { name: 'b', type: 'string', constraints: { minLength: 1 } },
      { name: 'c', type: 'int' },
    )
    assert.deepEqual(reasons(before, after), ['shape a', 'rule b', 'shape c'])
  })
})

describe('rules', () => {
  const rule = (constraints: object, type: unknown = ['null', 'long']): SchemaText => field(type, { constraints })
  const text = ['null', 'string']
  for (const [title, before, after] of [
    ['required', rule({}), rule({ required: true })],
    ['a larger minimum', rule({ minimum: 1 }), rule({ minimum: 2 })],
    ['a minimum that becomes exclusive', rule({ minimum: 1 }), rule({ exclusiveMinimum: 1 })],
    ['a smaller maximum', rule({ maximum: 10 }), rule({ maximum: 9.5 })],
    ['a pattern', rule({}, text), rule({ pattern: 'x' }, text)],
    ['another pattern', rule({ pattern: 'y' }, text), rule({ pattern: 'x' }, text)],
    ['fewer values', rule({ enum: [1, 2] }), rule({ enum: [1] })],
    ['a forbidden value', rule({}), rule({ not: { const: 0 } })],
    ['a shorter text', rule({ maxLength: 5 }, text), rule({ maxLength: 4 }, text)],
    ['another step', rule({ multipleOf: 2 }), rule({ multipleOf: 3 })],
  ] as const) {
    it(`${title}: tightening needs leave, loosening does not`, () => {
      assert.deepEqual(reasons(before, after), ['rule v'])
      assert.deepEqual(reasons(before, after, 'BACKWARD', true), [])
      if (!title.startsWith('another')) assert.deepEqual(reasons(after, before), [])
    })
  }

  it('a smaller step that divides the old one is looser', () =>
    assert.deepEqual(reasons(rule({ multipleOf: 10 }), rule({ multipleOf: 5 })), []))

  it('leave to tighten gives no leave to change the shape', () => {
    assert.deepEqual(reasons(field('long'), field('string'), 'BACKWARD', true), ['shape v'])
  })
})

describe('modes', () => {
  const [narrow, wide, other] = [field('int'), field('long'), field('string')]

  it('FORWARD asks whether old readers can read, FULL asks both, NONE nothing', () => {
    assert.deepEqual(reasons(narrow, wide, 'FORWARD'), ['shape v'])
    assert.deepEqual(reasons(wide, narrow, 'FORWARD'), [])
    assert.deepEqual(reasons(narrow, wide, 'FULL'), ['shape v'])
    assert.deepEqual(reasons(narrow, other, 'NONE'), [])
  })

  it('TRANSITIVE asks all versions, else only the latest is asked', () => {
    const question = { proposed: wide, existing: [other, narrow], allowTightening: false }
    assert.equal(checkEvolution({ ...question, mode: 'BACKWARD' }).length, 0)
    assert.equal(checkEvolution({ ...question, mode: 'BACKWARD_TRANSITIVE' }).length, 1)
  })

  it('another format never follows, and what is no schema is refused in every mode', () => {
    assert.deepEqual(reasons(narrow, json({ properties: { v: {} } })), ['shape -'])
    for (const text of ['{', '{"type":"nothing"}', '["int","int"]', '{"type":"record","name":"R"}']) {
      assert.throws(
        () => reasons(narrow, { format: 'avro', text }, 'NONE'),
        (error) => error instanceof SluiceError && error.code === 'CONTRACT_INVALID',
        text,
      )
    }
  })
})

interface Verdict {
  readonly description: string
  readonly original_schema: object
  readonly update_schema: object
  readonly compatible: boolean
}

const CORPUS = resolve(
  import.meta.dirname,
  '../../../shared/corpora/json-schema-compatibility/diff-schema-examples.json',
)

describe('JSON Schemas may follow one another', () => {
  if (!existsSync(CORPUS)) {
    it(
      'as the cases of json-schema-compatibility say',
      { skip: 'the corpus ../shared/corpora/json-schema-compatibility is not here' },
      () => undefined,
    )
  } else {
    const cases = JSON.parse(readFileSync(CORPUS, 'utf8')) as Verdict[]
    it(`as all ${cases.length} cases of json-schema-compatibility say`, () => {
      const different = cases.filter(
        ({ original_schema, update_schema, compatible }) =>
          (reasons(json(original_schema), json(update_schema)).length === 0) !== compatible,
      )
      assert.deepEqual(
        different.map(({ description }) => description),
        [],
      )
      assert.ok(cases.length >= 100)
    })
  }

  it('a typed property that is new where anything could stand is tightening', () => {
    const before = json({ properties: { a: { type: 'string' } } })
    const after = json({ properties: { a: { type: 'string' }, b: { type: 'integer' } } })
    assert.deepEqual(reasons(before, after), ['rule b'])
    assert.deepEqual(reasons(before, after, 'BACKWARD', true), [])
  })

  it('a format that names another column type changes the shape', () => {
    assert.deepEqual(
      reasons(
        json({ properties: { a: { type: 'string' } } }),
        json({ properties: { a: { type: 'string', format: 'date-time' } } }),
      ),
      ['shape a'],
    )
  })

  it('schemas that hold themselves, and unions in unions, are compared in bounded time', () => {
    const tree = {
      $defs: { n: { properties: { l: { $ref: '#/$defs/n' }, r: { $ref: '#/$defs/n' } } } },
      $ref: '#/$defs/n',
    }
    assert.deepEqual(reasons(json(tree), json(tree)), [])
    const doubled = Object.fromEntries(
      Array.from({ length: 30 }, (_, i) => [
        `s${i + 1}`,
        { anyOf: [{ $ref: `#/$defs/s${i}` }, { type: 'array', items: { $ref: `#/$defs/s${i}` } }] },
      ]),
    )
    const deep = { $defs: { s0: { type: 'string' }, ...doubled }, $ref: '#/$defs/s30' }
    const started = performance.now()
    reasons(json(deep), json(deep))
    assert.ok(performance.now() - started < 10_000)
  })

  it('Avro types that double at each level are refused as columns and compared in bounded time', () => {
    let type: unknown = 'int'
    for (let i = 0; i < 28; i += 1)
      type = {
        type: 'record',
        name: `R${i}`,
        fields: [
          { name: 'l', type },
          { name: 'r', type: i === 0 ? 'int' : `R${i - 1}` },
        ],
      }
    const before: SchemaText = { format: 'avro', text: JSON.stringify(type) }
    const started = performance.now()
    reasons(before, before)
    assert.throws(() => parseContract({ ...before, subject: 's', version: 1, id: 1 }), /more than 5000 columns/)
    assert.ok(performance.now() - started < 10_000)
  })
})
