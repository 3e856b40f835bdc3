import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ColumnField } from '../../../src/domain/column-batch.ts'
import { foreseenEffect, skippingEffect, unboundedColumns } from '../../../src/operate/optimize/skipping-effect.ts'
import { boundedFile, loggedFile } from './logged-files.ts'

const FIELDS: readonly ColumnField[] = [
  { name: 'x', type: { kind: 'int32' }, nullable: true },
  { name: 'y', type: { kind: 'string' }, nullable: true },
]
const table = { fields: FIELDS, partitionColumns: [] }
/** 20 rows, x from 0 to 19 and y from a to t. */
const sample = Array.from({ length: 20 }, (_, i) => ({ x: i, y: String.fromCharCode(97 + i) }))
const all = boundedFile('all', { min: { x: 0, y: 'a' }, max: { x: 19, y: 't' } }, 100)
const low = boundedFile('low', { min: { x: 0, y: 'a' }, max: { x: 9, y: 'j' } }, 60)
const high = boundedFile('high', { min: { x: 10, y: 'k' }, max: { x: 19, y: 't' } }, 40)

test('a point reads the files that may hold it, a range those that it touches, both on average over the sample', () => {
  const effects = skippingEffect({
    table,
    before: [all, { ...all, path: 'b' }],
    after: [low, high],
    columns: ['x', 'y'],
    sample,
  })
  assert.deepEqual(effects, [
    { query: 'point', columns: ['x'], filesBefore: 2, filesAfter: 1, bytesBefore: 200, bytesAfter: 50 },
    // 0–1, 1–3, 3–5, 5–7, 7–9 in the one, 9–11 in both, 11–13, 13–15, 15–17, 17–19 in the other: (6 × 60 + 5 × 40) / 10
    { query: 'range', columns: ['x'], filesBefore: 2, filesAfter: 1.1, bytesBefore: 200, bytesAfter: 56 },
    { query: 'point', columns: ['y'], filesBefore: 2, filesAfter: 1, bytesBefore: 200, bytesAfter: 50 },
    { query: 'range', columns: ['y'], filesBefore: 2, filesAfter: 1.1, bytesBefore: 200, bytesAfter: 56 },
    { query: 'point', columns: ['x', 'y'], filesBefore: 2, filesAfter: 1, bytesBefore: 200, bytesAfter: 50 },
  ])
})

test('without a sampled row nothing is claimed; a null is no point', () => {
  assert.deepEqual(skippingEffect({ table, before: [all], after: [low], columns: ['x'], sample: [] }), [])
  assert.deepEqual(skippingEffect({ table, before: [all], after: [low], columns: ['x'], sample: [{ x: null }] }), [])
})

test('a column without bounds in some file is told, one whose values are all null is not', () => {
  const nulls = boundedFile('nulls', { rows: 3, nulls: { x: 3 } })
  assert.deepEqual(unboundedColumns([low, nulls], ['x', 'y']), ['y'])
  assert.deepEqual(unboundedColumns([low, loggedFile({ path: 'bare' })], ['x']), ['x'])
})

test('before anything is written, tiles are reckoned with: of four files a point by one of two columns reads two', () => {
  const files = [all, { ...all, path: 'b' }]
  const rewrite = { partition: '', partitionValues: {}, files, bytes: 200 }
  const request = { table, files: [...files, low], rewrites: [rewrite], columns: ['x', 'y'], sample, targetBytes: 50 }
  const [pointX, rangeX, , , both] = foreseenEffect(request)
  // Of the file that stays, which holds the lower half of the rows, a half on average.
  assert.deepEqual([pointX!.filesBefore, pointX!.filesAfter, pointX!.bytesAfter], [2.5, 2.5, 130])
  assert.ok(Math.abs(rangeX!.filesAfter - (0.6 + 4 * 0.6)) < 1e-9)
  assert.deepEqual([both!.filesAfter, both!.bytesAfter], [1.5, 80])
})
