import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readChanges } from '../../src/lake/changes.ts'
import type { AddFile, Snapshot } from '../../src/lake/snapshot.ts'
import { MemoryStore } from '../conformance/memory-store.ts'
import { commit, loggedFile, openTable, step } from './table-steps.ts'

function paths(files: readonly AddFile[]): string[] {
  return files.map((file) => file.path).sort()
}

test('I11 changes are net: what came and went, or went and came back, is in neither', async () => {
  const store = new MemoryStore()
  const v0 = await step(store, null, { adds: [loggedFile('a'), loggedFile('b')] })
  const v1 = await step(store, v0, { adds: [loggedFile('c')] })
  const v2 = await step(store, v1, { adds: [loggedFile('d')], removes: [v1.files.get('c')!, v1.files.get('a')!] })
  await step(store, v2, { adds: [v1.files.get('a')!], removes: [v2.files.get('b')!] })
  const changes = (await readChanges(store, { after: 0, to: 3 }))!
  assert.deepEqual([paths(changes.added), paths(changes.removed)], [['d'], ['b']])
  assert.deepEqual([changes.metadataChanged, changes.tableIdChanged], [false, false])
  assert.equal(changes.added[0]!.rows, 1)
  const first = (await readChanges(store, { after: -1, to: 0 }))!
  assert.deepEqual([paths(first.added), first.metadataChanged, first.tableIdChanged], [['a', 'b'], true, false])
  const none = (await readChanges(store, { after: 3, to: 3 }))!
  assert.deepEqual([none.added, none.removed], [[], []])
})

test('I11 a compaction changes nothing, and rows that it moved are still new', async () => {
  const store = new MemoryStore()
  const v0 = await step(store, null, { adds: [loggedFile('a')] })
  const v1 = await step(store, v0, { adds: [loggedFile('b')] })
  await step(store, v1, { adds: [loggedFile('ab')], removes: [...v1.files.values()], dataChange: false })
  assert.deepEqual(paths((await readChanges(store, { after: 1, to: 2 }))!.added), [])
  const both = (await readChanges(store, { after: 0, to: 2 }))!
  assert.deepEqual([paths(both.added), paths(both.removed)], [['b'], []])
})

test("I11 changes of metadata and of the table's id are told", async () => {
  const store = new MemoryStore()
  const v0 = await step(store, null, {})
  const fields = [...v0.metadata.fields, { name: 'x', type: { kind: 'string' }, nullable: true } as const]
  await step(store, v0, { metadata: { fields } })
  const changed = (await readChanges(store, { after: 0, to: 1 }))!
  assert.deepEqual([changed.metadataChanged, changed.tableIdChanged], [true, false])
  const metaData = {
    id: 'another',
    format: { provider: 'parquet' },
    schemaString: '{"type":"struct","fields":[]}',
    partitionColumns: [],
    configuration: {},
  }
  await store.put('_delta_log/00000000000000000002.json', Buffer.from(JSON.stringify({ metaData })))
  assert.equal((await readChanges(store, { after: 0, to: 2 }))!.tableIdChanged, true)
})

test('I11 null where the log no longer reaches back, or not yet so far', async () => {
  const store = new MemoryStore()
  const v0 = await step(store, null, {})
  await step(store, v0, {})
  assert.equal(await readChanges(store, { after: 0, to: 2 }), null)
  await store.delete(['_delta_log/00000000000000000000.json'])
  assert.equal(await readChanges(store, { after: -1, to: 1 }), null)
  assert.deepEqual((await readChanges(store, { after: 0, to: 1 }))!.added, [])
})

test('a removal that tells nothing of its file is completed from the version before', async () => {
  const store = new MemoryStore()
  await step(store, null, { adds: [loggedFile('a', { bytes: 77, partitionValues: { day: 'd9' } })] })
  await store.put(
    '_delta_log/00000000000000000001.json',
    Buffer.from('{"remove":{"path":"a","dataChange":true,"deletionTimestamp":1}}'),
  )
  const [removed] = (await readChanges(store, { after: 0, to: 1 }))!.removed
  assert.deepEqual([removed!.bytes, removed!.partitionValues, removed!.rows], [77, { day: 'd9' }, 1])
})

test('any history: files before, less those removed, with those added, are the files after', async () => {
  const actions = fc.array(
    fc.record({ add: fc.array(fc.nat(5), { maxLength: 3 }), remove: fc.array(fc.nat(5), { maxLength: 3 }) }),
    { maxLength: 8 },
  )
  await fc.assert(
    fc.asyncProperty(actions, fc.nat(8), async (history, from) => {
      const store = new MemoryStore()
      const states: Snapshot[] = [await step(store, null, { adds: [loggedFile('f0'), loggedFile('f1')] })]
      for (const { add, remove } of history) {
        const before = states.at(-1)!
        const removes = [...new Set(remove)].map((n) => before.files.get(`f${n}`)).filter((file) => file !== undefined)
        const adds = [...new Set(add)]
          .map((n) => `f${n}`)
          .filter((path) => !before.files.has(path))
          .map((path) => loggedFile(path))
        assert.equal((await commit(store, before, { adds, removes })).kind, 'committed')
        states.push(await openTable(store))
      }
      const after = Math.min(from, history.length)
      const changes = (await readChanges(store, { after, to: history.length }))!
      const expected = new Set(states[after]!.files.keys())
      for (const path of paths(changes.removed)) assert.ok(expected.delete(path))
      for (const path of paths(changes.added)) {
        assert.ok(!expected.has(path))
        expected.add(path)
      }
      assert.deepEqual([...expected].sort(), [...states.at(-1)!.files.keys()].sort())
    }),
    { numRuns: 40 },
  )
})
