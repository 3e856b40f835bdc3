import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createEncoder } from '../../src/contract/encode.ts'
import { createJudge } from '../../src/contract/judge.ts'
import { frameRecord } from '../../src/contract/wire.ts'
import { SluiceError } from '../../src/domain/errors.ts'
import type { RegisteredSchema } from '../../src/ports/schema-registry.ts'
import type { SourceValue } from '../../src/ports/source-connector.ts'
import { avro, batchOf, judged } from './judged.ts'

/** One message of `schema` from an object of source values. */
function message(schema: RegisteredSchema, row: Readonly<Record<string, SourceValue>>): { value: Uint8Array } {
  const encoded = createEncoder(schema).encode(Object.keys(row), Object.values(row), false)
  assert.equal(encoded.kind, 'encoded', JSON.stringify(encoded))
  return { value: encoded.kind === 'encoded' ? encoded.bytes : new Uint8Array(0) }
}

const optional = (name: string, type: unknown, more: object = {}) => ({
  name,
  type: ['null', type],
  default: null,
  ...more,
})
const decimal = (precision: number, scale: number) => ({ type: 'bytes', logicalType: 'decimal', precision, scale })

describe('rules', () => {
  const drawn = avro([
    optional('code', 'string', { constraints: { pattern: '^[A-Z]{3}$', maxLength: 3 } }),
    optional('amount', decimal(38, 2), { constraints: { minimum: 0.005, exclusiveMaximum: 1e20 } }),
    optional('id', 'long', { constraints: { minimum: 700700700700, required: true } }),
    optional('kind', 'string', { constraints: { enum: ['a', 'b'], not: { const: 'b' } } }),
    optional('lines', {
      type: 'array',
      items: { type: 'record', name: 'Line', fields: [optional('sku', 'string', { constraints: { minLength: 2 } })] },
    }),
  ])
  // JavaScript's own numbers cannot write this bound; the schema's text can.
  const schema = { ...drawn, text: drawn.text.replace('700700700700', '9007199254740993') }
  const good = { code: 'ABC', amount: '0.01', id: 9007199254740993n, kind: 'a', lines: [{ sku: '😀é' }] }

  it('all that failed are told, with code, field and the contract’s own words', () => {
    const verdict = judged({ schema }, [
      message(schema, {
        code: 'abcd',
        amount: '-1',
        id: 9007199254740992n,
        kind: 'b',
        lines: [{ sku: 'ok' }, { sku: 'x' }, { sku: 'y' }],
      }),
    ])
    assert.deepEqual(
      verdict.refusals[0]!.errors.map(({ code, field, rule }) => [code, field, rule]),
      [
        ['LENGTH', 'code', 'maxLength 3'],
        ['PATTERN', 'code', 'pattern ^[A-Z]{3}$'],
        ['RANGE', 'amount', 'minimum 0.005'],
        ['RANGE', 'id', 'minimum 9007199254740993'],
        ['NOT', 'kind', 'not const b'],
        ['LENGTH', 'lines[].sku', 'minLength 2'],
      ],
    )
  })

  it('hold exactly at their bounds, past what a double can tell apart', () => {
    assert.deepEqual(judged({ schema }, [message(schema, good)]).refusals, [])
    assert.equal(judged({ schema }, [message(schema, { ...good, amount: '99999999999999999999.99' })]).rows.length, 1)
    assert.equal(judged({ schema }, [message(schema, { ...good, amount: '100000000000000000000' })]).rows.length, 0)
    assert.equal(judged({ schema }, [message(schema, { ...good, amount: '0.00' })]).rows.length, 0)
  })

  it('do not touch what is null, unless it is required', () => {
    const verdict = judged({ schema }, [message(schema, { id: null })])
    assert.deepEqual(
      verdict.refusals[0]!.errors.map(({ code, field }) => [code, field]),
      [['REQUIRED', 'id']],
    )
  })
})

