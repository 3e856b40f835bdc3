import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createEncoder } from '../../src/contract/encode.ts'
import { createJudge } from '../../src/contract/judge.ts'
import { parseContract } from '../../src/contract/parse-contract.ts'
import { frameRecord } from '../../src/contract/wire.ts'
import { SluiceError } from '../../src/domain/errors.ts'
import { batchOf, jsonSchema, judged } from './judged.ts'

const body = (text: string, id = 12): { value: Uint8Array } => ({ value: frameRecord(id, Buffer.from(text)) })

const properties = {
  id: { type: 'integer', minimum: 1 },
  price: { type: 'number', format: 'decimal', precision: 38, scale: 4, minimum: 0 },
  at: { type: 'string', format: 'date-time' },
  day: { type: ['string', 'null'], format: 'date' },
  code: { anyOf: [{ type: 'null' }, { type: 'string', pattern: '^[A-Z]{3}$' }] },
  email: { type: 'string', format: 'email', pii: 'email' },
  addr: { type: 'object', properties: { zip: { type: 'string', minLength: 5 } }, required: ['zip'] },
  tags: { type: 'array', items: { type: 'string' } },
  counts: { type: 'object', additionalProperties: { type: 'integer' } },
  any: {},
}
const schema = jsonSchema({ type: 'object', properties, required: ['id'] })

