import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createEncoder } from '../../../src/contract/encode.ts'
import { checkEvolution } from '../../../src/contract/evolution.ts'
import { createJudge } from '../../../src/contract/judge.ts'
import { frameRecord } from '../../../src/contract/wire.ts'
import { hashToken } from '../../../src/domain/masking.ts'
import type { RegisteredSchema } from '../../../src/ports/schema-registry.ts'
import type { SourceValue } from '../../../src/ports/source-connector.ts'
import { avro, jsonSchema, judged } from '../judged.ts'

const hashKey = '0123456789abcdef'
/** Each by `printf 'KIND\0VALUE' | openssl dgst -sha256 -hmac 0123456789abcdef`. */
const TOKENS = {
  email: 'ed3d97c4053e72bb343489b859933cbfcf9e30f8b7ca248977937ee763401b92',
  integer: '0f2d132f3b9585b3877233c575764082d67a4f552d46e4a35b1be0c3d3c18e78',
  decimal: '23c68c307a4b3c0609e377cdb0ac4ce667b1b5c96562eb26182dff4557ebfbdd',
  boolean: '5c8498b95bc6c6e2aff098f87bf1285f136c64f56051c47587b2c454a1eab4ce',
  date: '76ea2fa80e97731cb3317d5140246808133a58a3ea7e7702bbbeb2f1a19c5776',
  timestamp: '435ac62c49730fff4d1aec96e012088a4150c9e7e50c700121df497f423b323e',
}

function message(schema: RegisteredSchema, row: Readonly<Record<string, SourceValue>>): { value: Uint8Array } {
  const encoded = createEncoder(schema).encode(Object.keys(row), Object.values(row), false)
  if (encoded.kind === 'refused') assert.fail(JSON.stringify(encoded.errors))
  return { value: encoded.bytes }
}

const nullable = (name: string, type: unknown, more: object = {}): unknown => ({
  name,
  type: ['null', type],
  default: null,
  ...more,
})
const hashed = (kind: string, more: object = {}): object => ({ pii: kind, on_ingest: 'hash', ...more })

describe('a field that is hashed on ingest', () => {
  it('lands as the token of its canonical text, whatever its type; null stays null', () => {
    const schema = avro([
      nullable('email', 'string', hashed('email')),
      nullable('number', 'long', hashed('customer')),
      nullable('rate', { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 }, hashed('customer')),
      nullable('flag', 'boolean', hashed('customer')),
      nullable('day', { type: 'int', logicalType: 'date' }, hashed('customer')),
      nullable('at', { type: 'long', logicalType: 'timestamp-micros' }, hashed('customer')),
      nullable('bytes', 'bytes', hashed('email')),
    ])
    const row = {
      email: 'ada@example.com',
      number: 13_995n,
      rate: '12.50',
      flag: true,
      day: '2020-02-29',
      at: '2020-01-01T00:00:00.123456Z',
      bytes: Buffer.from('ada@example.com'),
    }
    const nothing = Object.fromEntries(Object.keys(row).map((name) => [name, null]))
    const { landed, columns } = judged({ schema, hashKey }, [message(schema, row), message(schema, nothing)])
    const { email, integer, decimal, boolean, date, timestamp } = TOKENS
    assert.deepEqual(landed, [
      { email, number: integer, rate: decimal, flag: boolean, day: date, at: timestamp, bytes: email },
      nothing,
    ])
    assert.deepEqual(new Set(columns.fields.map(({ type }) => type.kind)), new Set(['string']))
  })

  it('has one token for equal values of one kind, and another for another kind or key', () => {
    const text = avro([nullable('a', 'string', hashed('customer')), nullable('b', 'string', hashed('email'))])
    const other = jsonSchema({ type: 'object', properties: { id: { type: 'integer', ...hashed('customer') } } })
    const [one] = judged({ schema: text, hashKey }, [message(text, { a: '13995', b: '13995' })]).landed
    const [two] = judged({ schema: other, hashKey }, [{ value: frameRecord(12, Buffer.from('{"id":13995}')) }]).landed
    assert.equal(one!['a'], TOKENS.integer)
    assert.equal(two!['id'], TOKENS.integer)
    assert.notEqual(one!['b'], one!['a'])
    assert.notEqual(hashToken('another key of it', 'customer', Buffer.from('13995')), TOKENS.integer)
  })

  it('is judged by its rules before it is hashed, and its value is in no message', () => {
    const schema = avro([nullable('email', 'string', hashed('email', { constraints: { pattern: '@' } }))])
    const records = [message(schema, { email: 'ada@example.com' }), message(schema, { email: 'ada.example.com' })]
    const { landed, refusals } = judged({ schema, hashKey }, records)
    assert.deepEqual(landed, [{ email: TOKENS.email }])
    assert.deepEqual(
      refusals.map(({ index, errors }) => [index, errors.map(({ code }) => code)]),
      [[1, ['PATTERN']]],
    )
    assert.ok(!JSON.stringify(refusals).includes('ada'))
  })

  it("has its token in a deletion's row too", () => {
    const schema = avro([nullable('email', 'string', hashed('email')), nullable('n', 'int')])
    const options = { schema, hashKey, keyColumns: ['email'] }
    const { landed, ops } = judged(options, [{ key: Buffer.from('ada@example.com'), value: null }])
    assert.deepEqual([landed, ops], [[{ email: TOKENS.email, n: null }], Uint8Array.of(1)])
  })

  it('needs a key: without one there is no judge, whatever the records hold', () => {
    const schema = avro([nullable('email', 'string', hashed('email'))])
    assert.throws(() => createJudge({ schema, mode: 'rescue', keyColumns: [] }), {
      code: 'HASH_KEY_MISSING',
      message: /orders-value hashes email/,
    })
  })
})

