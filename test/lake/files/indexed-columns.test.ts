import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ColumnField } from '../../../src/domain/column-batch.ts'
import { MemoryStore } from '../../conformance/memory-store.ts'
import { loggedFile, openTable, step } from '../table-steps.ts'

const INT = { kind: 'int32' } as const
const field = (name: string, type: ColumnField['type'] = INT): ColumnField => ({ name, type, nullable: true })
const fields = [
  field('a'),
  field('day', { kind: 'string' }),
  field('s', { kind: 'struct', fields: [field('x'), field('y')] }),
  field('b.c'),
]
const values = { a: 9007199254740993n, s: { x: 1, y: 2 }, 'b.c': 3 }
const exact = (value: unknown): string =>
  JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? `#${item}#` : item)).replaceAll(/"#|#"/g, '')
const stats = (kept: unknown): string => exact({ numRecords: 1, minValues: kept, maxValues: kept, nullCount: kept })

async function committed(configuration: Record<string, string>): Promise<string | null> {
  const store = new MemoryStore()
  const create = { fields, partitionColumns: ['day'], configuration }
  await step(store, null, {
    create,
    adds: [loggedFile('f', { statsText: stats(values) }), loggedFile('g', { statsText: null })],
  })
  const { files } = await openTable(store)
  assert.equal(files.get('g')!.statsText, null)
  return files.get('f')!.statsText
}

test('a commit states statistics of the columns that the table asks for, digit for digit', async () => {
  const counted = (count: string): Promise<string | null> => committed({ 'delta.dataSkippingNumIndexedCols': count })
  assert.equal(await committed({}), stats(values))
  assert.equal(await counted('-1'), stats(values))
  assert.equal(await counted('0'), stats({}))
  assert.equal(await counted('1'), stats({ a: values.a }))
  assert.equal(await counted('2'), stats({ a: values.a, s: { x: 1 } }))
  assert.equal(await counted('many'), stats(values))
  const listed = (columns: string): Promise<string | null> =>
    committed({ 'delta.dataSkippingStatsColumns': columns, 'delta.dataSkippingNumIndexedCols': '0' })
  assert.equal(await listed('a, s.y'), stats({ a: values.a, s: { y: 2 } }))
  assert.equal(await listed('s,`b.c`'), stats({ s: { x: 1, y: 2 }, 'b.c': 3 }))
  assert.equal(await listed('none, b.c'), stats({}))
})