describe('a writer of its own against the contract', () => {
  const cases: readonly (readonly [string, unknown, SourceValue, unknown, unknown])[] = [
    ['int to long', 'int', 7, 'long', 7n],
    ['int to double', 'int', 7, 'double', 7],
    ['long to double where exact', 'long', 2n ** 53n, 'double', 2 ** 53],
    ['long to decimal', 'long', 9223372036854775807n, decimal(21, 2), 922337203685477580700n],
    ['text to long where exact', 'string', '13995.0', 'long', 13995n],
    ['text to decimal', 'string', '1.50', decimal(5, 3), 1500n],
    ['double to long where exact', 'double', 5, 'long', 5n],
    ['decimal to a larger scale', decimal(9, 2), '1.25', decimal(12, 3), 1250n],
    ['decimal to a smaller scale without loss', decimal(9, 2), '1.50', decimal(9, 1), 15n],
    ['text to bytes', 'string', 'é', 'bytes', 'c3a9'],
    ['bytes to text', 'bytes', Buffer.from('é'), 'string', 'é'],
    ['enum to text', { type: 'enum', name: 'E', symbols: ['X'] }, 'X', 'string', 'X'],
    [
      'millis to micros',
      { type: 'long', logicalType: 'timestamp-millis' },
      '2020-01-01T00:00:00.001Z',
      { type: 'long', logicalType: 'timestamp-micros' },
      1577836800001000n,
    ],
    [
      'nanos floored to micros',
      { type: 'long', logicalType: 'timestamp-nanos' },
      '1969-12-31T23:59:59.999999999Z',
      { type: 'long', logicalType: 'timestamp-micros' },
      -1n,
    ],
    [
      'date to its midnight',
      { type: 'int', logicalType: 'date' },
      '2020-01-01',
      { type: 'long', logicalType: 'timestamp-millis' },
      1577836800000000n,
    ],
    [
      'text to a timestamp',
      'string',
      '2020-01-01 01:00:00+01:00',
      { type: 'long', logicalType: 'timestamp-micros' },
      1577836800000000n,
    ],
    ['a plain long in the reader’s unit', 'long', 5n, { type: 'long', logicalType: 'timestamp-millis' }, 5000n],
    [
      'millis of the day',
      { type: 'int', logicalType: 'time-millis' },
      '00:00:01',
      { type: 'long', logicalType: 'time-micros' },
      1000000n,
    ],
    ['a number to text', 'long', 5n, 'string', '5'],
    ['the least long to the double that is the same', 'long', -(2n ** 63n), 'double', -(2 ** 63)],
    ['a long past 2^53 to the float that is the same', 'long', 2n ** 60n, 'float', 2 ** 60],
    ['one value to a general union', 'long', 5n, ['null', 'string', 'long'], { member_string: null, member_long: 5n }],
  ]
  for (const [title, written, source, read, held] of cases) {
    it(`casts ${title}`, () => {
      const writer = avro([{ name: 'v', type: written }], { id: 2 })
      const schema = avro([Array.isArray(read) ? { name: 'v', type: read } : optional('v', read)])
      const verdict = judged({ schema }, [message(writer, { v: source })], [writer])
      assert.deepEqual(verdict.refusals, [])
      assert.deepEqual(verdict.landed, [{ v: held }])
    })
  }

  const losses: readonly (readonly [string, unknown, SourceValue, unknown])[] = [
    ['long to int past its range', 'long', 2147483648n, 'int'],
    ['long to double between two doubles', 'long', 2n ** 53n + 1n, 'double'],
    ['the greatest long to double', 'long', 2n ** 63n - 1n, 'double'],
    ['double with a fraction to long', 'double', 1.5, 'long'],
    ['text that is no number', 'string', 'seven', 'long'],
    ['decimal to a smaller scale with loss', decimal(9, 2), '1.25', decimal(9, 1)],
    ['decimal of too many digits', decimal(9, 0), '1000', decimal(3, 0)],
    ['bytes that are no UTF-8', 'bytes', Uint8Array.of(0xff), 'string'],
    ['a boolean to a number', 'boolean', true, 'long'],
    ['a number to a boolean', 'int', 1, 'boolean'],
    ['a date past what microseconds reach', 'int', 2147483647, { type: 'long', logicalType: 'timestamp-micros' }],
  ]
  for (const [title, written, source, read] of losses) {
    it(`refuses ${title} as TYPE, once`, () => {
      const type = title.startsWith('a date') ? { type: 'int', logicalType: 'date' } : written
      const writer = avro([{ name: 'v', type: written }], {
        id: 2,
        text: JSON.stringify({
          type: 'record',
          name: 'R',
          fields: [{ name: 'v', type: title.startsWith('a date') ? 'int' : written }],
        }),
      })
      const asWritten = title.startsWith('a date') ? avro([{ name: 'v', type }], { id: 2 }) : writer
      const schema = avro([{ name: 'v', type: read }])
      const verdict = judged({ schema }, [message(writer, { v: source })], [asWritten])
      assert.deepEqual(
        verdict.refusals[0]?.errors.map(({ code, field }) => [code, field]),
        [['TYPE', 'v']],
      )
    })
  }

  it('matches by alias, fills what the writer lacks with the default, else null', () => {
    const writer = avro([{ name: 'old', type: 'int' }], { id: 2 })
    const schema = avro([
      { name: 'now', aliases: ['old'], type: 'long' },
      { name: 'level', type: 'string', default: 'low' },
      { name: 'price', type: decimal(6, 2), default: '\u0001\u0000' },
      optional('note', 'string'),
    ])
    const verdict = judged({ schema }, [message(writer, { old: 3 }), message(writer, { old: 4 })], [writer])
    assert.deepEqual(verdict.landed, [
      { now: 3n, level: 'low', price: 256n, note: null },
      { now: 4n, level: 'low', price: 256n, note: null },
    ])
  })

  it('takes the reader’s default for an unknown enum symbol, and refuses where there is none', () => {
    const writer = avro([{ name: 'v', type: { type: 'enum', name: 'E', symbols: ['A', 'NEW'] } }], { id: 2 })
    const withDefault = avro([
      { name: 'v', type: { type: 'enum', name: 'E', symbols: ['A', 'OTHER'], default: 'OTHER' } },
    ])
    const without = avro([{ name: 'v', type: { type: 'enum', name: 'E', symbols: ['A'] } }])
    assert.deepEqual(judged({ schema: withDefault }, [message(writer, { v: 'NEW' })], [writer]).landed, [
      { v: 'OTHER' },
    ])
    assert.deepEqual(
      judged({ schema: without }, [message(writer, { v: 'NEW' })], [writer]).refusals[0]!.errors[0]!.code,
      'ENUM',
    )
  })

  it('of another format is refused as DECODE', () => {
    const schema = avro([optional('v', 'long')])
    const writer = { ...schema, id: 5, format: 'json' as const }
    const verdict = judged({ schema }, [{ value: frameRecord(5, Buffer.from('{}')) }], [writer])
    assert.equal(verdict.refusals[0]!.errors[0]!.code, 'DECODE')
  })
})

