import assert from 'node:assert/strict'
import { test } from 'node:test'
import { writeCheckpoint } from '../../src/lake/checkpoint/write-checkpoint.ts'
import { MemoryStore } from '../conformance/memory-store.ts'
import { commit, loggedFile, openTable, step } from './table-steps.ts'

/** What happens between a step and the next of one writer, where another comes in between. */

const HINT = '_delta_log/_last_checkpoint'

/** Does `between` once, before the first put that `at` names. */
function beforePut(store: MemoryStore, at: RegExp, between: () => Promise<unknown>): void {
  let done = false
  store.trouble = async (call, path) => {
    if (done || (call !== 'put' && call !== 'putIfAbsent') || !at.test(path)) return undefined
    done = true
    await between()
    return undefined
  }
}

test('an append goes in however many compactions and appends come before it, and each of them costs it one look', async () => {
  const store = new MemoryStore()
  let table = await step(store, null, { adds: [loggedFile('a'), loggedFile('b')] })
  const before = table
  for (let round = 0; round < 20; round += 1) {
    const removes = [...table.files.values()].slice(0, 2)
    const joined = loggedFile(`joined-${round}`, { rows: 2 })
    table = await step(store, table, { adds: [joined], removes, reads: 'removed-files', dataChange: false })
    table = await step(store, table, { adds: [loggedFile(`more-${round}`)] })
  }
  store.calls.length = 0
  assert.deepEqual(await commit(store, before, { adds: [loggedFile('late')] }), { kind: 'committed', version: 41 })
  const puts = store.calls.filter(([call]) => call === 'putIfAbsent').length
  assert.equal(puts, 2, 'an append that lost puts again only at the end of the log')
  assert.equal(store.calls.filter(([call, path]) => call === 'read' && path.endsWith('.json')).length, 41)
  assert.ok((await openTable(store)).files.has('late'))
})

test('a compaction that lost its files to another is told so, and yields without a trace', async () => {
  const store = new MemoryStore()
  const table = await step(store, null, { adds: ['a', 'b', 'c'].map((path) => loggedFile(path)) })
  const [a, b, c] = [...table.files.values()]
  const compaction = { reads: 'removed-files', dataChange: false } as const
  const first = await commit(store, table, { ...compaction, removes: [a!, b!], adds: [loggedFile('ab')] })
  assert.equal(first.kind, 'committed')
  const second = await commit(store, table, { ...compaction, removes: [b!, c!], adds: [loggedFile('bc')] })
  assert.deepEqual(second, { kind: 'conflicted', version: 1, reason: 'another writer removed b' })
  const third = await commit(store, table, { ...compaction, removes: [c!], adds: [loggedFile('c2')] })
  assert.equal(third.kind, 'committed')
  assert.deepEqual([...(await openTable(store)).files.keys()].sort(), ['ab', 'c2'])
})

test('a hint that goes back behind a newer checkpoint hides no commit', async () => {
  const store = new MemoryStore()
  let table = await step(store, null, { adds: [loggedFile('a')] })
  table = await step(store, table, { adds: [loggedFile('b')] })
  beforePut(store, /_last_checkpoint$/, async () => {
    table = await step(store, table, { adds: [loggedFile('c')] })
    await writeCheckpoint(store, { version: 2, nowMs: table.timestampMs })
    table = await step(store, table, { adds: [loggedFile('d')] })
  })
  await writeCheckpoint(store, { version: 1, nowMs: table.timestampMs })
  assert.match(Buffer.from((await store.read(HINT))!).toString(), /"version":1,/)
  const read = await openTable(store)
  assert.equal(read.version, 3)
  assert.deepEqual([...read.files.keys()].sort(), ['a', 'b', 'c', 'd'])
})

test('two checkpoints of one version hold the same, whoever writes last, also while commits go on', async () => {
  const store = new MemoryStore()
  let table = await step(store, null, { adds: [loggedFile('a')], txns: new Map([['t/0', 7n]]) })
  table = await step(store, table, { adds: [loggedFile('b')], removes: [...table.files.values()] })
  const nowMs = table.timestampMs
  const path = '_delta_log/00000000000000000001.checkpoint.parquet'
  let first: Uint8Array | null = null
  beforePut(store, /checkpoint\.parquet$/, async () => {
    await step(store, table, { adds: [loggedFile('c')] })
    await writeCheckpoint(store, { version: 1, nowMs })
    first = await store.read(path)
  })
  await writeCheckpoint(store, { version: 1, nowMs })
  assert.deepEqual(await store.read(path), first)
  await store.delete(['_delta_log/00000000000000000000.json'])
  const read = await openTable(store)
  assert.deepEqual([read.version, read.txns.get('t/0'), [...read.files.keys()].sort()], [2, 7n, ['b', 'c']])
})

test('a commit that comes in while a checkpoint is written is neither lost nor in it', async () => {
  const store = new MemoryStore()
  const table = await step(store, null, { adds: [loggedFile('a')] })
  beforePut(store, /checkpoint\.parquet$/, () => step(store, table, { adds: [loggedFile('b')] }))
  await writeCheckpoint(store, { version: 0, nowMs: table.timestampMs })
  assert.deepEqual([...(await openTable(store)).files.keys()].sort(), ['a', 'b'])
  await store.delete(['_delta_log/00000000000000000001.json'])
  assert.deepEqual([...(await openTable(store)).files.keys()], ['a'])
})
