import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ColumnField, ColumnType } from '../../../src/domain/column-batch.ts'
import { LoggedFile } from '../../../src/lake/files/add-file.ts'
import { pruneFiles } from '../../../src/lake/files/prune.ts'
import type { ColumnRange } from '../../../src/lake/files/prune.ts'

function file(path: string, stats: string | null, partitionValues: Record<string, string | null> = {}): LoggedFile {
  const rest = { bytes: 1, modificationTimeMs: 0, dataChange: true, tags: null, deletionVector: null }
  return new LoggedFile({ path, partitionValues, statsText: stats, ...rest })
}

function field(name: string, type: ColumnType): ColumnField {
  return { name, type, nullable: true }
}

const FIELDS = [
  field('n', { kind: 'int64' }),
  field('s', { kind: 'string' }),
  field('t', { kind: 'timestamp' }),
  field('d', { kind: 'decimal', precision: 20, scale: 3 }),
  field('day', { kind: 'date' }),
]
const TABLE = { fields: FIELDS, partitionColumns: ['day'] }

function kept(files: LoggedFile[], ...ranges: ColumnRange[]): string[] {
  return pruneFiles(files, TABLE, ranges).map(({ path }) => path)
}

test('a file whose statistics lie outside a range is left out; bounds themselves are inside', () => {
  const files = [
    file('low', '{"numRecords":2,"minValues":{"n":1},"maxValues":{"n":5},"nullCount":{"n":0}}'),
    file('high', '{"numRecords":2,"minValues":{"n":6},"maxValues":{"n":9},"nullCount":{"n":0}}'),
  ]
  assert.deepEqual(kept(files, { column: 'n', min: 5, max: 6 }), ['low', 'high'])
  assert.deepEqual(kept(files, { column: 'n', min: 6 }), ['high'])
  assert.deepEqual(kept(files, { column: 'n', max: 5n }), ['low'])
  assert.deepEqual(kept(files, { column: 'n', min: 2 }, { column: 'n', max: 3 }), ['low'])
})

test('a bound that a double would round is held against the exact value, and hides no row', () => {
  const price = '1234567890123456.023'
  // As a double it would be 1234567890123456.
  const files = [file('wide', `{"numRecords":1,"minValues":{"d":0.5},"maxValues":{"d":${price}},"nullCount":{"d":0}}`)]
  assert.deepEqual(kept(files, { column: 'd', min: price }), ['wide'])
  assert.deepEqual(kept(files, { column: 'd', min: '1234567890123456.024' }), [])
  const long =
    '{"numRecords":1,"minValues":{"n":9007199254740993},"maxValues":{"n":9223372036854775807},"nullCount":{"n":0}}'
  assert.deepEqual(kept([file('long', long)], { column: 'n', max: 9_007_199_254_740_992n }), [])
  assert.deepEqual(kept([file('long', long)], { column: 'n', min: 2n ** 63n - 1n }), ['long'])
})

test('what is unknown keeps the file', () => {
  const files = [
    file('none', null),
    file('broken', '{"numRecords":'),
    file('bare', '{"numRecords":1}'),
    file('odd', '{"numRecords":1,"minValues":{"n":"x"},"maxValues":{"n":{}}}'),
  ]
  assert.deepEqual(kept(files, { column: 'n', min: 1, max: 1 }).length, 4)
  assert.deepEqual(kept(files, { column: 'unheard', min: 1 }).length, 4)
  assert.deepEqual(kept(files, { column: 'n', min: 'what' }).length, 4)
})

test('a file whose rows are all null holds no wanted value', () => {
  assert.deepEqual(
    kept([file('nulls', '{"numRecords":3,"minValues":{},"maxValues":{},"nullCount":{"n":3}}')], {
      column: 'n',
      min: 0,
    }),
    [],
  )
})

test('integers beyond 2^53 are told apart by one', () => {
  const stats = (v: string): string =>
    `{"numRecords":1,"minValues":{"n":${v}},"maxValues":{"n":${v}},"nullCount":{"n":0}}`
  const files = [
    file('a', stats('9007199254740992')),
    file('b', stats('9007199254740993')),
    file('c', stats('9223372036854775807')),
  ]
  assert.deepEqual(kept(files, { column: 'n', min: 9_007_199_254_740_993n, max: 9_007_199_254_740_993n }), ['b'])
  assert.deepEqual(kept(files, { column: 'n', min: '9223372036854775807' }), ['c'])
})

test('decimals go by value, texts by their bytes', () => {
  const files = [
    file(
      'a',
      '{"numRecords":1,"minValues":{"d":-10.5,"s":"\uFFFD"},"maxValues":{"d":9.25,"s":"\uFFFD"},"nullCount":{}}',
    ),
    file(
      'b',
      '{"numRecords":1,"minValues":{"d":9.251,"s":"\u{1F600}"},"maxValues":{"d":100,"s":"\u{1F600}"},"nullCount":{}}',
    ),
  ]
  assert.deepEqual(kept(files, { column: 'd', max: '9.250' }), ['a'])
  assert.deepEqual(kept(files, { column: 'd', min: '9.251' }), ['b'])
  assert.deepEqual(kept(files, { column: 's', max: '\uFFFD' }), ['a'])
})

test('a greatest time that was cut to milliseconds hides no microsecond', () => {
  const stats =
    '{"numRecords":1,"minValues":{"t":"2024-01-01T00:00:00.000Z"},"maxValues":{"t":"2024-01-01T00:00:00.005Z"},"nullCount":{}}'
  assert.deepEqual(kept([file('a', stats)], { column: 't', min: '2024-01-01 00:00:00.005999' }), ['a'])
  assert.deepEqual(kept([file('a', stats)], { column: 't', min: '2024-01-01T00:00:00.006Z' }), [])
  assert.deepEqual(kept([file('a', stats)], { column: 't', max: '2024-01-01T01:00:00.000+02:00' }), [])
})

test('partition values decide alone', () => {
  const files = [
    file('a', null, { day: '2024-01-01' }),
    file('b', null, { day: '2024-01-02' }),
    file('c', null, { day: null }),
  ]
  assert.deepEqual(kept(files, { column: 'day', min: '2024-01-02' }), ['b'])
  assert.deepEqual(kept(files, { column: 'day', max: '2023-12-31' }), [])
})

test('no file with a wanted value is ever left out', () => {
  const values = fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { minLength: 1, maxLength: 5 })
  const bound = fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { nil: undefined })
  fc.assert(
    fc.property(fc.array(values, { maxLength: 6 }), bound, bound, (groups, min, max) => {
      const files = groups.map((group, i) => {
        const sorted = group.toSorted((a, b) => (a < b ? -1 : 1))
        return file(
          `${i}`,
          `{"numRecords":${group.length},"minValues":{"n":${sorted[0]}},"maxValues":{"n":${sorted.at(-1)}},"nullCount":{"n":0}}`,
        )
      })
      const range = { column: 'n', ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) }
      const found = new Set(kept(files, range))
      for (const [i, group] of groups.entries()) {
        const wanted = group.some((n) => (min === undefined || n >= min) && (max === undefined || n <= max))
        if (wanted) assert.ok(found.has(`${i}`))
      }
    }),
  )
})