describe('fields that the contract does not know', () => {
  const schema = avro([
    optional('id', 'long'),
    optional('addr', { type: 'record', name: 'A', fields: [optional('zip', 'string')] }),
  ])
  const writer = avro(
    [
      { name: 'id', type: 'long' },
      {
        name: 'addr',
        type: {
          type: 'record',
          name: 'A',
          fields: [
            { name: 'zip', type: 'string' },
            { name: 'floor', type: 'int' },
          ],
        },
      },
      { name: 'big', type: ['null', 'long'] },
      { name: 'price', type: decimal(6, 2) },
    ],
    { id: 2 },
  )
  const row = { id: 1n, addr: { zip: 'z', floor: 3 }, big: 2n ** 62n, price: '1.50' }

  it('are rescued as JSON, nested ones under their path', () => {
    const verdict = judged({ schema }, [message(writer, row), message(schema, { id: 2n })], [writer])
    assert.deepEqual(verdict.rescuedTexts, ['{"addr.floor":3,"big":"4611686018427387904","price":"1.50"}', null])
    assert.deepEqual(verdict.landed[0], { id: 1n, addr: { zip: 'z' } })
  })

  it('are refused in mode reject, each by name, but not where they say nothing', () => {
    const verdict = judged({ schema, mode: 'reject' }, [message(writer, { ...row, big: null })], [writer])
    assert.deepEqual(
      verdict.refusals[0]!.errors.map(({ code, field }) => [code, field]),
      [
        ['UNKNOWN_FIELD', 'addr.floor'],
        ['UNKNOWN_FIELD', 'price'],
      ],
    )
  })

  it('become columns in mode evolve, typed by the writer, whatever the order of records', () => {
    const verdict = judged({ schema, mode: 'evolve' }, [message(schema, { id: 2n }), message(writer, row)], [writer])
    assert.deepEqual(verdict.columns.fields.map(({ name, type }) => [name, type.kind]).slice(2), [
      ['big', 'int64'],
      ['price', 'decimal'],
    ])
    assert.deepEqual(
      verdict.landed.map(({ big, price }) => [big, price]),
      [
        [null, null],
        [2n ** 62n, 150n],
      ],
    )
  })

  it('in mode evolve are rescued where the table’s column cannot hold them', () => {
    const other = avro(
      [
        { name: 'id', type: 'long' },
        { name: 'big', type: 'string' },
      ],
      { id: 3 },
    )
    const evolved = [{ name: 'big', type: { kind: 'int64' }, nullable: true }] as const
    const verdict = judged(
      { schema, mode: 'evolve', evolved },
      [message(other, { id: 1n, big: '12' }), message(other, { id: 2n, big: 'many' })],
      [other],
    )
    assert.deepEqual(
      verdict.landed.map(({ big }) => big),
      [12n, null],
    )
    assert.deepEqual(verdict.rescuedTexts, [null, '{"big":"many"}'])
  })
})

