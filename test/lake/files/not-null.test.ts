import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openFilesystemStore } from '../../../src/adapters/filesystem/filesystem-store.ts'
import type { ColumnField } from '../../../src/domain/column-batch.ts'
import { addStagedFile, writeDataFile } from '../../../src/lake/data-file.ts'
import { keepNotNull } from '../../../src/lake/files/not-null.ts'
import { MemoryStore } from '../../conformance/memory-store.ts'
import { commit, entryLines, FIELDS, loggedFile, longs, openTable, PARTITIONS, step } from '../table-steps.ts'

const newId = (): string => '0b2ad5f0-94cf-4d5e-8f4e-1b0d4ab0fd5f'
const full = (...names: string[]): ColumnField[] =>
  FIELDS.map((field) => ({ ...field, nullable: !names.includes(field.name) }))
const refused = (column: string) => ({ code: 'COLUMN_NOT_NULL', message: new RegExp(`column ${column} `) })
const nullsOf = (count: number | null): string =>
  JSON.stringify({ numRecords: 3, ...(count === null ? {} : { nullCount: { n: count } }) })

test('a file of ours with a null in a column that takes none is not written', async () => {
  const write = (fields: readonly ColumnField[], values: readonly (number | null)[], day: string | null = 'd') => {
    const batch = longs(values.map((value) => value ?? 0))
    const validity = Uint8Array.from(values, (value) => (value === null ? 0 : 1))
    const batches = [{ ...batch, columns: [{ ...batch.columns[0]!, validity }] }]
    const store = new MemoryStore()
    const request = { store, batches, fields, partitionColumns: PARTITIONS, partitionValues: { day } }
    return writeDataFile({ ...request, unstated: new Set(), newId }).finally(() => (left = store.objects.size))
  }
  let left = 0
  await assert.rejects(write(full('n'), [1, null]), refused('n'))
  assert.equal(left, 0)
  await assert.rejects(write(full('day'), [1], null), refused('day'))
  await assert.rejects(write(full('day'), [1], ''), refused('day'))
  assert.equal(left, 0)
  await assert.rejects(write([...full(), { ...FIELDS[0]!, name: 'other', nullable: false }], [1]), refused('other'))
  assert.equal((await write(full('n', 'day'), [1, 2])).rows, 2)
  assert.equal((await write(full(), [1, null], null)).rows, 2)
})

test('nor is one that an engine staged, by its count of nulls', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'sluice-null-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  const store = openFilesystemStore(join(root, 'table'))
  const localFile = join(root, 'staged.parquet')
  await writeFile(localFile, 'bytes')
  const add = (fields: readonly ColumnField[], nulls: number, day: string | null) => {
    const staged = { localFile, partitionValues: { day }, bytes: 5, rows: 2, stats: [{ column: 'n', nulls }] }
    return addStagedFile({ store, staged, fields, partitionColumns: PARTITIONS, newId })
  }
  await assert.rejects(add(full('n'), 1, 'd'), refused('n'))
  await assert.rejects(add(full('day'), 0, null), refused('day'))
  assert.equal((await add(full('n', 'day'), 0, 'd')).rows, 2)
})

test('a commit of such a file is refused by its statistics, and leaves the table as it was', async () => {
  const store = new MemoryStore()
  const create = { fields: full('n', 'day'), partitionColumns: PARTITIONS, configuration: {} }
  const snapshot = await step(store, null, { create, adds: [loggedFile('f', { statsText: nullsOf(0) })] })
  const bring = (statsText: string | null, day: string | null = 'd') =>
    commit(store, snapshot, { adds: [loggedFile('g', { statsText, partitionValues: { day } })] })
  await assert.rejects(bring(nullsOf(1)), refused('n'))
  await assert.rejects(bring(nullsOf(0), null), refused('day'))
  assert.equal((await openTable(store)).version, 0)
  assert.equal((await bring(nullsOf(null))).kind, 'committed')
  const making = { create, adds: [loggedFile('f', { statsText: nullsOf(2) })] }
  await assert.rejects(commit(new MemoryStore(), null, making), refused('n'))
})

test('a column more leaves the NOT NULL of the others, and is itself one that takes nulls', async () => {
  const store = new MemoryStore()
  const create = { fields: full('n'), partitionColumns: PARTITIONS, configuration: {} }
  const snapshot = await step(store, null, { create })
  const wanted: ColumnField[] = [...full(), { name: 'more', type: { kind: 'string' }, nullable: true }]
  const fields = keepNotNull('t', snapshot.metadata.fields, wanted)
  await step(store, snapshot, { metadata: { fields } })
  const { metaData } = (await entryLines(store, 1)).find((line) => line['metaData'] !== undefined)!
  const schema = JSON.parse(String(metaData!['schemaString'])) as { fields: { name: string; nullable: boolean }[] }
  assert.deepEqual(
    schema.fields.map(({ name, nullable }) => [name, nullable]),
    [
      ['n', false],
      ['day', true],
      ['more', true],
    ],
  )
})

test('what takes no nulls inside a column is refused by name where nobody could count them', () => {
  const inside: ColumnField = { name: 'x', type: { kind: 'int32' }, nullable: false }
  const nested = (type: ColumnField['type']): ColumnField[] => [{ name: 's', type, nullable: true }]
  for (const type of [
    { kind: 'struct', fields: [inside] },
    { kind: 'list', element: { kind: 'int32' }, elementNullable: false },
    { kind: 'map', value: { kind: 'struct', fields: [inside] }, valueNullable: true },
  ] as const) {
    assert.throws(() => keepNotNull('t', nested(type), nested(type)), {
      code: 'TABLE_UNSUPPORTED',
      message: /column s /,
    })
  }
  const free = nested({ kind: 'list', element: { kind: 'int32' }, elementNullable: true })
  assert.deepEqual(keepNotNull('t', free, free), free)
})
