import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { CommitFact } from '../../src/lake/commit.ts'
import { openSnapshot } from '../../src/lake/snapshot.ts'
import { MemoryStore } from '../conformance/memory-store.ts'
import { commit, dataFile, entryLines, loggedFile, openTable, step, testClock } from './table-steps.ts'

const LAST = 9_223_372_036_854_775_807n

test('a table is made with its first rows, at reader 1 and writer 2, with every key that readers ask for', async () => {
  const store = new MemoryStore()
  const file = await dataFile(store, [1, 2, 3], 'a/b')
  const clock = testClock(1_700_000_000_123)
  const outcome = await commit(store, null, {
    adds: [file],
    txns: new Map([['t/0', LAST]]),
    expectTxns: new Map([['t/0', null]]),
    operation: { name: 'WRITE', parameters: { mode: 'Append', columns: ['n'] }, metrics: { rows: 3n } },
    clock,
  })
  assert.deepEqual(outcome, { kind: 'committed', version: 0 })
  const [info, protocol, metaData, txn, add] = await entryLines(store, 0)
  assert.deepEqual(protocol, { protocol: { minReaderVersion: 1, minWriterVersion: 2 } })
  assert.deepEqual(metaData!['metaData']!['format'], { provider: 'parquet', options: {} })
  assert.deepEqual(metaData!['metaData']!['partitionColumns'], ['day'])
  assert.equal(metaData!['metaData']!['createdTime'], 1_700_000_000_123)
  assert.deepEqual(JSON.parse(String(metaData!['metaData']!['schemaString'])), {
    type: 'struct',
    fields: [
      { name: 'n', type: 'long', nullable: true, metadata: {} },
      { name: 'day', type: 'string', nullable: true, metadata: {} },
    ],
  })
  const text = Buffer.from((await store.read('_delta_log/00000000000000000000.json'))!).toString()
  assert.match(text, /"appId":"t\/0","version":9223372036854775807,/)
  assert.equal(txn!['txn']!['lastUpdated'], 1_700_000_000_123)
  const { path, ...rest } = add!['add']!
  assert.match(String(path), /^day=a%252Fb\/part-[0-9a-f-]{36}\.parquet$/)
  assert.deepEqual(rest, {
    partitionValues: { day: 'a/b' },
    size: file.bytes,
    modificationTime: file.modificationTimeMs,
    dataChange: true,
    stats: '{"numRecords":3,"minValues":{"n":1},"maxValues":{"n":3},"nullCount":{"n":0}}',
  })
  const { txnId, ...said } = info!['commitInfo']!
  assert.match(String(txnId), /^[0-9a-f-]{36}$/)
  assert.deepEqual(said, {
    timestamp: 1_700_000_000_123,
    operation: 'WRITE',
    operationParameters: { mode: 'Append', columns: '["n"]' },
    isolationLevel: 'WriteSerializable',
    isBlindAppend: true,
    operationMetrics: { numFiles: '1', numOutputBytes: String(file.bytes), numOutputRows: '3', rows: '3' },
    engineInfo: 'Sluice',
  })
  assert.equal((await openTable(store)).txns.get('t/0'), LAST)
})

test('a removed file is stated with its size and partition, and stays as a tombstone', async () => {
  const store = new MemoryStore()
  const first = await step(store, null, { adds: [loggedFile('f1'), loggedFile('f2')] })
  const removes = [first.files.get('f1')!]
  const next = await step(store, first, {
    adds: [loggedFile('f3')],
    removes,
    reads: 'removed-files',
    clock: testClock(1_800_000_000_000),
  })
  const lines = await entryLines(store, 1)
  assert.deepEqual(
    lines.find((line) => 'remove' in line),
    {
      remove: {
        path: 'f1',
        deletionTimestamp: 1_800_000_000_000,
        dataChange: true,
        extendedFileMetadata: true,
        partitionValues: { day: 'd1' },
        size: 10,
      },
    },
  )
  assert.deepEqual([...next.files.keys()], ['f2', 'f3'])
  assert.deepEqual([...next.tombstones.keys()], ['f1'])
})

