import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createEncoder } from '../../src/contract/encode.ts'
import { createJudge } from '../../src/contract/judge.ts'
import { columnValues } from './column-values.ts'
import { avro, batchOf } from './judged.ts'

/** One judge is asked about one batch after another, as ingest does: what it held of one must not touch the next. */

const SCHEMA = avro([
  { name: 'id', type: 'string' },
  { name: 'n', type: 'int', constraints: { minimum: 0 } },
])

interface Sizes {
  /** Records of the batch. */
  readonly rows: number
  /** How many of them in a row have one id. */
  readonly alike: number
  /** Every so many records one breaks a rule; 0 for none. */
  readonly badEvery: number
}

function assertWhole(batches: readonly Sizes[]): void {
  const encoder = createEncoder(SCHEMA)
  const judge = createJudge({ schema: SCHEMA, mode: 'rescue', keyColumns: [] })
  batches.forEach(({ rows, alike, badEvery }, place) => {
    const isBad = (i: number): boolean => badEvery > 0 && i % badEvery === badEvery - 1
    const ids = Array.from({ length: rows }, (_, i) => `batch ${place} id ${Math.floor(i / alike)}`)
    const records = ids.map((id, i) => {
      const encoded = encoder.encode(['id', 'n'], [id, isBad(i) ? -1 : i], false)
      assert.ok(encoded.kind === 'encoded')
      return { value: encoded.bytes }
    })
    const { columns, refusals } = judge.judge(batchOf(records), new Map([[SCHEMA.id, SCHEMA]]))
    assert.deepEqual(
      columnValues(columns.columns[0]!),
      ids.filter((_, i) => !isBad(i)),
    )
    assert.equal(refusals.length, ids.filter((_, i) => isBad(i)).length)
  })
}

describe('one judge over many batches', () => {
  it('gives every value of a column that stops repeating in the middle of a batch', () => {
    assertWhole([
      { rows: 70, alike: 4, badEvery: 0 },
      { rows: 100, alike: 1, badEvery: 0 },
    ])
  })

  it('gives every value, whatever the sizes of the batches, what repeats, and what is refused', () => {
    const size = fc.record({
      rows: fc.integer({ min: 1, max: 300 }),
      alike: fc.integer({ min: 1, max: 6 }),
      badEvery: fc.constantFrom(0, 0, 7, 40),
    })
    fc.assert(fc.property(fc.array(size, { minLength: 1, maxLength: 6 }), assertWhole), { numRuns: 150 })
  })
})
