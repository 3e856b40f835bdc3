import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ColumnField, ColumnType } from '../../../src/domain/column-batch.ts'
import { formatStats } from '../../../src/lake/files/file-stats.ts'

const LONG: ColumnType = { kind: 'int64' }
const field = (name: string, type: ColumnType = LONG): ColumnField => ({ name, type, nullable: true })
const place = field('place', {
  kind: 'struct',
  fields: [field('city', { kind: 'string' }), field('geo', { kind: 'struct', fields: [field('lat')] })],
})

const none = { partitionColumns: [], unstated: new Set<string>() }

describe("Delta's statistics as text", () => {
  test('fields inside structs stand inside objects, as the protocol shows them', () => {
    const stats = [
      { column: 'id', nulls: 0, min: 1, max: 9 },
      { column: 'place', inside: ['city'], nulls: 1, min: 'Bern', max: 'Zug' },
      { column: 'place', inside: ['geo', 'lat'], nulls: 2, min: 46 },
    ]
    assert.deepEqual(JSON.parse(formatStats({ rows: 3, stats, fields: [field('id'), place], ...none })), {
      numRecords: 3,
      minValues: { id: 1, place: { city: 'Bern', geo: { lat: 46 } } },
      maxValues: { id: 9, place: { city: 'Zug' } },
      nullCount: { id: 0, place: { city: 1, geo: { lat: 2 } } },
    })
  })

  test('a private struct states how many nulls it has, and no value from within', () => {
    const stats = [{ column: 'place', inside: ['city'], nulls: 1, min: 'Bern', max: 'Zug' }]
    const text = formatStats({ rows: 3, stats, fields: [place], partitionColumns: [], unstated: new Set(['place']) })
    assert.deepEqual(JSON.parse(text), {
      numRecords: 3,
      minValues: {},
      maxValues: {},
      nullCount: { place: { city: 1 } },
    })
  })

  test('all columns have theirs, each field inside a struct its own, partition columns aside: a commit leaves what its table wants', () => {
    const many = Array.from({ length: 40 }, (_, i) => field(`c${i}`))
    const fields = [field('day'), place, ...many]
    const stats = [
      { column: 'place', inside: ['city'], nulls: 0 },
      { column: 'place', inside: ['geo', 'lat'], nulls: 0 },
      ...many.map(({ name }) => ({ column: name, nulls: 0 })),
    ]
    const { nullCount } = JSON.parse(
      formatStats({ rows: 1, stats, fields, partitionColumns: ['day'], unstated: new Set() }),
    ) as {
      nullCount: object
    }
    assert.deepEqual(Object.keys(nullCount), ['place', ...many.map(({ name }) => name)])
  })

  test('digits that a double would round stand as a number, and only where the column is one', () => {
    const fields = [
      field('id'),
      field('price', { kind: 'decimal', precision: 38, scale: 4 }),
      field('text', { kind: 'string' }),
    ]
    const stats = [
      { column: 'id', nulls: 0, min: '-9223372036854775808', max: '9223372036854775807' },
      { column: 'price', nulls: 0, min: '1e5', max: '1234567890123456789012.3456' },
      { column: 'text', nulls: 0, min: '1', max: '2' },
    ]
    assert.equal(
      formatStats({ rows: 5, stats, fields, ...none }),
      '{"numRecords":5,"minValues":{"id":-9223372036854775808,"text":"1"},"maxValues":{"id":9223372036854775807,"price":1234567890123456789012.3456,"text":"2"},"nullCount":{"id":0,"price":0,"text":0}}',
    )
  })

  test('a column may be called like anything', () => {
    const fields = [field('__proto__'), field('constructor', { kind: 'struct', fields: [field('__proto__')] })]
    const stats = [
      { column: '__proto__', nulls: 1, min: 4 },
      { column: 'constructor', inside: ['__proto__'], nulls: 2 },
    ]
    assert.equal(
      formatStats({ rows: 5, stats, fields, ...none }),
      '{"numRecords":5,"minValues":{"__proto__":4},"maxValues":{},"nullCount":{"__proto__":1,"constructor":{"__proto__":2}}}',
    )
  })
})
