import assert from 'node:assert/strict'
import { test } from 'node:test'
import { writeCheckpoint } from '../../../src/lake/checkpoint/write-checkpoint.ts'
import { jsonChecksum } from '../../../src/lake/checkpoint/last-checkpoint.ts'
import { parseLogJson } from '../../../src/lake/log/log-json.ts'
import type { LogObject } from '../../../src/lake/log/log-json.ts'
import { tombstonesKeptMs } from '../../../src/lake/retention/table-properties.ts'
import { readParquetColumns } from '../../parquet/whole-file.ts'
import { MemoryStore } from '../../conformance/memory-store.ts'
import { FIELDS, loggedFile, openTable, PARTITIONS, step, testClock } from '../table-steps.ts'

const DAY_MS = 86_400_000
const CHECKPOINT = '_delta_log/00000000000000000001.checkpoint.parquet'

test('a checkpoint holds a row an action, tombstones while they are kept, and `_last_checkpoint` names it', async () => {
  const store = new MemoryStore()
  const tags = { by: 'x' }
  const adds = [
    loggedFile('a'),
    loggedFile('b', { tags }),
    loggedFile('c', { partitionValues: { day: null }, statsText: null }),
  ]
  const v0 = await step(store, null, { adds, txns: new Map([['t', 2n ** 63n - 1n]]) })
  const before = await step(store, v0, {
    removes: [v0.files.get('a')!],
    clock: testClock(100 * DAY_MS + v0.timestampMs),
  })
  assert.equal(await writeCheckpoint(store, { version: 1, nowMs: before.timestampMs + 6 * DAY_MS }), true)
  const { rows, columns, fields } = await readParquetColumns({ source: (await store.read(CHECKPOINT))!, name: 'c' })
  const count = (name: string): number =>
    columns[fields.findIndex((field) => field.name === name)]!.filter((cell) => cell !== null).length
  assert.deepEqual(['protocol', 'metaData', 'txn', 'add', 'remove'].map(count), [1, 1, 1, 2, 1])
  assert.equal(rows, 6)
  const hint = JSON.parse(Buffer.from((await store.read('_delta_log/_last_checkpoint'))!).toString()) as Record<
    string,
    number
  >
  assert.deepEqual([hint['version'], hint['size'], hint['numOfAddFiles']], [1, 6, 2])
  assert.equal(hint['sizeInBytes'], (await store.stat(CHECKPOINT))!.bytes)
  await store.delete(['_delta_log/00000000000000000000.json', '_delta_log/00000000000000000001.json'])
  const after = await openTable(store)
  assert.deepEqual(after.txns, before.txns)
  assert.deepEqual(after.metadata, before.metadata)
  assert.deepEqual(after.protocol, before.protocol)
  assert.deepEqual(after.files.get('b')!.tags, tags)
  assert.deepEqual(after.files.get('c')!.partitionValues, { day: null })
  assert.equal(after.files.get('c')!.stats, null)
  assert.deepEqual(after.tombstones.get('a'), { ...before.tombstones.get('a'), dataChange: false })
})

test('tombstones that have expired are left out', async () => {
  const store = new MemoryStore()
  const v0 = await step(store, null, { adds: [loggedFile('a')] })
  const v1 = await step(store, v0, { removes: [...v0.files.values()] })
  await writeCheckpoint(store, { version: 1, nowMs: v1.timestampMs + 8 * DAY_MS })
  await store.delete(['_delta_log/00000000000000000000.json'])
  assert.equal((await openTable(store)).tombstones.size, 0)
})

test('`_last_checkpoint` never goes back', async () => {
  const store = new MemoryStore()
  await step(store, await step(store, null))
  await store.put('_delta_log/_last_checkpoint', Buffer.from('{"version":5,"size":1}'))
  await writeCheckpoint(store, { version: 1, nowMs: 0 })
  assert.match(Buffer.from((await store.read('_delta_log/_last_checkpoint'))!).toString(), /"version":5/)
  assert.equal(await writeCheckpoint(new MemoryStore(), { version: 1, nowMs: 0 }), false)
})

test('how long tombstones are kept is read as Spark writes it', () => {
  const kept = (text: string): number => tombstonesKeptMs({ 'delta.deletedFileRetentionDuration': text })
  assert.deepEqual(
    [kept('interval 1 week'), kept('interval 36 hours'), kept('interval 30 days')],
    [7 * DAY_MS, 1.5 * DAY_MS, 30 * DAY_MS],
  )
  assert.deepEqual([kept('a while'), tombstonesKeptMs({})], [7 * DAY_MS, 7 * DAY_MS])
})

const parts = async (store: MemoryStore): Promise<string[]> =>
  Array.from(store.objects.keys()).filter((path) => path.includes('.checkpoint.'))

/** A table of 50 files, a removed one and two `txn`, whose checkpoints take 20 actions a part. */
async function manyFiles(store: MemoryStore): Promise<void> {
  const configuration = { 'sluice.checkpointPartActions': '20' }
  const v0 = await step(store, null, {
    create: { fields: FIELDS, partitionColumns: PARTITIONS, configuration },
    adds: Array.from({ length: 51 }, (_, i) => loggedFile(`f${i}`)),
    txns: new Map([
      ['a', 1n],
      ['b', 2n],
    ]),
  })
  await step(store, v0, { removes: [v0.files.get('f50')!], clock: testClock(v0.timestampMs) })
}

