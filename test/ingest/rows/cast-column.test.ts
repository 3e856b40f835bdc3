import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Column, ColumnBatch, ColumnType } from '../../../src/domain/column-batch.ts'
import { castBatch } from '../../../src/ingest/rows/cast-column.ts'
import { fits } from '../../../src/ingest/rows/table-fields.ts'
import { columnValues } from '../../contract/column-values.ts'

const decimal = (precision: number, scale: number): ColumnType => ({ kind: 'decimal', precision, scale })
const batchOf = (column: Column): ColumnBatch => ({
  length: column.length,
  fields: [{ name: 'n', type: column.type, nullable: true }],
  columns: [column],
})
const cast = (column: Column, type: ColumnType): unknown[] =>
  columnValues(castBatch(batchOf(column), [{ name: 'n', type, nullable: true }]).columns[0]!)

function ints(values: readonly number[], validity: Uint8Array | null = null): Column {
  return {
    type: { kind: 'int32' },
    length: values.length,
    validity,
    values: { layout: 'int32', data: Int32Array.from(values) },
  }
}
function longs(values: readonly bigint[], type: ColumnType = { kind: 'int64' }): Column {
  return { type, length: values.length, validity: null, values: { layout: 'int64', data: BigInt64Array.from(values) } }
}

describe('castBatch', () => {
  it("leaves alone what has the table's type, and what the table lacks", () => {
    const column = ints([1, 2])
    assert.equal(
      castBatch(batchOf(column), [{ name: 'n', type: { kind: 'int32' }, nullable: true }]).columns[0],
      column,
    )
    assert.equal(castBatch(batchOf(column), []).columns[0], column)
  })

  it('a column of one value stays one, cast once', () => {
    const validity = Uint8Array.of(1, 0, 1)
    const type: ColumnType = { kind: 'int32' }
    const column: Column = { type, length: 3, validity, values: { layout: 'constant', entry: ints([-7]) } }
    const wide = castBatch(batchOf(column), [{ name: 'n', type: { kind: 'int64' }, nullable: true }]).columns[0]!
    assert.equal(wide.values.layout, 'constant')
    assert.deepEqual(cast(column, { kind: 'int64' }), [-7n, null, -7n])
    assert.deepEqual(cast(column, decimal(12, 1)), [-70n, null, -70n])
  })

  it('int to long, double and decimal, exact at the ends, nulls kept', () => {
    const ends = [-(2 ** 31), 0, 2 ** 31 - 1]
    assert.deepEqual(cast(ints(ends), { kind: 'int64' }), ends.map(BigInt))
    assert.deepEqual(cast(ints(ends), { kind: 'float64' }), ends)
    assert.deepEqual(
      cast(ints(ends), decimal(12, 2)),
      ends.map((n) => BigInt(n) * 100n),
    )
    assert.deepEqual(cast(ints([7, 0, 9], Uint8Array.of(1, 0, 1)), { kind: 'int64' }), [7n, null, 9n])
  })

  it('float to double keeps the value', () => {
    const data = Float32Array.of(1.5, -0.1, Number.NaN)
    const column: Column = { type: { kind: 'float32' }, length: 3, validity: null, values: { layout: 'float32', data } }
    assert.deepEqual(cast(column, { kind: 'float64' }), [1.5, Math.fround(-0.1), Number.NaN])
  })

  it('long to decimal(38), exact at the ends', () => {
    const ends = [-(2n ** 63n), -1n, 0n, 2n ** 63n - 1n]
    assert.deepEqual(
      cast(longs(ends), decimal(38, 10)),
      ends.map((n) => n * 10n ** 10n),
    )
  })

  it('decimals to wider ones keep their value, over the border between 64 and 128 bits', () => {
    const digits = fc.integer({ min: 1, max: 30 })
    fc.assert(
      fc.property(
        digits,
        digits,
        fc.nat(8),
        fc.nat(8),
        fc.array(fc.bigInt({ min: -(10n ** 29n), max: 10n ** 29n })),
        (precision, scale, moreDigits, moreScale, numbers) => {
          const from = decimal(precision, Math.min(scale, precision))
          const to = decimal(
            precision + moreDigits + moreScale > 38 ? 38 : precision + moreDigits + moreScale,
            Math.min(scale, precision) + moreScale,
          )
          if (from.kind !== 'decimal' || to.kind !== 'decimal' || !fits(from, to)) return
          const values = numbers.map((n) => n % 10n ** BigInt(from.precision))
          const narrow = from.precision <= 18 ? longs(values, from) : wide(values, from)
          assert.deepEqual(
            cast(narrow, to),
            values.map((n) => n * 10n ** BigInt(to.scale - from.scale)),
          )
        },
      ),
    )
  })

  it('what does not fit throws and is never bent', () => {
    assert.throws(() => cast(longs([1n]), { kind: 'int32' }), TypeError)
    assert.throws(() => cast(ints([1]), { kind: 'string' }), TypeError)
  })
})

function wide(values: readonly bigint[], type: ColumnType): Column {
  const data = new Uint8Array(values.length * 16)
  values.forEach((value, row) => {
    const hex = BigInt.asUintN(128, value).toString(16).padStart(32, '0')
    data.set(Buffer.from(hex, 'hex'), row * 16)
  })
  return { type, length: values.length, validity: null, values: { layout: 'decimal128', data } }
}