test('I2 I3 of two writers at one position exactly one commits, and the other is told why', async () => {
  const store = new MemoryStore()
  const snapshot = await step(store, null, { txns: new Map([['t/0', 5n]]) })
  const move = { txns: new Map([['t/0', 9n]]), expectTxns: new Map([['t/0', 5n]]) }
  const outcomes = await Promise.all([
    commit(store, snapshot, { ...move, adds: [loggedFile('a')] }),
    commit(store, snapshot, { ...move, adds: [loggedFile('b')] }),
  ])
  assert.deepEqual(outcomes.map(({ kind }) => kind).sort(), ['committed', 'conflicted'])
  const lost = outcomes.find((outcome) => outcome.kind === 'conflicted')!
  assert.match(lost.kind === 'conflicted' ? lost.reason : '', /t\/0 stands at 9, not at 5/)
  assert.equal((await openTable(store)).files.size, 1)
})

test('I3 a winner in between that moved the position conflicts, even with others after it', async () => {
  const store = new MemoryStore()
  const snapshot = await step(store, null, { txns: new Map([['t/0', 5n]]) })
  const moved = await step(store, snapshot, { txns: new Map([['t/0', 6n]]), expectTxns: new Map([['t/0', 5n]]) })
  await step(store, moved, { adds: [loggedFile('x')] })
  const outcome = await commit(store, snapshot, { txns: new Map([['t/0', 7n]]), expectTxns: new Map([['t/0', 5n]]) })
  assert.equal(outcome.kind, 'conflicted')
  assert.equal(outcome.version, 1)
})

test('I3 an expectation that the snapshot does not meet never reaches the store', async () => {
  const store = new MemoryStore()
  const snapshot = await step(store, null, {})
  const calls = store.calls.length
  const outcome = await commit(store, snapshot, { expectTxns: new Map([['t/0', 5n]]) })
  assert.equal(outcome.kind, 'conflicted')
  assert.equal(store.calls.length, calls)
  assert.equal((await commit(new MemoryStore(), null, { expectTxns: new Map([['t/0', 0n]]) })).kind, 'conflicted')
})

test('of two that make a table one is told that it lost', async () => {
  const store = new MemoryStore()
  const outcomes = await Promise.all([commit(store, null), commit(store, null)])
  assert.deepEqual(outcomes.map(({ kind }) => kind).sort(), ['committed', 'conflicted'])
})

test('appends that are prepared on one version all land, each at a version of its own', async () => {
  const store = new MemoryStore()
  const snapshot = await step(store, null, {})
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, (_, i) => commit(store, snapshot, { adds: [loggedFile(`f${i}`)] })),
  )
  assert.deepEqual(
    outcomes.map(({ version }) => version).sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, i) => i + 1),
  )
  assert.equal((await openTable(store)).files.size, 20)
})

test('a compaction and an append pass each other; two compactions of one file do not', async () => {
  const store = new MemoryStore()
  const snapshot = await step(store, null, { adds: [loggedFile('a'), loggedFile('b')] })
  const compact = { removes: [...snapshot.files.values()], reads: 'removed-files', dataChange: false } as const
  await step(store, snapshot, { adds: [loggedFile('c')] })
  assert.equal((await commit(store, snapshot, { ...compact, adds: [loggedFile('ab')] })).kind, 'committed')
  assert.equal((await commit(store, snapshot, { ...compact, adds: [loggedFile('ab2')] })).kind, 'conflicted')
  assert.deepEqual([...(await openTable(store)).files.keys()].sort(), ['ab', 'c'])
})

test('I7 a commit whose reply was lost is recognised and not written twice', async () => {
  for (const kind of ['lose-reply', 'lose-reply-oddly'] as const) {
    const store = new MemoryStore()
    const snapshot = await step(store, null, {})
    let puts = 0
    store.trouble = (call) => (call === 'putIfAbsent' && puts++ === 0 ? kind : undefined)
    assert.deepEqual(await commit(store, snapshot, { adds: [loggedFile('a')] }), { kind: 'committed', version: 1 })
    assert.equal(puts, 1)
    assert.equal((await openTable(store)).version, 1)
  }
})

test('I7 making a table whose reply was lost is recognised', async () => {
  const store = new MemoryStore()
  store.trouble = (call) => (call === 'putIfAbsent' ? 'lose-reply' : undefined)
  assert.deepEqual(await commit(store, null, {}), { kind: 'committed', version: 0 })
})

