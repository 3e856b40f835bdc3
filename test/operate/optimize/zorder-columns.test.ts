import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ColumnField } from '../../../src/domain/column-batch.ts'
import { zorderColumns } from '../../../src/operate/optimize/zorder-columns.ts'

const FIELDS: readonly ColumnField[] = [
  { name: 'id', type: { kind: 'int64' }, nullable: true },
  { name: 'day', type: { kind: 'date' }, nullable: true },
  { name: 'flag', type: { kind: 'boolean' }, nullable: true },
  { name: 'tags', type: { kind: 'list', element: { kind: 'string' }, elementNullable: true }, nullable: true },
]
const ask = (...columns: string[]) =>
  zorderColumns(columns, { name: 'silver.orders', fields: FIELDS, partitionColumns: ['day'] })

test('a partition column is left out, with a notice', () => {
  assert.deepEqual(ask('day', 'id'), {
    columns: ['id'],
    notices: ['day is left out: silver.orders is partitioned by it'],
  })
})

for (const [columns, message] of [
  [['ids'], /no column "ids"; did you mean id/],
  [['id', 'id'], /id is named twice/],
  [['tags'], /tags is nested/],
  [['flag'], /flag is boolean/],
  [['day'], /no column is left/],
  [[''], /no column ""/],
] as const) {
  test(`--zorder ${columns.join(',')} is refused by name`, () => {
    assert.throws(() => ask(...columns), { name: 'SluiceError', code: 'USAGE', message })
  })
}
