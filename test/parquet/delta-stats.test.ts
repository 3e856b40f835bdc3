import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { ColumnType } from '../../src/domain/column-batch.ts'
import { writeParquet } from '../../src/parquet/write-parquet.ts'
import { batchOf } from './build-columns.ts'
import type { Cell } from './build-columns.ts'

function statsOf(type: ColumnType, cells: readonly Cell[]) {
  const fields = [{ name: 'c', type, nullable: true }]
  const { stats } = writeParquet({
    fields,
    batches: [
      batchOf(
        fields,
        cells.map((cell) => [cell]),
      ),
    ],
  })
  assert.equal(stats.length, 1)
  const { column, ...rest } = stats[0]!
  assert.equal(column, 'c')
  return rest
}

describe('statistics for Delta are never narrower than the data', () => {
  test('a timestamp is floored to milliseconds below and rounded up above', () => {
    const timestamp: ColumnType = { kind: 'timestamp' }
    assert.deepEqual(statsOf(timestamp, [1_294_135_200_000_001n, null]), {
      nulls: 1,
      min: '2011-01-04T10:00:00.000Z',
      max: '2011-01-04T10:00:00.001Z',
    })
    assert.deepEqual(statsOf(timestamp, [1_294_135_200_000_000n]), {
      nulls: 0,
      min: '2011-01-04T10:00:00.000Z',
      max: '2011-01-04T10:00:00.000Z',
    })
    assert.deepEqual(statsOf(timestamp, [-1n]), {
      nulls: 0,
      min: '1969-12-31T23:59:59.999Z',
      max: '1970-01-01T00:00:00.000Z',
    })
  })

  test('a time past the years of four digits is left out', () => {
    assert.deepEqual(statsOf({ kind: 'timestamp' }, [-(2n ** 63n), 2n ** 63n - 1n]), { nulls: 0 })
    assert.deepEqual(statsOf({ kind: 'timestamp' }, [253_402_300_799_999_999n]), {
      nulls: 0,
      min: '9999-12-31T23:59:59.999Z',
    })
    assert.deepEqual(statsOf({ kind: 'date' }, [-719_162, 2_932_896]), {
      nulls: 0,
      min: '0001-01-01',
      max: '9999-12-31',
    })
    assert.deepEqual(statsOf({ kind: 'date' }, [-719_163, 2_932_897]), { nulls: 0 })
  })

  test('a number that JSON cannot state exactly is left out', () => {
    const decimal = (precision: number, scale: number): ColumnType => ({ kind: 'decimal', precision, scale })
    assert.deepEqual(statsOf({ kind: 'int64' }, [-(2n ** 53n) + 1n, 2n ** 53n]), { nulls: 0, min: -9007199254740991 })
    assert.deepEqual(statsOf(decimal(12, 3), [-1n, 1230n]), { nulls: 0, min: -0.001, max: 1.23 })
    assert.deepEqual(statsOf(decimal(38, 20), [1n, 10n ** 37n]), { nulls: 0, max: 100000000000000000 })
    assert.deepEqual(statsOf(decimal(18, 0), [123_456_789_012_345_678n]), { nulls: 0 })
    assert.deepEqual(statsOf(decimal(18, 18), [-123_456_789_012_345_678n, 5n * 10n ** 17n]), { nulls: 0, max: 0.5 })
    assert.deepEqual(statsOf({ kind: 'float64' }, [-Infinity, 1.5]), { nulls: 0, max: 1.5 })
  })

  test('with NaN among the values no bound is stated, for engines order NaN above all', () => {
    assert.deepEqual(statsOf({ kind: 'float64' }, [1, NaN]), { nulls: 0 })
    assert.deepEqual(statsOf({ kind: 'float32' }, [NaN, NaN]), { nulls: 0 })
  })

  test('a long text is cut at 32 code points, and raised above', () => {
    const string: ColumnType = { kind: 'string' }
    assert.deepEqual(statsOf(string, ['b'.repeat(40), 'a'.repeat(40)]), {
      nulls: 0,
      min: 'a'.repeat(32),
      max: `${'b'.repeat(31)}c`,
    })
    // Code points, not UTF-16 units, and never half a surrogate pair.
    assert.deepEqual(statsOf(string, ['\u{1f600}'.repeat(33)]), {
      nulls: 0,
      min: '\u{1f600}'.repeat(32),
      max: `${'\u{1f600}'.repeat(31)}\u{1f601}`,
    })
    assert.equal(statsOf(string, ['\u{1f600}'.repeat(32)]).max, '\u{1f600}'.repeat(32))
    assert.equal(statsOf(string, [`${'a'.repeat(31)}\ud7ffx`]).max, `${'a'.repeat(31)}\ue000`)
    assert.equal(statsOf(string, [`${'a'.repeat(31)}\u{10ffff}x`]).max, `${'a'.repeat(30)}b`)
    assert.equal('max' in statsOf(string, ['\u{10ffff}'.repeat(33)]), false)
  })

  test('any text lies within the bounds, in the order of code points', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 50 }), { minLength: 1 }), (texts) => {
        const { min, max } = statsOf({ kind: 'string' }, texts)
        const bytes = (text: string): Buffer => Buffer.from(text, 'utf8')
        for (const text of texts) {
          assert.ok(Buffer.compare(bytes(min as string), bytes(text)) <= 0)
          if (max !== undefined) assert.ok(Buffer.compare(bytes(text), bytes(max as string)) <= 0)
        }
      }),
    )
  })

  test('any times lie within the bounds', () => {
    fc.assert(
      fc.property(
        fc.array(fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_000n }), { minLength: 1 }),
        (times) => {
          const { min, max } = statsOf({ kind: 'timestamp' }, times)
          for (const time of times) {
            assert.ok(BigInt(Date.parse(min as string)) * 1000n <= time)
            assert.ok(time <= BigInt(Date.parse(max as string)) * 1000n)
          }
        },
      ),
    )
  })

  test('types without an order in Delta state their nulls alone; structs nothing', () => {
    assert.deepEqual(statsOf({ kind: 'boolean' }, [true, null]), { nulls: 1 })
    assert.deepEqual(statsOf({ kind: 'binary' }, [Uint8Array.of(1), null]), { nulls: 1 })
    const list: ColumnType = { kind: 'list', element: { kind: 'int32' }, elementNullable: true }
    assert.deepEqual(statsOf(list, [[1], null, [], [null]]), { nulls: 1 })
    const fields = [
      {
        name: 's',
        type: { kind: 'struct', fields: [{ name: 'a', type: { kind: 'int32' }, nullable: true }] },
        nullable: true,
      },
    ] as const
    assert.deepEqual(writeParquet({ fields, batches: [batchOf(fields, [[null], [{ a: 1 }]])] }).stats, [])
  })

  test('bounds hold over all row groups', () => {
    const fields = [{ name: 'c', type: { kind: 'string' }, nullable: true }] as const
    const batches = [batchOf(fields, [['m'], ['z']]), batchOf(fields, [['a'], [null]]), batchOf(fields, [[null]])]
    assert.deepEqual(writeParquet({ fields, batches, rowGroupRows: 1 }).stats, [
      { column: 'c', nulls: 2, min: 'a', max: 'z' },
    ])
  })
})