test('I7 a lost reply is recognised though others committed after it, and though reading it back failed at first', async () => {
  const store = new MemoryStore()
  const snapshot = await step(store, null, {})
  const other = { adds: [loggedFile('other')] }
  let mine = true
  let reads = 0
  store.trouble = async (call) => {
    if (call === 'read' && !mine && reads++ === 0) return 'refuse'
    if (call !== 'putIfAbsent' || !mine) return undefined
    mine = false
    // The other writer commits between our write and the moment when we read it back.
    queueMicrotask(() => void commit(store, snapshot, other))
    return 'lose-reply'
  }
  const outcome = await commit(store, snapshot, {
    adds: [loggedFile('a')],
    txns: new Map([['t', 1n]]),
    expectTxns: new Map([['t', null]]),
  })
  assert.deepEqual(outcome, { kind: 'committed', version: 1 })
  await commit(store, snapshot, { adds: [loggedFile('b')] })
  assert.equal((await openTable(store)).files.has('a'), true)
})

test('I7 a write that is refused is tried again, and lands once', async () => {
  const store = new MemoryStore()
  const snapshot = await step(store, null, {})
  let refusals = 3
  store.trouble = (call) => (call === 'putIfAbsent' && refusals-- > 0 ? 'refuse' : undefined)
  const clock = testClock()
  assert.deepEqual(await commit(store, snapshot, { clock }), { kind: 'committed', version: 1 })
  assert.ok(clock.slept > 0)
})

test('any mix of refusals and lost replies: what is told is what stands, and nothing stands twice', async () => {
  const kinds = fc.constantFrom('refuse', 'lose-reply', 'lose-reply-oddly', undefined)
  await fc.assert(
    fc.asyncProperty(fc.array(kinds, { maxLength: 12 }), fc.integer({ min: 1, max: 4 }), async (troubles, writers) => {
      const store = new MemoryStore()
      const snapshot = await step(store, null, {})
      const left = [...troubles]
      store.trouble = (call) => (call === 'putIfAbsent' || call === 'read' ? left.shift() : undefined)
      const told = await Promise.all(
        Array.from({ length: writers }, async (_, i) => {
          try {
            return await commit(store, snapshot, { adds: [loggedFile(`f${i}`)], clock: testClock() })
          } catch {
            return null
          }
        }),
      )
      store.trouble = () => undefined
      const table = await openTable(store)
      for (const [i, outcome] of told.entries()) {
        if (outcome?.kind !== 'committed') continue
        const lines = await entryLines(store, outcome.version)
        assert.ok(lines.some((line) => line['add']?.['path'] === `f${i}`))
      }
      const entries = [...store.objects.keys()].filter((path) => path.endsWith('.json')).length
      assert.equal(table.files.size, entries - 1, 'each entry added one file, so none is there twice')
    }),
    { numRuns: 60 },
  )
})

test("a commit gives up in time: COMMIT_CONTENDED where others win, the store's error where it does not answer", async () => {
  const store = new MemoryStore()
  const snapshot = await step(store, null, {})
  store.trouble = async (call, path) => {
    // Somebody else always takes the version first.
    if (call === 'putIfAbsent') await store.put(path, Buffer.from('{"commitInfo":{}}\n'))
    return undefined
  }
  const clock = testClock()
  await assert.rejects(commit(store, snapshot, { clock, maxWaitMs: 5000 }), { code: 'COMMIT_CONTENDED' })
  assert.ok(clock.slept >= 4000 && clock.slept < 10_000)
  store.trouble = (call) => (call === 'putIfAbsent' ? 'refuse' : undefined)
  await assert.rejects(commit(store, await openTable(store), { maxWaitMs: 1000 }), { code: 'STORE_UNAVAILABLE' })
})

test('I8 a commit to a table that vanished is refused and leaves no log with a hole', async () => {
  const store = new MemoryStore()
  const snapshot = await step(store, null, {})
  store.objects.clear()
  await assert.rejects(commit(store, snapshot, { adds: [loggedFile('a')] }), { code: 'TABLE_MISSING' })
  assert.equal(await openSnapshot(store), null)
})

test('times of commits never go back, though the clock does', async () => {
  const store = new MemoryStore()
  const first = await step(store, null, { clock: testClock(2_000_000_000_000) })
  const second = await step(store, first, { clock: testClock(1_000_000_000_000) })
  assert.equal(second.timestampMs, 2_000_000_000_000)
})

test('metadata that changes keeps the id, the partition columns and what other engines wrote into fields', async () => {
  const store = new MemoryStore()
  const first = await step(store, null, { adds: [loggedFile('a')] })
  const fields = [
    ...first.metadata.fields,
    { name: 'more', type: { kind: 'decimal', precision: 12, scale: 3 }, nullable: true } as const,
  ]
  const next = await step(store, first, { metadata: { fields } })
  assert.equal(next.metadata.id, first.metadata.id)
  assert.deepEqual(next.metadata.fields, fields)
  assert.deepEqual(next.metadata.partitionColumns, ['day'])
  assert.equal(next.files.size, 1)
  assert.equal((await commit(store, first, { adds: [loggedFile('b')] })).kind, 'conflicted')
})

