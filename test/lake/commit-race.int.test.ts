import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { openFilesystemStore } from '../../src/adapters/filesystem/filesystem-store.ts'
import type { ObjectStore } from '../../src/ports/object-store.ts'
import { entryLines, openTable, step } from './table-steps.ts'

const WRITERS = 8
const COMMITS = 20

async function race(t: TestContext, sharing: 'shared' | 'own'): Promise<ObjectStore> {
  const root = await mkdtemp(join(tmpdir(), 'sluice-race-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  const store = openFilesystemStore(root)
  await step(store, null)
  const ends = Array.from({ length: WRITERS }, async (_, i) => {
    const args = [join(import.meta.dirname, 'race-writer.ts'), root, `writer${i}`, String(COMMITS), sharing]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
    const [code] = (await once(child, 'close')) as [number | null]
    assert.equal(code, 0)
  })
  await Promise.all(ends)
  return store
}

async function checkNothingLost(store: ObjectStore, shared: bigint | undefined): Promise<void> {
  const table = await openTable(store)
  assert.equal(table.version, WRITERS * COMMITS)
  assert.equal(table.files.size, WRITERS * COMMITS)
  assert.equal(table.txns.get('shared'), shared)
  for (let i = 0; i < WRITERS; i += 1) assert.equal(table.txns.get(`writer${i}`), BigInt(COMMITS))
  // Entry by entry, read by hand: every txn goes up by one, and no version is missing.
  const last = new Map<string, number>()
  for (let version = 1; version <= table.version; version += 1) {
    for (const { txn } of await entryLines(store, version)) {
      if (txn === undefined) continue
      const appId = String(txn['appId'])
      assert.equal(txn['version'], (last.get(appId) ?? 0) + 1, `${appId} in version ${version}`)
      last.set(appId, Number(txn['version']))
    }
  }
  const names = await readdir(join(store.uri, '_delta_log'))
  assert.ok(names.includes('00000000000000000100.checkpoint.parquet'))
  assert.deepEqual(
    names.filter((name) => name.startsWith('.')),
    [],
    'no temporary file is left',
  )
}

test('I1 I3 I6 eight processes that move one txn in common lose no commit and double none', async (t) => {
  await checkNothingLost(await race(t, 'shared'), BigInt(WRITERS * COMMITS))
})

test('I3 I6 eight processes that append, each moving a txn of its own, lose no commit', async (t) => {
  await checkNothingLost(await race(t, 'own'), undefined)
})
