import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tombstonesKeptMs, writeCheckpoint } from '../../../src/lake/checkpoint/write-checkpoint.ts'
import { readParquetColumns } from '../../../src/parquet/read-parquet.ts'
import { MemoryStore } from '../../conformance/memory-store.ts'
import { loggedFile, openTable, step, testClock } from '../table-steps.ts'

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