describe('JSON records under a JSON Schema', () => {
  it('land as columns, with every digit of longs and decimals', () => {
    const text = `{"id":9223372036854775807,"price":1234567890123456789012345678901234.5678,"at":"2020-01-01T00:00:00.1234567Z",
      "day":"2020-02-29","code":null,"email":"a@b.co","addr":{"zip":"12345"},"tags":["x",""],"counts":{"k":9007199254740993},"any":[1.0,{"b":12345678901234567890}]}`
    const { landed, refusals } = judged({ schema }, [body(text)])
    assert.deepEqual(refusals, [])
    assert.deepEqual(landed, [
      {
        id: 9223372036854775807n,
        price: 12345678901234567890123456789012345678n,
        at: 1577836800123456n,
        day: 18321,
        code: null,
        email: 'a@b.co',
        addr: { zip: '12345' },
        tags: ['x', ''],
        counts: new Map([['k', 9007199254740993n]]),
        any: '[1,{"b":12345678901234567890}]',
      },
    ])
  })

  it('all rules that failed are told, and no PII value is quoted (I13)', () => {
    const { refusals } = judged({ schema }, [
      body('{"id":0,"price":-1,"at":"soon","code":"abcd","email":"ada@@x","addr":{"zip":"1"},"tags":[1,2]}'),
    ])
    assert.deepEqual(
      refusals[0]!.errors.map(({ code, field, rule }) => [code, field, rule]),
      [
        ['RANGE', 'id', 'minimum 1'],
        ['RANGE', 'price', 'minimum 0'],
        ['PATTERN', 'code', 'pattern ^[A-Z]{3}$'],
        ['JSON_SCHEMA', 'email', 'format email'],
        ['LENGTH', 'addr.zip', 'minLength 5'],
        ['TYPE', 'tags[]', 'type string'],
        ['TYPE', 'at', 'type timestamp'],
      ],
    )
    assert.ok(!JSON.stringify(refusals).includes('ada@@x'))
  })

  it('hold at bounds that a double cannot tell apart', () => {
    const bounded = { ...schema, text: '{"properties":{"id":{"type":"integer","maximum":9007199254740993}}}' }
    assert.deepEqual(
      [...judged({ schema: bounded }, [body('{"id":9007199254740993}'), body('{"id":9007199254740994}')]).rows],
      [0],
    )
    const lower = { ...schema, text: '{"properties":{"id":{"type":"integer","exclusiveMinimum":9007199254740992}}}' }
    assert.deepEqual(
      [...judged({ schema: lower }, [body('{"id":9007199254740993}'), body('{"id":9007199254740992}')]).rows],
      [0],
    )
  })

  it('unknown properties are rescued, refused, or become columns of the type first seen among those that pass', () => {
    const records = [
      body('{"id":0,"more":"refused"}'),
      body('{"id":1,"more":2,"addr":{"zip":"12345","x":1}}'),
      body('{"id":2,"more":"two"}'),
    ]
    assert.deepEqual(judged({ schema }, records).rescuedTexts, ['{"addr.x":1,"more":2}', '{"more":"two"}'])
    assert.deepEqual(
      judged({ schema, mode: 'reject' }, records).refusals.map(({ errors }) => errors.length),
      [2, 2, 1],
    )
    const evolved = judged({ schema, mode: 'evolve' }, records)
    assert.deepEqual(
      evolved.landed.map(({ more }) => more),
      [2n, null],
    )
    assert.deepEqual(evolved.rescuedTexts, ['{"addr.x":1}', '{"more":"two"}'])
  })

  it('additionalProperties false is a rule of the contract in every mode', () => {
    const closed = jsonSchema({ properties: { id: { type: 'integer' } }, additionalProperties: false })
    assert.deepEqual(
      judged({ schema: closed }, [body('{"id":1,"x":2}')]).refusals[0]!.errors.map(({ code, field }) => [code, field]),
      [['UNKNOWN_FIELD', 'x']],
    )
  })

  for (const text of ['', '{', '[]', '7', 'null', '{"id":1}x', '{"id":"\ud800"}', '['.repeat(100_000)]) {
    it(`a body that is no record is refused as DECODE: ${JSON.stringify(text.slice(0, 12))}`, () => {
      assert.deepEqual(
        judged({ schema }, [{ value: Uint8Array.of(...frameRecord(12, Buffer.from(text, 'utf8'))) }]).refusals.map(
          ({ errors }) => errors[0]!.code,
        ),
        [text.startsWith('{"id":"') ? 'TYPE' : 'DECODE'],
      )
    })
  }

  it('random bytes and random JSON are judged and never thrown', () => {
    const judge = createJudge({ schema, mode: 'evolve', keyColumns: [] })
    const writers = new Map([[schema.id, schema]])
    const record = fc.record(Object.fromEntries(Object.keys(properties).map((name) => [name, fc.jsonValue()])), {
      requiredKeys: [],
    })
    const bytes = fc.oneof(
      fc.json().map((text) => Buffer.from(text)),
      fc.uint8Array(),
      record.map((value) => Buffer.from(JSON.stringify(value))),
    )
    fc.assert(
      fc.property(fc.array(bytes), (bodies) => {
        const verdict = judge.judge(batchOf(bodies.map((each) => ({ value: frameRecord(schema.id, each) }))), writers)
        assert.equal(verdict.rows.length + verdict.refusals.length, bodies.length)
        for (const column of verdict.columns.columns) assert.equal(column.length, verdict.rows.length)
      }),
      { numRuns: 200 },
    )
  })

  it('nested past a depth that anyone reads is refused as DECODE, wherever it stands and whatever the stack', () => {
    const tree = { type: 'object', properties: { a: { $ref: '#/$defs/tree' } } }
    const open = jsonSchema({ type: 'object', properties: { id: { type: 'integer' }, any: {}, tree }, $defs: { tree } })
    const nested = (depth: number): readonly { value: Uint8Array }[] =>
      ['any', 'unknown', 'id', 'tree'].flatMap((name) => [
        body(`{"${name}":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`),
        body(`{"${name}":${'{"a":'.repeat(depth - 1)}null${'}'.repeat(depth - 1)}}`),
      ])
    for (const depth of [257, 2000, 100_000]) {
      const { refusals } = judged({ schema: open }, nested(depth))
      assert.deepEqual(
        refusals.map(({ errors, record }) => [errors.map(({ code, message }) => `${code} ${message}`), record]),
        nested(depth).map(() => [['DECODE The body is no JSON record: it is nested deeper than 256.'], null]),
      )
    }
    const { landed, refusals } = judged({ schema: open }, nested(256))
    assert.deepEqual(
      refusals.map(({ errors }) => errors[0]!.code),
      ['TYPE', 'TYPE', 'TYPE', 'TYPE'],
    )
    assert.equal((landed[0]!['any'] as string).length, 510)
    const flat = body(`{"any":[${'{"b":["[[[{{{"]},'.repeat(400)}"\\\\"]}`)
    assert.deepEqual(judged({ schema: open }, [flat]).refusals, [])
  })

  it('of more values than memory is there for is refused as DECODE; commas inside a text are none', () => {
    const listOf = (count: number): { value: Uint8Array } => body(`{"any":[${'0,'.repeat(count)}0]}`)
    const text = body(`{"any":"${',[{'.repeat(400_000)}"}`)
    const open = jsonSchema({ properties: { any: {} } })
    const { landed, refusals } = judged({ schema: open }, [listOf(400_000), listOf(600_000), text])
    assert.deepEqual(
      landed.map(({ any }) => (any as string).length),
      [800_003, 1_200_002],
    )
    assert.deepEqual(
      refusals.map(({ errors }) => errors.map(({ code, message }) => `${code} ${message}`)),
      [['DECODE The body is no JSON record: it holds more than 500000 values.']],
    )
  })

  it('whole numbers are held to every digit of their limits, past what a double can tell apart', () => {
    const verdict = (rule: string, ...values: readonly string[]): readonly number[] => {
      const text = `{"properties":{"v":{"type":"integer",${rule}},"l":{"type":"array","items":{"type":"integer",${rule}}}}}`
      const one = judged(
        { schema: { ...schema, text } },
        values.map((value) => body(`{"v":${value}}`)),
      )
      const listed = judged(
        { schema: { ...schema, text } },
        values.map((value) => body(`{"l":[${value}]}`)),
      )
      assert.deepEqual(listed.rows, one.rows)
      for (const { errors } of [...one.refusals, ...listed.refusals]) assert.equal(errors.length, 1, rule)
      return [...one.rows]
    }
    const around = ['9007199254740991', '9007199254740992', '9007199254740993', '9007199254740994']
    for (const digit of [2, 3]) {
      const limit = `900719925474099${digit}`
      const where = around.indexOf(limit)
      assert.deepEqual(verdict(`"minimum":${limit}`, ...around), [...around.keys()].slice(where))
      assert.deepEqual(verdict(`"exclusiveMaximum":${limit}`, ...around), [...around.keys()].slice(0, where))
      assert.deepEqual(verdict(`"const":${limit}`, ...around), [where])
      assert.deepEqual(verdict(`"enum":[1,${limit}]`, ...around), [where])
    }
    assert.deepEqual(verdict('"multipleOf":2', ...around), [1, 3])
  })

  it('a number past what a float holds is refused, not made infinite', () => {
    const float = jsonSchema({ properties: { v: { type: 'number', format: 'float' } } })
    const { landed, refusals } = judged({ schema: float }, [
      body('{"v":3.4028235e38}'),
      body('{"v":1e39}'),
      body('{"v":-1e400}'),
    ])
    assert.deepEqual(landed, [{ v: Math.fround(3.4028235e38) }])
    assert.deepEqual(
      refusals.map(({ errors }) => errors.map(({ code }) => code)),
      [['TYPE'], ['TYPE']],
    )
  })

  it('two patterns of one schema are two patterns', () => {
    const two = jsonSchema({
      properties: { a: { type: 'string', pattern: '^a' }, b: { type: 'string', pattern: '^b' } },
    })
    assert.deepEqual(
      [
        ...judged({ schema: two }, [body('{"a":"a","b":"b"}'), body('{"a":"b","b":"b"}'), body('{"a":"a","b":"a"}')])
          .rows,
      ],
      [0],
    )
  })

  it('what the encoder writes from CSV text, the judge reads', () => {
    const encoded = createEncoder(schema).encode(
      ['id', 'price', 'at', 'day', 'code', 'email', 'unknown'],
      ['13995.0', '1.50', '2020-01-01 00:00:00', '', '', 'a@b.co', 'x'],
      true,
    )
    assert.equal(encoded.kind, 'encoded')
    const { landed } = judged({ schema }, [{ value: encoded.kind === 'encoded' ? encoded.bytes : null }])
    assert.deepEqual(
      [landed[0]!['id'], landed[0]!['price'], landed[0]!['at'], landed[0]!['day'], landed[0]!['code']],
      [13995n, 15000n, 1577836800000000n, null, null],
    )
  })
})

