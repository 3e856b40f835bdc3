import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Column, ColumnField, ColumnType, ColumnValues } from '../../../src/domain/column-batch.ts'
import { structStats } from '../../../src/lake/checkpoint/stats-struct.ts'
import { writeLogJson } from '../../../src/lake/log/log-json.ts'

function column(type: ColumnType, values: ColumnValues, validity: Uint8Array | null = null): Column {
  return { type, length: 2, validity, values }
}

function struct(children: Readonly<Record<string, Column>>): Column {
  const fields = Object.entries(children).map(([name, { type }]): ColumnField => ({ name, type, nullable: true }))
  return column({ kind: 'struct', fields }, { layout: 'struct', children: Object.values(children) })
}

const longs = (...values: bigint[]): ColumnValues => ({ layout: 'int64', data: BigInt64Array.from(values) })

test('statistics that a checkpoint states as a struct have the texts that a log states: decimals scaled, days and times as such', () => {
  const bounds = struct({
    amount: column({ kind: 'decimal', precision: 12, scale: 2 }, longs(-5n, 1_234_567_890_12n)),
    day: column({ kind: 'date' }, { layout: 'int32', data: Int32Array.from([-1, 20_454]) }),
    at: column({ kind: 'timestamp' }, longs(-1n, 1_767_225_600_000_001n)),
    n: column({ kind: 'int64' }, longs(-(2n ** 63n), 2n ** 63n - 1n)),
    f: column({ kind: 'float64' }, { layout: 'float64', data: Float64Array.from([Number.NaN, 0.5]) }),
    ok: column({ kind: 'boolean' }, { layout: 'bool', data: Uint8Array.from([0, 1]) }, Uint8Array.from([0, 1])),
    deep: struct({ q: column({ kind: 'int32' }, { layout: 'int32', data: Int32Array.from([7, 8]) }) }),
  })
  const rows = column({ kind: 'int64' }, longs(3n, 4n))
  const read = structStats(struct({ numRecords: rows, minValues: bounds, nullCount: struct({ n: rows }) }))
  assert.deepEqual(
    [0, 1].map((row) => writeLogJson(read(row))),
    [
      '{"numRecords":3,"minValues":{"amount":-0.05,"day":"1969-12-31","at":"1969-12-31T23:59:59.999999Z","n":-9223372036854775808,"deep":{"q":7}},"nullCount":{"n":3}}',
      '{"numRecords":4,"minValues":{"amount":1234567890.12,"day":"2026-01-01","at":"2026-01-01T00:00:00.000001Z","n":9223372036854775807,"f":0.5,"ok":true,"deep":{"q":8}},"nullCount":{"n":4}}',
    ],
  )
})
