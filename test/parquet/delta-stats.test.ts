import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { ColumnField, ColumnType } from '../../src/domain/column-batch.ts'
import { writeParquet } from '../../src/parquet/write-parquet.ts'
import { batchOf } from './build-columns.ts'
import type { Cell } from './build-columns.ts'
import { randomTable } from './random-columns.ts'

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

  test('a number that a double would round is stated by its digits; infinities are left out', () => {
    const decimal = (precision: number, scale: number): ColumnType => ({ kind: 'decimal', precision, scale })
    assert.deepEqual(statsOf({ kind: 'int64' }, [-(2n ** 63n), 2n ** 53n + 1n]), {
      nulls: 0,
      min: '-9223372036854775808',
      max: '9007199254740993',
    })
    assert.deepEqual(statsOf(decimal(12, 3), [-1n, 1230n]), { nulls: 0, min: -0.001, max: 1.23 })
    assert.deepEqual(statsOf(decimal(38, 20), [1n, 10n ** 37n]), {
      nulls: 0,
      min: '0.00000000000000000001',
      max: 100000000000000000,
    })
    const digits = '123456789012345678'
    assert.deepEqual(statsOf(decimal(18, 0), [BigInt(digits)]), { nulls: 0, min: digits, max: digits })
    assert.deepEqual(statsOf(decimal(18, 18), [-BigInt(digits), 5n * 10n ** 17n]), {
      nulls: 0,
      min: `-0.${digits}`,
      max: 0.5,
    })
    assert.deepEqual(statsOf({ kind: 'float64' }, [-Infinity, 1.5]), { nulls: 0, max: 1.5 })
  })

  test('a boolean is bounded too', () => {
    const flag: ColumnType = { kind: 'boolean' }
    assert.deepEqual(statsOf(flag, [true, null, false]), { nulls: 1, min: false, max: true })
    assert.deepEqual(statsOf(flag, [true, true]), { nulls: 0, min: true, max: true })
    assert.deepEqual(statsOf(flag, [null]), { nulls: 1 })
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

  test('types without an order in Delta state their nulls alone', () => {
    assert.deepEqual(statsOf({ kind: 'binary' }, [Uint8Array.of(1), null]), { nulls: 1 })
    const list: ColumnType = { kind: 'list', element: { kind: 'int32' }, elementNullable: true }
    assert.deepEqual(statsOf(list, [[1], null, [], [null]]), { nulls: 1 })
    const map: ColumnType = { kind: 'map', value: { kind: 'int32' }, valueNullable: true }
    assert.deepEqual(statsOf(map, [new Map([['a', 1]]), null, new Map(), null]), { nulls: 2 })
  })

  test('each field inside structs has its own; a null struct is a null of all of them', () => {
    const inner: ColumnField[] = [
      { name: 'a', type: { kind: 'int32' }, nullable: true },
      { name: 'l', type: { kind: 'list', element: { kind: 'string' }, elementNullable: true }, nullable: true },
      {
        name: 's',
        type: { kind: 'struct', fields: [{ name: 't', type: { kind: 'string' }, nullable: false }] },
        nullable: true,
      },
    ]
    const fields: ColumnField[] = [
      { name: 's', type: { kind: 'struct', fields: inner }, nullable: true },
      { name: 'n', type: { kind: 'int64' }, nullable: true },
    ]
    const rows: Cell[][] = [
      [null, 1n],
      [{ a: 5, l: ['x', null], s: { t: 'm' } }, null],
      [{ a: null, l: null, s: { t: 'z' } }, 3n],
      [{ a: -2, l: [], s: null }, 2n],
    ]
    const { stats } = writeParquet({ fields, batches: [batchOf(fields, rows)] })
    assert.deepEqual(stats, [
      { column: 's', inside: ['a'], nulls: 2, min: -2, max: 5 },
      { column: 's', inside: ['l'], nulls: 2 },
      { column: 's', inside: ['s', 't'], nulls: 2, min: 'm', max: 'z' },
      { column: 'n', nulls: 1, min: 1, max: 3 },
    ])
  })

  test('agree with a scan for any columns and rows', () => {
    fc.assert(
      fc.property(randomTable, ({ fields, rows }) => {
        const { stats } = writeParquet({ fields, batches: [batchOf(fields, rows)] })
        const nulls = new Map<string, number>()
        const count = ({ name, type }: ColumnField, above: readonly string[], cells: readonly Cell[]): void => {
          const path = [...above, name]
          if (type.kind !== 'struct') nulls.set(path.join('.'), cells.filter((cell) => cell === null).length)
          else
            for (const field of type.fields)
              count(
                field,
                path,
                cells.map((cell) => (cell as Record<string, Cell> | null)?.[field.name] ?? null),
              )
        }
        for (const [i, field] of fields.entries())
          count(
            field,
            [],
            rows.map((row) => row[i]!),
          )
        assert.deepEqual(
          new Map(stats.map(({ column, inside = [], nulls: counted }) => [[column, ...inside].join('.'), counted])),
          nulls,
        )
      }),
    )
  })

  test('bounds hold over all row groups', () => {
    const fields = [{ name: 'c', type: { kind: 'string' }, nullable: true }] as const
    const batches = [batchOf(fields, [['m'], ['z']]), batchOf(fields, [['a'], [null]]), batchOf(fields, [[null]])]
    assert.deepEqual(writeParquet({ fields, batches, rowGroupRows: 1 }).stats, [
      { column: 'c', nulls: 2, min: 'a', max: 'z' },
    ])
  })
})