describe('a tombstone', () => {
  const schema = avro([
    optional('id', 'long', { constraints: { minimum: 100 } }),
    optional('shop', 'string'),
    optional('note', 'string', { constraints: { required: true } }),
  ])

  it('lands the key’s columns and null in all else; rules do not apply', () => {
    const verdict = judged({ schema, keyColumns: ['id'] }, [{ key: Buffer.from('7'), value: null }])
    assert.deepEqual(verdict.landed, [{ id: 7n, shop: null, note: null }])
    assert.deepEqual([...verdict.ops!], [1])
    assert.deepEqual([...verdict.schemaIds], [0])
  })

  it('of several columns reads the key as a JSON array of texts', () => {
    const verdict = judged({ schema, keyColumns: ['shop', 'id'] }, [{ key: Buffer.from('["north","7"]'), value: null }])
    assert.deepEqual(verdict.landed, [{ id: 7n, shop: 'north', note: null }])
  })

  it('whose key is missing or holds something else is refused', () => {
    const keys = [null, Buffer.from('seven'), Uint8Array.of(0xff)]
    const verdict = judged(
      { schema, keyColumns: ['id'] },
      keys.map((key) => ({ key, value: null })),
    )
    assert.deepEqual(
      verdict.refusals.map(({ errors }) => errors[0]!.code),
      ['WIRE_FORMAT', 'TYPE', 'WIRE_FORMAT'],
    )
  })
})

