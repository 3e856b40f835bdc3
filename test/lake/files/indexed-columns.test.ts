import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ColumnField } from '../../../src/domain/column-batch.ts'
import { writeDataFile } from '../../../src/lake/data-file.ts'
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

test('of a wide table the first 32 stand in the log where it says nothing, or nothing that could be meant; more, all or others on request', async () => {
  const wide = [field('day', { kind: 'string' }), fields[2]!, ...Array.from({ length: 68 }, (_, i) => field(`c${i}`))]
  const all = { s: { x: 1, y: 2 }, ...Object.fromEntries(Array.from({ length: 68 }, (_, i) => [`c${i}`, i])) }
  const firsts = (count: number): unknown => Object.fromEntries(Object.entries(all).slice(0, count - 1))
  const state = async (configuration: Record<string, string>): Promise<string | null> => {
    const store = new MemoryStore()
    const create = { fields: wide, partitionColumns: ['day'], configuration }
    await step(store, null, { create, adds: [loggedFile('f', { statsText: stats(all) })] })
    const { files } = await openTable(store)
    assert.equal(files.get('f')!.rows, 1)
    return files.get('f')!.statsText
  }
  const counted = (count: string): Promise<string | null> => state({ 'delta.dataSkippingNumIndexedCols': count })
  assert.equal(await state({}), stats(firsts(32)))
  for (const none of ['', 'many', '-2', '1.5', '0x40']) assert.equal(await counted(none), stats(firsts(32)), none)
  assert.equal(await counted('40'), stats(firsts(40)))
  assert.equal(await counted('69'), stats(firsts(69)))
  for (const every of ['-1', '70', '5000']) assert.equal(await counted(every), stats(all))
  assert.equal(await counted('0'), stats({}))
  assert.equal(await state({ 'delta.dataSkippingStatsColumns': 'c66,s.y' }), stats({ s: { y: 2 }, c66: 66 }))
})

test('a file of ours in a wide table states what the property asks for, from its first row to the log', async () => {
  const wide = Array.from({ length: 50 }, (_, i) => field(`c${i}`))
  const column = {
    type: INT,
    length: 2,
    validity: null,
    values: { layout: 'int32', data: Int32Array.of(1, 2) },
  } as const
  const batches = [{ length: 2, fields: wide, columns: wide.map(() => column) }]
  for (const [count, stated] of [
    ['45', 45],
    ['-1', 50],
    ['32', 32],
  ] as const) {
    const store = new MemoryStore()
    const shape = { store, fields: wide, partitionColumns: [], newId: () => 'f' }
    const file = await writeDataFile({ ...shape, batches, partitionValues: {}, unstated: new Set() })
    const create = { fields: wide, partitionColumns: [], configuration: { 'delta.dataSkippingNumIndexedCols': count } }
    const { files } = await step(store, null, { create, adds: [file] })
    const { min, max, nulls } = [...files.values()][0]!.stats!
    for (const each of [min, max, nulls]) assert.equal(Object.keys(each).length, stated)
    assert.deepEqual([min[`c${stated - 1}`], max[`c${stated - 1}`], min[`c${stated}`]], [1, 2, undefined])
  }
})
