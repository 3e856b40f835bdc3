import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ColumnField, ColumnType } from '../../../src/domain/column-batch.ts'
import { SluiceError } from '../../../src/domain/errors.ts'
import type { ModelDefinition } from '../../../src/domain/model.ts'
import { shapeOf } from '../../../src/transform/rows/result-shape.ts'
import { CHANGE_FIELDS, model } from '../lake-fixture.ts'

function field(name: string, kind: 'string' | 'timestamp' | 'int64' | 'int32' = 'string'): ColumnField {
  const type: ColumnType = { kind }
  return { name, type, nullable: true }
}

function refusal(definition: ModelDefinition, columns: readonly ColumnField[], layer = 'bronze'): string {
  try {
    shapeOf(definition, { columns, mainLayer: layer, added: [] })
  } catch (error) {
    assert.ok(error instanceof SluiceError)
    assert.equal(error.code, 'MODEL_INVALID')
    assert.ok(error.where.file !== undefined)
    return error.message
  }
  assert.fail('taken')
}

const LATEST = model('silver.m', 'kind: merge\nkey: id\nsequence_by: t\ntie_break: a\n', 'select 1')
const COLUMNS = [field('id'), field('t', 'timestamp'), field('a'), field('b'), ...CHANGE_FIELDS]

test('a merge over changes stores its own columns, whether the key is deleted, and the change order', () => {
  const shape = shapeOf(LATEST, { columns: COLUMNS, mainLayer: 'bronze', added: [] })
  assert.deepEqual(
    shape.stored.map(({ name }) => name),
    ['id', 't', 'a', 'b', '_deleted', '_sequence', '_tie_1', '_epoch', '_partition', '_offset'],
  )
  const fromSilver = shapeOf(LATEST, { columns: COLUMNS, mainLayer: 'silver', added: [] })
  assert.deepEqual(
    fromSilver.stored.map(({ name }) => name),
    ['id', 't', 'a', 'b'],
  )
})

test('a dimension stores its surrogate key, key, tracked columns and validity', () => {
  const dimension = model(
    'gold.d',
    'kind: scd2\nkey: id\nsequence_by: t\ntie_break: a\nsurrogate_key: sk\n',
    'select 1',
  )
  assert.deepEqual(
    shapeOf(dimension, { columns: COLUMNS, mainLayer: 'bronze', added: [] }).stored.map(({ name }) => name),
    ['sk', 'id', 'b', 'valid_from', 'valid_to', 'is_current'],
  )
  const idle = model('gold.d', 'kind: scd2\nkey: id\nsequence_by: t\ntrack: a\nsurrogate_key: sk\n', 'select 1')
  assert.match(refusal(idle, COLUMNS), /b is neither key, tracked, sequence_by nor tie_break/)
})

test('what a result lacks or must not have is named', () => {
  const without = (name: string): readonly ColumnField[] => COLUMNS.filter((column) => column.name !== name)
  assert.match(refusal(LATEST, without('id')), /gives no column id/)
  assert.match(refusal(LATEST, without('a')), /gives no column a/)
  assert.match(refusal(LATEST, without('_offset')), /gives no column _offset/)
  assert.match(refusal(LATEST, CHANGE_FIELDS), /no column of its own/)
  assert.match(refusal(LATEST, [...COLUMNS, field('order')]), /"order" is a word of SQL/)
  assert.match(refusal(LATEST, [...COLUMNS, field('count(a)')]), /letters, digits/)
  assert.match(refusal(LATEST, [...COLUMNS, field('B')]), /two columns of one name/)
  assert.match(refusal(LATEST, [field('ID'), ...without('id')]), /id is written ID/)
  const number = COLUMNS.map((column) => (column.name === 't' ? field('t', 'int64') : column))
  assert.match(refusal(LATEST, number), /sequence_by t is of type int64/)
  const parted = model('silver.m', 'kind: merge\nkey: id\ntie_break: a\npartition_by: day\n', 'select 1')
  assert.match(refusal(parted, COLUMNS), /partition_by names day/)
  const looked = model(
    'gold.f',
    'kind: merge\nkey: id\nlookups:\n  - {dimension: gold.d, on: {a: a}, at: t, as: b}\n',
    'select 1',
  )
  assert.match(refusal(looked, COLUMNS, 'silver'), /gives b, which the framework adds/)
})