test('above a number of actions a checkpoint is written in parts, which together hold each action once', async () => {
  const store = new MemoryStore()
  await manyFiles(store)
  const before = await openTable(store)
  await writeCheckpoint(store, { version: 1, nowMs: before.timestampMs })
  const [first, second, third] = [1, 2, 3].map(
    (n) => `_delta_log/00000000000000000001.checkpoint.000000000${n}.0000000003.parquet`,
  )
  assert.deepEqual(await parts(store), [first, second, third])
  let rows = 0
  for (const path of [first!, second!, third!]) {
    rows += (await readParquetColumns({ source: (await store.read(path))!, name: path })).rows
  }
  assert.equal(rows, 2 + 2 + 50 + 1)
  const hint = parseLogJson(Buffer.from((await store.read('_delta_log/_last_checkpoint'))!).toString()) as LogObject
  assert.deepEqual([hint['version'], hint['size'], hint['parts'], hint['numOfAddFiles']], [1, 55, 3, 50])
  assert.equal(hint['checksum'], jsonChecksum(hint))
  await store.delete([0, 1].map((version) => `_delta_log/0000000000000000000${version}.json`))
  const after = await openTable(store)
  assert.deepEqual([...after.files.keys()].sort(), [...before.files.keys()].sort())
  assert.deepEqual([after.txns, after.metadata], [before.txns, before.metadata])
  assert.deepEqual([...after.tombstones.keys()], ['f50'])
})

test('readers pass over a checkpoint of which a part is not there, whatever `_last_checkpoint` says', async () => {
  for (const missing of [0, 1, 2]) {
    const store = new MemoryStore()
    await manyFiles(store)
    const before = await openTable(store)
    await writeCheckpoint(store, { version: 1, nowMs: before.timestampMs })
    await store.delete([(await parts(store))[missing]!])
    assert.deepEqual([...(await openTable(store)).files.keys()], [...before.files.keys()])
  }
})

test('of writers that race for one version each leaves the same, and a set that another left unfinished is not completed', async () => {
  const store = new MemoryStore()
  await manyFiles(store)
  const before = await openTable(store)
  const racer = { version: 1, nowMs: before.timestampMs }
  await Promise.all([writeCheckpoint(store, racer), writeCheckpoint(store, racer), writeCheckpoint(store, racer)])
  const names = await parts(store)
  const foreign = '_delta_log/00000000000000000001.checkpoint.0000000001.0000000003.parquet'
  assert.ok(names.includes(foreign), names.join(' '))
  const other = new MemoryStore()
  await manyFiles(other)
  await other.put(foreign, Buffer.from('from an engine that died'))
  await writeCheckpoint(other, racer)
  assert.equal((await parts(other)).filter((path) => path.endsWith('.0000000004.parquet')).length, 4)
  for (const each of [store, other]) {
    await each.delete([0, 1].map((version) => `_delta_log/0000000000000000000${version}.json`))
    const after = await openTable(each)
    assert.deepEqual([...after.files.keys()].sort(), [...before.files.keys()].sort())
    assert.deepEqual(after.txns, before.txns)
  }
})

test('the checksum of `_last_checkpoint` is that of the protocol’s own example', () => {
  const text = `{"k0":"'v 0'", "checksum": "x", "k1":{"k2": 2, "k3": ["v3", [1, 2], {"k4": "v4", "k5": ["v5", "v6", "v7"]}]}}`
  assert.equal(jsonChecksum(parseLogJson(text) as LogObject), '6a92d155a59bf2eecbd4b4ec7fd1f875')
})

test('a `txn` stays in checkpoints whatever its age, though the table asks engines to drop old ones', async () => {
  const store = new MemoryStore()
  const configuration = { 'delta.setTransactionRetentionDuration': 'interval 1 day' }
  const create = { fields: FIELDS, partitionColumns: PARTITIONS, configuration }
  await step(store, null, { create, txns: new Map([['sluice/orders/0', 7n]]) })
  await writeCheckpoint(store, { version: 0, nowMs: Date.now() + 400 * DAY_MS })
  await store.delete(['_delta_log/00000000000000000000.json'])
  assert.equal((await openTable(store)).txns.get('sluice/orders/0'), 7n)
})

test('a file reads from a checkpoint as it reads from its entry, whatever it states, in any order of asking', async () => {
  const store = new MemoryStore()
  const names = ['plain', 'day=a%20b/x', 'day=__HIVE_DEFAULT_PARTITION__/y', 'tagged', 'no stats']
  const facts = [
    {},
    { partitionValues: { day: 'a b' } },
    { partitionValues: { day: null } },
    { tags: { by: 'us' } },
    {},
  ]
  const adds = Array.from({ length: 20_000 }, (_, i) =>
    loggedFile(`${names[i % 5]!}${i}`, {
      ...facts[i % 5],
      bytes: i,
      modificationTimeMs: 2 ** 41 + i,
      statsText: i % 5 === 4 ? null : `{"numRecords":${i},"minValues":{"n":${2n ** 60n + BigInt(i)}}}`,
    }),
  )
  await step(store, null, { adds })
  const entry = await openTable(store)
  await writeCheckpoint(store, { version: 0, nowMs: 0 })
  await store.delete(['_delta_log/00000000000000000000.json'])
  const checkpoint = await openTable(store)
  assert.deepEqual([...checkpoint.files.keys()], [...entry.files.keys()])
  for (const i of [19_999, 0, 8_192, 8_191, 16_384, ...adds.keys()]) {
    const [a, b] = [checkpoint.files.get(adds[i]!.path)!, entry.files.get(adds[i]!.path)!]
    for (const key of ['path', 'bytes', 'modificationTimeMs', 'dataChange', 'statsText', 'rows'] as const)
      assert.equal(a[key], key === 'dataChange' ? false : b[key], key)
    assert.deepEqual([a.partitionValues, a.tags, a.stats], [b.partitionValues, b.tags, b.stats])
  }
})
