import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storePaths } from '../../../src/lake/log/file-key.ts'
import { vacuumTable } from '../../../src/operate/vacuum/vacuum-table.ts'
import { HOUR, openVacuumFixture } from './vacuum-fixture.ts'

const WEEK = 168

test('the file of a deletion vector stays while a version needs it, the first of its kind too, and goes after', async () => {
  const { put, commit, clock, store, paths, prepare, world } = openVacuumFixture()
  const file = await put('a.parquet')
  const deleted = (prefix: string) => ({
    ...file,
    deletionVector: {
      storageType: 'u',
      pathOrInlineDv: `${prefix}^-aqEH.-t@S}K{vb[*k^`,
      offset: 1,
      sizeInBytes: 40,
      cardinality: 1,
    },
  })
  const vectorOf = (prefix: string): string => storePaths(deleted(prefix), store.uri)[1]!
  const change = async (prefix: string): Promise<void> => {
    await put(vectorOf(prefix))
    const { files } = await commit({})
    const removes = [files.get('a.parquet')!]
    await commit({ adds: [deleted(prefix)], removes, reads: 'removed-files' })
  }
  await commit({ adds: [file] })
  await change('x')
  clock.ms += 2 * WEEK * HOUR
  await vacuumTable(world, await prepare(WEEK))
  assert.deepEqual(paths(), ['a.parquet', vectorOf('x')])
  await change('y')
  clock.ms += (WEEK - 1) * HOUR
  await vacuumTable(world, await prepare(WEEK))
  assert.deepEqual(paths(), ['a.parquet', vectorOf('x'), vectorOf('y')])
  clock.ms += 2 * HOUR
  await vacuumTable(world, await prepare(WEEK))
  assert.deepEqual(paths(), ['a.parquet', vectorOf('y')])
})
