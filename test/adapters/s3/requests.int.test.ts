import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openFileCache } from '../../../src/adapters/s3/file-cache.ts'
import { openS3Store } from '../../../src/adapters/s3/s3-store.ts'
import { s3Missing, startS3 } from '../../services/s3.ts'
import { s3Settings } from '../../services/s3-settings.ts'

const skip = await s3Missing('versitygw')

test('requests are counted by the kinds that a store charges for', { skip }, async (t) => {
  const s3 = await startS3({ kind: 'versitygw' })
  t.after(() => s3.close())
  await s3.bucket('lake')
  const work = await mkdtemp(join(tmpdir(), 'sluice-s3-'))
  t.after(() => rm(work, { recursive: true, force: true }))
  const counts = new Map<string, number>()
  const store = openS3Store({
    uri: 's3://lake/counted',
    settings: s3Settings(s3),
    cache: openFileCache({ folder: join(work, 'cache'), maxBytes: 1e9 }),
    count: (kind) => void counts.set(kind, (counts.get(kind) ?? 0) + 1),
  })
  const cost = async (work: () => Promise<unknown>): Promise<Record<string, number>> => {
    counts.clear()
    await work()
    return Object.fromEntries(counts)
  }
  assert.deepEqual(await cost(() => store.put('a', Buffer.from('a'))), { put: 1 })
  assert.deepEqual(await cost(() => store.read('a')), { get: 1 })
  assert.deepEqual(await cost(() => store.stat('a')), { head: 1 })
  assert.deepEqual(await cost(() => store.read('absent')), { get: 1 })
  const list = async (): Promise<void> => {
    for await (const { path } of store.list('')) assert.equal(path, 'a')
  }
  assert.deepEqual(await cost(list), { list: 1 })
  assert.deepEqual(await cost(() => store.delete(['a', 'b'])), { delete: 1 })
  // Three parts, and one request each to begin and to end.
  const large = join(work, 'large')
  await writeFile(large, Buffer.alloc(40 * 1024 * 1024))
  assert.deepEqual(await cost(() => store.putFile('large', large)), { put: 5 })
})