describe('what cannot be decoded', () => {
  const schema = avro([
    { name: 'name', type: 'string' },
    { name: 'pick', type: ['null', 'long'] },
  ])
  const whole = message(schema, { name: 'abc', pick: 5n }).value

  for (const [title, value, code] of [
    ['an empty value', new Uint8Array(0), 'WIRE_FORMAT'],
    ['another magic byte', Uint8Array.of(1, ...whole.subarray(1)), 'WIRE_FORMAT'],
    ['four bytes', whole.subarray(0, 4), 'WIRE_FORMAT'],
    ['schema id 0', frameRecord(0, whole.subarray(5)), 'WIRE_FORMAT'],
    ['a cut record', whole.subarray(0, whole.length - 1), 'DECODE'],
    ['a byte too many', Uint8Array.of(...whole, 0), 'DECODE'],
    ['a union index that is not there', Uint8Array.of(...whole.subarray(0, 9), 4, 10), 'DECODE'],
    ['text that is no UTF-8', frameRecord(schema.id, Uint8Array.of(2, 0xff, 0)), 'DECODE'],
    ['a length beyond the record', frameRecord(schema.id, Uint8Array.of(0xfe, 0xff, 0xff, 0xff, 0x0f)), 'DECODE'],
    [
      'a long of eleven bytes',
      frameRecord(schema.id, Uint8Array.of(0, 2, ...Array<number>(10).fill(0xff), 1)),
      'DECODE',
    ],
  ] as const) {
    it(`is refused as ${code}: ${title}`, () => {
      const verdict = judged({ schema }, [{ value: whole }, { value }, { value: whole }])
      assert.deepEqual(
        verdict.refusals.map(({ index, errors }) => [index, errors[0]!.code]),
        [[1, code]],
      )
      assert.deepEqual([...verdict.rows], [0, 2])
    })
  }

  it('asks no endless work of arrays whose elements take no bytes', () => {
    const nulls = avro([{ name: 'n', type: ['null', 'long'], default: null }])
    const writer = avro([{ name: 'x', type: { type: 'array', items: 'null' } }], { id: 2 })
    const verdict = judged(
      { schema: nulls },
      [{ value: frameRecord(2, Uint8Array.of(0xfe, 0xff, 0xff, 0xff, 0xff, 0x7f, 0)) }],
      [writer],
    )
    assert.equal(verdict.refusals[0]!.errors[0]!.code, 'DECODE')
  })

  it('asks no endless memory of an older writer’s list whose elements the contract has more fields of', () => {
    const items = (more: readonly unknown[]): unknown => ({
      type: 'array',
      items: { type: 'record', name: 'I', fields: [{ name: 'x', type: 'int' }, ...more] },
    })
    const added = Array.from({ length: 20 }, (_, i) => ({ name: `d${i}`, type: 'string', default: 'q'.repeat(100) }))
    const writer = avro([{ name: 'a', type: items([]) }], { id: 2 })
    const newer = avro([{ name: 'a', type: items(added) }])
    const listOf = (count: number): Uint8Array => {
      const body = new Uint8Array(4 + count).fill(2)
      const size = count * 2
      body.set([(size & 127) | 128, ((size >> 7) & 127) | 128, size >> 14])
      body[body.length - 1] = 0
      return frameRecord(2, body)
    }
    const { rows, refusals } = judged(
      { schema: newer },
      [{ value: listOf(1000) }, { value: listOf(100_000) }],
      [writer],
    )
    assert.deepEqual([...rows], [0])
    assert.match(
      refusals[0]!.errors[0]!.message,
      /^The bytes do not follow schema 2: lists, maps and defaults would take/,
    )
  })

  it('asks no endless memory of a long list that has no column', () => {
    const list = { type: 'array', items: { type: 'record', name: 'I', fields: [{ name: 'x', type: 'int' }] } }
    const writer = avro(
      [
        { name: 'a', type: list },
        { name: 'v', type: 'int' },
      ],
      { id: 2 },
    )
    const schema = avro([{ name: 'v', type: 'int' }])
    const bodyOf = (count: number): Uint8Array => {
      const body = new Uint8Array(6 + count).fill(2)
      const size = count * 2
      body.set([(size & 127) | 128, ((size >> 7) & 127) | 128, ((size >> 14) & 127) | 128, size >> 21])
      body.set([0, 14], body.length - 2)
      return frameRecord(2, body)
    }
    const { landed, rescuedTexts, refusals } = judged(
      { schema },
      [{ value: bodyOf(3000) }, { value: bodyOf(600_000) }],
      [writer],
    )
    assert.deepEqual(landed, [{ v: 7 }])
    assert.equal(rescuedTexts[0], JSON.stringify({ a: Array.from({ length: 3000 }, () => ({ x: 1 })) }))
    assert.match(refusals[0]!.errors[0]!.message, /more than 500000 values that would be shown as JSON/)
  })

  it('a producer’s schema that names its types again and again at each level is not written out', () => {
    const levels = 8
    const reader = (level: number): unknown =>
      level === 0 ? 'int' : { type: 'record', name: `R${level}`, fields: [optional('a', reader(level - 1))] }
    const defined = new Set<string>()
    const branch = (level: number, i: number): unknown => {
      const name = `W${level}_${i}`
      if (defined.has(name)) return name
      defined.add(name)
      return { type: 'record', name, fields: [{ name: 'a', type: branches(level - 1) }] }
    }
    const branches = (level: number): unknown =>
      level === 0 ? 'int' : ['null', ...Array.from({ length: 40 }, (_, i) => branch(level, i))]
    const writer = avro([{ name: 'v', type: branches(levels) }], { id: 2 })
    // Branch 1 or 40 at each level, as a zigzag number.
    const body = Uint8Array.from([...Array.from({ length: levels }, (_, i) => (i % 2 === 0 ? 2 : 80)), 14])
    const { landed } = judged(
      { schema: avro([optional('v', reader(levels))]) },
      [{ value: frameRecord(2, body) }],
      [writer],
    )
    const held = Array.from({ length: levels }).reduce<unknown>((inner) => ({ a: inner }), 7)
    assert.deepEqual(landed, [{ v: held }])
  })

  it('blocks may say how many bytes they take, and are refused where that is not so', () => {
    const lists = avro([{ name: 'l', type: { type: 'array', items: 'int' } }])
    // Two elements in four bytes; then one in one byte.
    const sized = [3, 8, 0x80, 1, 0x82, 1, 1, 2, 2, 0]
    const bodies = [sized, sized.with(1, 6), sized.with(1, 10), sized.with(1, 1), sized.with(7, 4)]
    const { landed, refusals } = judged(
      { schema: lists },
      bodies.map((body) => ({ value: frameRecord(lists.id, Uint8Array.from(body)) })),
    )
    assert.deepEqual(landed, [{ l: [64, 65, 1] }])
    assert.deepEqual(
      refusals.map(({ index, errors }) => [index, errors[0]!.code]),
      [1, 2, 3, 4].map((i) => [i, 'DECODE']),
    )
  })

  it('a map that names a key twice is refused: no engine reads it back', () => {
    const maps = avro([{ name: 'm', type: { type: 'map', values: 'int' } }])
    const verdict = judged({ schema: maps }, [{ value: frameRecord(maps.id, Uint8Array.of(4, 2, 97, 2, 2, 97, 4, 0)) }])
    assert.deepEqual(
      verdict.refusals[0]!.errors.map(({ code, field }) => [code, field]),
      [['TYPE', 'm']],
    )
  })

  it('a writer id that was not resolved is the caller’s mistake', () => {
    const judge = createJudge({ schema, mode: 'rescue', keyColumns: [] })
    assert.throws(
      () => judge.judge(batchOf([{ value: whole }]), new Map()),
      (error) => error instanceof SluiceError && error.code === 'BUG',
    )
  })
})