describe('what must not land as it is does not land as a field that the contract does not know', () => {
  const contract = avro(
    [
      { name: 'id', type: 'int' },
      nullable('email', 'string', hashed('email', { aliases: ['mail', 'e_post'] })),
      nullable('home', { type: 'record', name: 'Home', fields: [nullable('city', 'string')] }, { on_ingest: 'drop' }),
    ],
    { id: 1 },
  )
  const contact = {
    type: 'record',
    name: 'Contact',
    fields: [
      { name: 'Email', type: 'string' },
      { name: 'note', type: 'string' },
    ],
  }
  const writer = avro(
    [
      { name: 'id', type: 'int' },
      { name: 'mail', type: 'string' },
      { name: 'e_post', type: 'string' },
      { name: 'E_Mail', type: 'string' },
      { name: 'contact', type: contact },
      { name: 'home', type: { type: 'record', name: 'Home', fields: [{ name: 'zip', type: 'string' }] } },
      { name: 'colour', type: 'string' },
    ],
    { id: 2 },
  )
  const value = 'ada@example.com'
  const row = {
    id: 1,
    mail: value,
    e_post: value,
    E_Mail: value,
    contact: { Email: value, note: 'n' },
    home: { zip: value },
    colour: 'red',
  }
  const record = message(writer, row)
  const rescued = { e_post: '***', E_Mail: '***', contact: { Email: '***', note: 'n' }, 'home.zip': '***' }

  it('rescue keeps the name and hides the value: other aliases, other case, nested, and inside what is dropped', () => {
    const { landed, rescuedTexts } = judged({ schema: contract, hashKey }, [record], [writer])
    assert.deepEqual(landed, [{ id: 1, email: TOKENS.email }])
    assert.deepEqual(JSON.parse(String(rescuedTexts[0])), { ...rescued, colour: 'red' })
  })

  it('evolve makes no column of it', () => {
    const { landed, rescuedTexts } = judged({ schema: contract, hashKey, mode: 'evolve' }, [record], [writer])
    assert.deepEqual(landed, [{ id: 1, email: TOKENS.email, colour: 'red' }])
    assert.deepEqual(JSON.parse(String(rescuedTexts[0])), rescued)
  })

  it('JSON records as well', () => {
    const properties = { id: { type: 'integer' }, email: { type: 'string', pii: 'email', on_ingest: 'drop' } }
    const schema = jsonSchema({ type: 'object', properties })
    const body = { id: 1, Email: value, extra: [{ 'e-mail': value, n: 1 }], colour: 'red' }
    const records = [{ value: frameRecord(12, Buffer.from(JSON.stringify(body))) }]
    const shown = { Email: '***', extra: [{ 'e-mail': '***', n: 1 }] }
    const kept = judged({ schema }, records)
    assert.deepEqual(JSON.parse(String(kept.rescuedTexts[0])), { ...shown, colour: 'red' })
    const evolved = judged({ schema, mode: 'evolve' }, records)
    assert.deepEqual(evolved.landed, [{ id: 1n, colour: 'red' }])
    assert.deepEqual(JSON.parse(String(evolved.rescuedTexts[0])), shown)
  })
})

it('a column that begins, ends or changes to be hashed is not compatible unless it is said', () => {
  const plain = avro([nullable('v', 'string', { pii: 'email' })])
  const email = avro([nullable('v', 'string', hashed('email'))])
  const name = avro([nullable('v', 'string', hashed('name'))])
  const dropped = avro([nullable('v', 'string', { on_ingest: 'drop' }), nullable('w', 'int')])
  const reasons = (before: RegisteredSchema, proposed: RegisteredSchema, allowTightening = false): number =>
    checkEvolution({ proposed, existing: [before], mode: 'BACKWARD', allowTightening }).length
  assert.deepEqual(
    [reasons(plain, email), reasons(email, plain), reasons(email, name), reasons(plain, email, true)],
    [1, 1, 1, 0],
  )
  assert.deepEqual([reasons(email, email), reasons(plain, dropped), reasons(email, dropped)], [0, 0, 0])
  const json = (more: object): RegisteredSchema =>
    jsonSchema({ type: 'object', properties: { v: { type: 'string', pii: 'email', ...more } } })
  assert.equal(reasons(json({}), json({ on_ingest: 'hash' })), 1)
})

it('a refused source value is not quoted where only the contract of a table hides its field', () => {
  const wire = avro([
    { name: 'id', type: 'int' },
    { name: 'born', type: 'int' },
    { name: 'extra', type: 'int' },
  ])
  const contract = avro([
    { name: 'id', type: 'int' },
    { name: 'birth', aliases: ['born'], type: 'int', pii: 'birth' },
  ])
  const { contract: judge } = createJudge({ schema: contract, mode: 'rescue', keyColumns: [] })
  const refused = createEncoder(wire, [judge]).encode(['id', 'born', 'extra'], ['one', '1815-12-10', 'ada'], true)
  const said = JSON.stringify(refused)
  assert.equal(refused.kind, 'refused')
  assert.deepEqual([said.includes('1815'), said.includes('ada'), said.includes('one')], [false, false, true])
})
