import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readChanges } from '../../../src/lake/changes.ts'
import { writeCheckpoint } from '../../../src/lake/checkpoint/write-checkpoint.ts'
import type { DeletionVector } from '../../../src/lake/deletion/deletion-vector.ts'
import { storePaths } from '../../../src/lake/log/file-key.ts'
import type { AddFile, Snapshot } from '../../../src/lake/snapshot.ts'
import { MemoryStore } from '../../conformance/memory-store.ts'
import { commit, entryLines, loggedFile, openTable, step } from '../table-steps.ts'

/** A table whose rows another writer deletes, as Spark does where `delta.enableDeletionVectors` is set. */

const FEATURES = {
  minReaderVersion: 3,
  minWriterVersion: 7,
  readerFeatures: ['deletionVectors'],
  writerFeatures: ['appendOnly', 'deletionVectors', 'invariants'],
}
const ENTRY = (version: number): string => `_delta_log/${String(version).padStart(20, '0')}.json`

function vector(cardinality: number, name: string): DeletionVector {
  return { storageType: 'u', pathOrInlineDv: `${name}^-aqEH.-t@S}K{vb[*k^`, offset: 1, sizeInBytes: 40, cardinality }
}

async function foreign(store: MemoryStore, actions: readonly object[]): Promise<Snapshot> {
  const version = (await openTable(store)).version + 1
  await store.put(ENTRY(version), Buffer.from(actions.map((action) => JSON.stringify(action)).join('\n')))
  return openTable(store)
}

/** Removes a file as it stands, and adds it with a vector. */
function deletes(file: AddFile, with_: DeletionVector): object[] {
  const { path, partitionValues, bytes: size, statsText: stats } = file
  const known = { path, partitionValues, size, dataChange: true }
  const before = file.deletionVector === null ? {} : { deletionVector: withoutNull(file.deletionVector) }
  return [
    { remove: { ...known, deletionTimestamp: 1_700_000_000_000, extendedFileMetadata: true, ...before } },
    { add: { ...known, modificationTime: 1, stats, deletionVector: withoutNull(with_) } },
  ]
}

function withoutNull(each: DeletionVector): object {
  return Object.fromEntries(Object.entries(each).filter(([, value]) => value !== null))
}

const TEN = { statsText: '{"numRecords":10,"minValues":{"n":1},"maxValues":{"n":9},"nullCount":{"n":0}}' }

async function tableWithVectors(): Promise<{ store: MemoryStore; snapshots: Snapshot[] }> {
  const store = new MemoryStore()
  await step(store, null, { adds: [loggedFile('a', TEN), loggedFile('b', TEN)] })
  const v1 = await foreign(store, [{ protocol: FEATURES }])
  const v2 = await foreign(store, deletes(v1.files.get('a')!, vector(3, 'x')))
  const v3 = await foreign(store, deletes(v2.files.get('a')!, vector(5, 'y')))
  return { store, snapshots: [v1, v2, v3] }
}

test('a file stands once, with its newest vector, and its rows are those that are left', async () => {
  const { snapshots } = await tableWithVectors()
  assert.deepEqual(
    snapshots.map(({ files }) => [...files.values()].map(({ path, rows }) => [path, rows])),
    [
      [
        ['a', 10],
        ['b', 10],
      ],
      [
        ['b', 10],
        ['a', 7],
      ],
      [
        ['b', 10],
        ['a', 5],
      ],
    ],
  )
  assert.deepEqual(snapshots[2]!.files.get('a')!.deletionVector, vector(5, 'y'))
  assert.equal(snapshots[2]!.files.get('a')!.stats!.rows, 10)
})

test('a checkpoint keeps vectors, and tombstones of a file with another vector do not take it away', async () => {
  const { store, snapshots } = await tableWithVectors()
  await writeCheckpoint(store, { version: 3, nowMs: 1_700_000_000_001 })
  await store.delete([0, 1, 2, 3].map(ENTRY))
  const read = await openTable(store)
  const before = snapshots[2]!
  assert.deepEqual(read.files.get('a')!.deletionVector, before.files.get('a')!.deletionVector)
  assert.deepEqual([...read.files.keys()].sort(), ['a', 'b'])
  assert.equal(read.files.get('b')!.deletionVector, null)
  assert.deepEqual([...read.tombstones.keys()].sort(), [...before.tombstones.keys()].sort())
  assert.equal(read.tombstones.size, 2)
})