describe('privacy', () => {
  const schema = avro([
    optional('id', 'long', { constraints: { maximum: 5 } }),
    optional('email', 'string', { pii: 'email', constraints: { pattern: '^[a-z@.]+$' } }),
    optional('token', 'string', { on_ingest: 'drop', constraints: { maxLength: 3 } }),
    optional('home', {
      type: 'record',
      name: 'H',
      fields: [
        optional('street', 'string', { pii: 'address', constraints: { minLength: 99 } }),
        optional('city', 'string'),
      ],
    }),
  ])
  const secret = {
    id: 9n,
    email: 'ADA.LOVELACE@EXAMPLE.COM',
    token: 'tok-12345',
    home: { street: '12 Elm Street', city: 'Leeds' },
  }

  it('no message and no shown record quotes a value that the contract tags, or must not land (I13)', () => {
    const writer = avro(
      [...(JSON.parse(schema.text) as { fields: unknown[] }).fields, { name: 'emial', type: 'string' }],
      { id: 2 },
    )
    const { refusals } = judged({ schema }, [message(writer, { ...secret, emial: 'ada@lovelace.org' })], [writer])
    const shown = JSON.stringify(refusals)
    for (const value of ['ADA', 'LOVELACE', 'tok-12345', '12 Elm Street', 'ada@lovelace.org'])
      assert.ok(!shown.includes(value), `${value} in ${shown}`)
    assert.ok(shown.includes('Leeds'))
    assert.deepEqual(
      refusals[0]!.errors.map(({ field }) => field),
      ['id', 'email', 'token', 'home.street'],
    )
  })

  it('a field that is dropped does not land, nor is it rescued', () => {
    const verdict = judged({ schema }, [message(schema, { id: 1n, token: 'abc' })])
    assert.deepEqual(verdict.landed, [{ id: 1n, email: null, home: null }])
    assert.deepEqual(verdict.rescuedTexts, [null])
  })
})
