import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ColumnField, ColumnType } from '../../src/domain/column-batch.ts'
import { formatDeltaSchema, parseDeltaSchema, schemaFeatures } from '../../src/lake/delta-schema.ts'

const PLAIN = { noNullPrototype: true }
const { type } = fc.letrec<{ type: ColumnType }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.constantFrom(
      ...(['boolean', 'int32', 'int64', 'float32', 'float64', 'string', 'binary', 'date', 'timestamp'] as const).map(
        (kind) => ({ kind }),
      ),
    ),
    fc
      .nat(38)
      .filter((p) => p > 0)
      .chain((precision) => fc.nat(precision).map((scale) => ({ kind: 'decimal' as const, precision, scale }))),
    fc.record({ kind: fc.constant('list' as const), element: tie('type'), elementNullable: fc.boolean() }, PLAIN),
    fc.record({ kind: fc.constant('map' as const), value: tie('type'), valueNullable: fc.boolean() }, PLAIN),
    fc
      .array(fc.record({ type: tie('type'), nullable: fc.boolean() }, PLAIN), { minLength: 1, maxLength: 3 })
      .map((fields) => ({
        kind: 'struct' as const,
        fields: fields.map((field, i) => ({ name: `c${i}`, ...field })),
      })),
  ),
}))

test('any columns come back from their text as they were', () => {
  fc.assert(
    fc.property(fc.array(type, { maxLength: 4 }), (types) => {
      const fields: ColumnField[] = types.map((each, i) => ({ name: `f${i}`, type: each, nullable: i % 2 === 0 }))
      assert.deepEqual(parseDeltaSchema(formatDeltaSchema(fields)), fields)
    }),
  )
})

const SPARK = JSON.stringify({
  type: 'struct',
  fields: [
    { name: 'small', type: 'short', nullable: true, metadata: { comment: 'kept' } },
    { name: 'when', type: 'timestamp_ntz', nullable: false, metadata: {} },
    {
      name: 'in',
      type: { type: 'struct', fields: [{ name: 'b', type: 'byte', nullable: true, metadata: { x: 1 } }] },
      nullable: true,
      metadata: {},
    },
    { name: 'd', type: 'decimal(10, 2)', nullable: true, metadata: {} },
  ],
})

test('narrower integers and zoneless times of other engines are read as what holds them', () => {
  assert.deepEqual(
    parseDeltaSchema(SPARK).map(({ type: each, nullable }) => [each, nullable]),
    [
      [{ kind: 'int32' }, true],
      [{ kind: 'timestamp' }, false],
      [{ kind: 'struct', fields: [{ name: 'b', type: { kind: 'int32' }, nullable: true }] }, true],
      [{ kind: 'decimal', precision: 10, scale: 2 }, true],
    ],
  )
})

test('fields that stay keep their metadata and exact type when columns are added or widened', () => {
  const fields = parseDeltaSchema(SPARK)
  const added: ColumnField = { name: 'new', type: { kind: 'string' }, nullable: true }
  const text = formatDeltaSchema([...fields, added], SPARK)
  const written = JSON.parse(text) as { fields: { name: string; type: unknown; metadata: unknown }[] }
  assert.deepEqual(
    written.fields.map((field) => [field.name, field.type, field.metadata]),
    [
      ['small', 'short', { comment: 'kept' }],
      ['when', 'timestamp_ntz', {}],
      ['in', { type: 'struct', fields: [{ name: 'b', type: 'byte', nullable: true, metadata: { x: 1 } }] }, {}],
      ['d', 'decimal(10,2)', {}],
      ['new', 'string', {}],
    ],
  )
  const wide = fields.map((field) => (field.name === 'small' ? { ...field, type: { kind: 'int64' as const } } : field))
  assert.match(formatDeltaSchema(wide, SPARK), /"small","type":"long","nullable":true,"metadata":\{"comment":"kept"\}/)
})

test("a type without a counterpart is refused, with the column's path", () => {
  const refuse = (each: unknown, message: RegExp): void => {
    const text = JSON.stringify({ type: 'struct', fields: [{ name: 'a', type: each, nullable: true, metadata: {} }] })
    assert.throws(() => parseDeltaSchema(text), { code: 'TABLE_UNSUPPORTED', message })
  }
  refuse('variant', /"a" has the type variant/)
  refuse(
    { type: 'map', keyType: 'integer', valueType: 'string', valueContainsNull: true },
    /"a".*keys that are not strings/,
  )
  refuse(
    { type: 'array', elementType: { type: 'struct', fields: [{ name: 'b', type: 'interval' }] } },
    /"a\.element\.b".*interval/,
  )
  assert.throws(() => parseDeltaSchema('{'), { code: 'TABLE_UNSUPPORTED' })
  assert.throws(() => parseDeltaSchema('"string"'), { code: 'TABLE_UNSUPPORTED' })
})

test('rules that live in fields are found at any depth', () => {
  const ruled = { name: 'x', type: 'long', nullable: true, metadata: { 'delta.invariants': '{}' } }
  const text = JSON.stringify({
    type: 'struct',
    fields: [
      { name: 'a', type: { type: 'array', elementType: { type: 'struct', fields: [ruled] } }, metadata: {} },
      { name: 'g', type: 'long', metadata: { 'delta.generationExpression': 'x' } },
    ],
  })
  assert.deepEqual(schemaFeatures(text), ['invariants', 'generatedColumns'])
})