test('I11 a file whose vector changed is removed with the old one and added with the new one', async () => {
  const { store } = await tableWithVectors()
  const told = (files: readonly AddFile[]) =>
    files.map(({ path, deletionVector }) => [path, deletionVector?.cardinality])
  const changes = async (after: number, to: number) => {
    const found = (await readChanges(store, { after, to }))!
    return [told(found.added), told(found.removed)]
  }
  assert.deepEqual(await changes(1, 2), [[['a', 3]], [['a', undefined]]])
  assert.deepEqual(await changes(2, 3), [[['a', 5]], [['a', 3]]])
  assert.deepEqual(await changes(1, 3), [[['a', 5]], [['a', undefined]]])
  assert.deepEqual(await changes(-1, 3), [
    [
      ['b', undefined],
      ['a', 5],
    ],
    [],
  ])
})

test('I11 where a file came twice with two vectors, what changed cannot be told apart, and null says so', async () => {
  const { store, snapshots } = await tableWithVectors()
  const before = snapshots[2]!.files.get('a')!
  // a rewrite without a change of rows, then the file put back by a restore with another vector
  await foreign(store, [
    { remove: { path: 'a', dataChange: false, deletionVector: withoutNull(before.deletionVector!) } },
    { add: { path: 'c', partitionValues: {}, size: 1, modificationTime: 1, dataChange: false } },
  ])
  await foreign(store, [deletes(before, vector(6, 'z'))[1]!])
  assert.equal(await readChanges(store, { after: 2, to: 5 }), null)
})

test('appends go on in a table where another writer keeps deletion vectors, and so does their checkpoint', async () => {
  const { store, snapshots } = await tableWithVectors()
  assert.equal((await commit(store, snapshots[0]!, { adds: [loggedFile('c')] })).kind, 'committed')
  const read = await openTable(store)
  assert.deepEqual([...read.files.keys()].sort(), ['a', 'b', 'c'])
  assert.equal(read.files.get('a')!.rows, 5)
})

test('a file with a vector is removed by its name and its vector, and a restore puts it back with that', async () => {
  const { store, snapshots } = await tableWithVectors()
  const [, v2, v3] = snapshots
  const v4 = await step(store, v3!, {
    removes: [v3!.files.get('a')!],
    adds: [loggedFile('a2')],
    reads: 'removed-files',
  })
  const lines = await entryLines(store, 4)
  const removed = lines.find((line) => line['remove'] !== undefined)!['remove']!
  assert.deepEqual(removed['deletionVector'], vector(5, 'y'))
  assert.deepEqual([...v4.files.keys()].sort(), ['a2', 'b'])
  const old = v2!.files.get('a')!
  const v5 = await step(store, v4, { removes: [v4.files.get('a2')!], adds: [old], reads: 'table' })
  assert.deepEqual([v5.files.get('a')!.deletionVector, v5.files.get('a')!.rows], [vector(3, 'x'), 7])
})

test('a file whose vector moved on since it was read cannot be replaced', async () => {
  const { store, snapshots } = await tableWithVectors()
  const [v1, v2, v3] = snapshots
  const replace = { adds: [loggedFile('n')], reads: 'removed-files' as const }
  const stale = await commit(store, v2!, { ...replace, removes: [v2!.files.get('a')!] })
  assert.deepEqual(stale, { kind: 'conflicted', version: 3, reason: 'another writer removed a' })
  const mixed = await commit(store, v3!, { ...replace, removes: [v1!.files.get('a')!] })
  assert.deepEqual(mixed, { kind: 'conflicted', version: 3, reason: 'a is not in the table' })
})

test('what reading a file needs are its bytes and those of its vector', async () => {
  const { snapshots } = await tableWithVectors()
  const file = snapshots[2]!.files.get('a')!
  assert.deepEqual(storePaths(file, 'memory:'), ['a', 'y/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin'])
  assert.deepEqual(storePaths(snapshots[2]!.files.get('b')!, 'memory:'), ['b'])
})
