import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ColumnField, ColumnType } from '../../../src/domain/column-batch.ts'
import { fits, planFields } from '../../../src/ingest/rows/table-fields.ts'

const field = (name: string, type: ColumnType): ColumnField => ({ name, type, nullable: true })
const int32: ColumnType = { kind: 'int32' }
const int64: ColumnType = { kind: 'int64' }
const text: ColumnType = { kind: 'string' }

describe('planFields', () => {
  it('leaves a table as it is where rows bring nothing new', () => {
    const table = [field('a', int32), field('b', text)]
    assert.deepEqual(planFields(table, [field('b', text)]), { kind: 'same', fields: table })
  })
  it('adds new columns at the end, nullable', () => {
    const plan = planFields([field('a', int32)], [{ ...field('c', text), nullable: false }, field('a', int32)])
    assert.deepEqual(plan, { kind: 'add', fields: [field('a', int32), field('c', text)], added: ['c'] })
  })
  it('rows of a narrower type land in a wider column without touching the table', () => {
    assert.equal(planFields([field('a', int64)], [field('a', int32)]).kind, 'same')
  })
  it('a wider type rewrites the table', () => {
    assert.deepEqual(planFields([field('a', int32)], [field('a', int64)]), {
      kind: 'widen',
      fields: [field('a', int64)],
      widened: ['a'],
    })
  })
  it('types that do not fit either way are a conflict, and so are names that differ in case only', () => {
    assert.equal(planFields([field('a', text)], [field('a', int64)]).kind, 'conflict')
    assert.equal(planFields([field('a', int64)], [field('A', int64)]).kind, 'conflict')
  })
})

describe('fits', () => {
  const decimal = (precision: number, scale: number): ColumnType => ({ kind: 'decimal', precision, scale })
  const cases: [ColumnType, ColumnType, boolean][] = [
    [int32, int64, true],
    [int64, int32, false],
    [int64, { kind: 'float64' }, false],
    [int32, { kind: 'float64' }, true],
    [{ kind: 'float32' }, { kind: 'float64' }, true],
    [decimal(10, 2), decimal(12, 4), true],
    [decimal(10, 2), decimal(12, 5), false],
    [int32, decimal(10, 0), true],
    [int32, decimal(10, 1), false],
    [int64, decimal(19, 0), true],
  ]
  for (const [from, to, fit] of cases) {
    it(`${JSON.stringify(from)} ${fit ? 'fits' : 'does not fit'} ${JSON.stringify(to)}`, () =>
      assert.equal(fits(from, to), fit))
  }
})
