import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeTable } from '../../src/lake/describe.ts'
import { readHistory } from '../../src/lake/history.ts'
import { openSnapshot } from '../../src/lake/snapshot.ts'
import { MemoryStore } from '../conformance/memory-store.ts'
import { loggedFile, step, testClock } from './table-steps.ts'

test('history tells each commit, newest first, by the times that time travel goes by', async () => {
  const store = new MemoryStore()
  const clock = testClock(5_000)
  const v0 = await step(store, null, {
    adds: [loggedFile('a')],
    clock,
    operation: { name: 'CREATE', parameters: { by: 'x' }, metrics: { n: 1 } },
  })
  clock.ms = 6_000
  await step(store, v0, {
    removes: [v0.files.get('a')!],
    adds: [loggedFile('b'), loggedFile('c')],
    txns: new Map([['t', 2n ** 62n + 1n]]),
    clock,
  })
  await store.put('_delta_log/00000000000000000002.json', Buffer.from('{"commitInfo":{"timestamp":7000}}\n'))
  const entries = []
  for await (const entry of readHistory(store)) entries.push(entry)
  assert.deepEqual(
    entries.map((entry) => [
      entry.version,
      entry.timestampMs,
      entry.operation,
      entry.engine,
      entry.filesAdded,
      entry.filesRemoved,
    ]),
    [
      [2, 7_000, null, null, 0, 0],
      [1, 6_000, 'WRITE', 'Sluice', 2, 1],
      [0, 5_000, 'CREATE', 'Sluice', 1, 0],
    ],
  )
  assert.deepEqual(
    [entries[2]!.parameters, entries[2]!.metrics],
    [{ by: 'x' }, { numFiles: '1', numOutputBytes: '10', n: '1' }],
  )
  assert.equal(entries[1]!.txns.get('t'), 2n ** 62n + 1n)
  for (const entry of entries)
    assert.equal((await openSnapshot(store, { timestampMs: entry.timestampMs }))!.version, entry.version)
})

test('a description sums the files; rows are unknown where one file states none', async () => {
  const store = new MemoryStore()
  const v0 = await step(store, null, {
    adds: [loggedFile('a', { bytes: 5 }), loggedFile('b', { bytes: 6, statsText: '{"numRecords":4}' })],
  })
  const told = describeTable(v0)
  assert.deepEqual([told.files, told.bytes, told.rows, told.features], [2, 11, 5, []])
  const v1 = await step(store, v0, { adds: [loggedFile('c', { statsText: null })] })
  assert.equal(describeTable(v1).rows, null)
})
