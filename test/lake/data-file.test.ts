import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ColumnField } from '../../src/domain/column-batch.ts'
import { openFilesystemStore } from '../../src/adapters/filesystem/filesystem-store.ts'
import { addStagedFile, writeDataFile } from '../../src/lake/data-file.ts'
import { formatStats } from '../../src/lake/files/file-stats.ts'
import { storePath } from '../../src/lake/log/file-key.ts'
import { readParquetColumns } from '../parquet/whole-file.ts'
import { MemoryStore } from '../conformance/memory-store.ts'
import { dataFile, FIELDS, longs, PARTITIONS } from './table-steps.ts'

const newId = (): string => '0b2ad5f0-94cf-4d5e-8f4e-1b0d4ab0fd5f'

test('rows are in the store before the call returns, without the partition columns', async () => {
  const store = new MemoryStore()
  const file = await dataFile(store, [3, 1, 2], 'é/1')
  const bytes = (await store.read(storePath(file.path)))!
  assert.equal(bytes.length, file.bytes)
  const { fields, columns } = await readParquetColumns({ source: bytes, name: 'f' })
  assert.deepEqual(
    fields.map((field) => field.name),
    ['n'],
  )
  assert.deepEqual(columns, [[3n, 1n, 2n]])
  assert.deepEqual([file.rows, file.partitionValues], [3, { day: 'é/1' }])
})

test('a partition value that is missing or empty is null', async () => {
  for (const partitionValues of [{}, { day: '' }, { day: null }]) {
    const store = new MemoryStore()
    const request = {
      store,
      batches: [longs([1])],
      fields: FIELDS,
      partitionColumns: PARTITIONS,
      partitionValues,
      unstated: new Set<string>(),
      newId,
    }
    const file = await writeDataFile(request)
    assert.deepEqual(file.partitionValues, { day: null })
    assert.equal(file.path, `day=__HIVE_DEFAULT_PARTITION__/part-${newId()}.parquet`)
  }
})

test('a file that an engine staged moves into the table with its statistics', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'sluice-staged-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  const localFile = join(root, 'staged.parquet')
  await writeFile(localFile, 'bytes of a file')
  const store = openFilesystemStore(join(root, 'table'))
  const staged = {
    localFile,
    partitionValues: { day: 'x' },
    bytes: 15,
    rows: 2,
    stats: [{ column: 'n', nulls: 1, min: 5, max: 5 }],
  }
  const file = await addStagedFile({ store, staged, fields: FIELDS, partitionColumns: PARTITIONS, newId })
  assert.equal(await readFile(join(root, 'table', file.path), 'utf8'), 'bytes of a file')
  assert.deepEqual([file.bytes, file.rows], [15, 2])
  assert.equal(file.statsText, '{"numRecords":2,"minValues":{"n":5},"maxValues":{"n":5},"nullCount":{"n":1}}')
})

test('statistics are of the stored columns, and of bounds that JSON can state', () => {
  const fields: ColumnField[] = Array.from({ length: 40 }, (_, i) => ({
    name: `c${i}`,
    type: { kind: 'float64' },
    nullable: true,
  }))
  const stats = fields.map(({ name: column }, i) => ({
    column,
    nulls: i,
    min: i === 3 ? Number.NaN : i,
    max: i === 4 ? Infinity : i,
  }))
  const unstated = new Set(['c5'])
  const text = formatStats({ rows: 9, stats, fields, partitionColumns: ['c0'], unstated })
  const { nullCount, minValues, maxValues } = JSON.parse(text) as Record<string, Record<string, number>>
  assert.deepEqual(
    Object.keys(nullCount!),
    Array.from({ length: 39 }, (_, i) => `c${i + 1}`),
  )
  assert.equal('c3' in minValues!, false)
  // What must not stand in the log (I13); how many are null may.
  assert.deepEqual(['c5' in minValues!, 'c5' in maxValues!, nullCount!['c5']], [false, false, 5])
  assert.equal('c4' in maxValues!, false)
  assert.equal(minValues!['c32'], 32)
})