test('a table that needs what we lack is not written to, and the feature is named', async () => {
  const refusals: [object, RegExp][] = [
    [{ minReaderVersion: 1, minWriterVersion: 3 }, /checkConstraints/],
    [{ minReaderVersion: 1, minWriterVersion: 4 }, /changeDataFeed/],
    [{ minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['appendOnly', 'rowTracking'] }, /rowTracking/],
    [{ minReaderVersion: 1, minWriterVersion: 8 }, /writer version 8/],
    [
      { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['timestampNtz'], writerFeatures: [] },
      /timestampNtz/,
    ],
  ]
  for (const [protocol, message] of refusals) {
    const store = new MemoryStore()
    await step(store, null, {})
    await store.put('_delta_log/00000000000000000001.json', Buffer.from(JSON.stringify({ protocol })))
    await assert.rejects(commit(store, await openTable(store), {}), { code: 'TABLE_UNSUPPORTED', message })
  }
})

test('writer version 7 with features that we honour is written to; appendOnly forbids removals alone', async () => {
  const store = new MemoryStore()
  const made = await step(store, null, { adds: [loggedFile('a')] })
  const protocol = { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['appendOnly', 'invariants'] }
  await store.put('_delta_log/00000000000000000001.json', Buffer.from(JSON.stringify({ protocol })))
  const configuration = { 'delta.appendOnly': 'true' }
  const table = await step(store, await openTable(store), { metadata: { configuration } })
  assert.deepEqual(table.metadata.configuration, configuration)
  await step(store, table, { adds: [loggedFile('b')] })
  const removes = [made.files.get('a')!]
  await assert.rejects(commit(store, await openTable(store), { removes }), {
    code: 'TABLE_UNSUPPORTED',
    message: /appendOnly/,
  })
  assert.equal((await commit(store, await openTable(store), { removes, dataChange: false })).kind, 'committed')
})

test('what happened is told: done with rows, conflicted with the reason, and a failed checkpoint as a warning', async () => {
  const store = new MemoryStore()
  const facts: CommitFact[] = []
  const onEvent = (fact: CommitFact): void => void facts.push(fact)
  const configuration = { 'delta.checkpointInterval': '2' }
  const create = { fields: [], partitionColumns: [], configuration }
  await commit(store, null, { create, onEvent, adds: [loggedFile('a', { rows: 7 })] })
  await commit(store, await openTable(store), { onEvent, expectTxns: new Map([['x', 1n]]) })
  await commit(store, await openTable(store), { onEvent })
  await commit(store, await openTable(store), { onEvent })
  await commit(store, await openTable(store), { onEvent })
  store.trouble = (call) => (call === 'put' ? 'refuse' : undefined)
  await commit(store, await openTable(store), { onEvent })
  assert.deepEqual(
    facts.map((fact) => [
      fact.type,
      'version' in fact ? fact.version : 'where' in fact ? fact.where.version : fact.from,
    ]),
    [
      ['commit.done', 0],
      ['commit.conflicted', 0],
      ['commit.done', 1],
      ['commit.done', 2],
      ['checkpoint.written', 2],
      ['commit.done', 3],
      ['commit.done', 4],
      ['warning', 4],
    ],
  )
  assert.deepEqual(facts[0], { type: 'commit.done', version: 0, operation: 'WRITE', rows: 7 })
})

test('a table is not made of columns that cannot be stored', async () => {
  const text = { type: { kind: 'string' }, nullable: true } as const
  const make = (names: string[], partitionColumns: string[]): Promise<unknown> =>
    commit(new MemoryStore(), null, {
      create: { fields: names.map((name) => ({ name, ...text })), partitionColumns, configuration: {} },
    })
  await assert.rejects(make(['a b'], []), { code: 'IDENTIFIER_INVALID' })
  await assert.rejects(make(['a', 'A'], []), { code: 'TABLE_UNSUPPORTED', message: /twice/ })
  await assert.rejects(make(['a', 'b'], ['c']), { code: 'TABLE_UNSUPPORTED', message: /"c"/ })
  await assert.rejects(make(['a'], ['a']), { code: 'TABLE_UNSUPPORTED' })
})