describe('JSON Schemas that are not taken', () => {
  for (const [title, json, said] of [
    [
      'a reference to elsewhere',
      { properties: { a: { $ref: 'https://example.com/a.json' } } },
      /schemas may not refer elsewhere/,
    ],
    ['a reference to nothing', { properties: { a: { $ref: '#/$defs/none' } } }, /\$ref/],
    ['another draft', { $schema: 'http://json-schema.org/draft-04/schema#', properties: { a: {} } }, /draft/],
    ['no object', { type: 'string' }, /object with properties/],
    ['a pattern with look-around', { properties: { a: { type: 'string', pattern: '(?=x)' } } }, /look-around/],
    ['a keyword of the wrong form', { properties: { a: { type: 'string', minLength: 'x' } } }, /does not compile/],
    ['a name that no table takes', { properties: { 'a b': {} } }, /column name/],
    ['a name that every table has', { properties: { _offset: {} } }, /every table has/],
    ['two names that differ in case', { properties: { a: {}, A: {} } }, /differs from a only in case/],
    ['nesting without end', JSON.parse('{"not":'.repeat(80) + '{}' + '}'.repeat(80)) as object, /deeper/],
  ] as const) {
    it(`${title}, refused by CONTRACT_INVALID`, () => {
      assert.throws(
        () => parseContract(jsonSchema(json)),
        (error) => error instanceof SluiceError && error.code === 'CONTRACT_INVALID' && said.test(error.message),
      )
    })
  }

  it('a schema that holds itself lands as JSON text where it does', () => {
    const tree = jsonSchema({
      $defs: { node: { type: 'object', properties: { v: { type: 'integer' }, next: { $ref: '#/$defs/node' } } } },
      properties: { root: { $ref: '#/$defs/node' } },
    })
    const { landed } = judged({ schema: tree }, [body('{"root":{"v":1,"next":{"v":2,"next":{"v":3}}}}')])
    assert.deepEqual(landed, [{ root: { v: 1n, next: { v: 2n, next: '{"v":3}' } } }])
  })
})
