import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openSnapshot, refreshSnapshot } from '../../src/lake/snapshot.ts'
import type { Snapshot } from '../../src/lake/snapshot.ts'
import { MemoryStore } from '../conformance/memory-store.ts'
import { commit, FIELDS, loggedFile, openTable, PARTITIONS, step, testClock } from './table-steps.ts'

const LOG = '_delta_log/'

function entry(version: number): string {
  return `${LOG}${String(version).padStart(20, '0')}.json`
}

/** A table whose version v (from 1 on) adds file `f<v>`, every tenth removing the file before; a commit a second. */
async function longTable(versions: number, interval?: number): Promise<MemoryStore> {
  const store = new MemoryStore()
  const configuration = interval === undefined ? {} : { 'delta.checkpointInterval': String(interval) }
  const clock = testClock(1_700_000_000_000)
  const { fields } = (await step(new MemoryStore(), null)).metadata
  let snapshot: Snapshot | null = null
  for (let v = 0; v <= versions; v += 1) {
    clock.ms = 1_700_000_000_000 + v * 1000
    const removed: Snapshot['files'] extends ReadonlyMap<string, infer F> ? F[] : never =
      snapshot !== null && v % 10 === 0 ? [snapshot.files.get(`f${v - 1}`)!] : []
    await commit(store, snapshot, {
      ...(snapshot === null ? { create: { fields, partitionColumns: ['day'], configuration } } : {}),
      adds: v === 0 ? [] : [loggedFile(`f${v}`)],
      removes: removed,
      txns: new Map([['t/0', 9_223_372_036_854_775_000n + BigInt(v)]]),
      expectTxns: new Map([['t/0', v === 0 ? null : 9_223_372_036_854_774_999n + BigInt(v)]]),
      clock,
    })
    snapshot = snapshot === null ? await openTable(store) : await refreshSnapshot(store, snapshot)
  }
  return store
}

/** Counted by hand: v versions each added a file, and every tenth removed one. */
function filesAt(version: number): number {
  return version - Math.floor(version / 10)
}

test('where there is no table the answer is null', async () => {
  const store = new MemoryStore()
  assert.equal(await openSnapshot(store), null)
  assert.equal(await openSnapshot(store, { version: 3 }), null)
  assert.equal(await openSnapshot(store, { timestampMs: 0 }), null)
  await store.put('part.parquet', Buffer.from('x'))
  await store.put(`${LOG}_last_checkpoint`, Buffer.from('{"version":3}'))
  await store.put(`${LOG}.tmp/00000000000000000000.json`, Buffer.from('{}'))
  assert.equal(await openSnapshot(store), null)
})

test('every version can be opened, with and without checkpoints, and the digits of txns stay', async () => {
  for (const interval of [undefined, 7]) {
    const store = await longTable(35, interval)
    for (let version = 0; version <= 35; version += 1) {
      const snapshot = (await openSnapshot(store, { version }))!
      assert.equal(snapshot.version, version)
      assert.equal(snapshot.files.size, filesAt(version))
      assert.equal(snapshot.timestampMs, 1_700_000_000_000 + version * 1000)
      assert.equal(snapshot.txns.get('t/0'), 9_223_372_036_854_775_000n + BigInt(version))
    }
  }
})

test('a checkpoint comes every hundred commits, and the newest version needs nothing before it', async () => {
  const store = await longTable(205)
  const checkpoints = [...store.objects.keys()].filter((path) => path.includes('checkpoint.parquet'))
  assert.deepEqual(checkpoints, [
    `${LOG}00000000000000000100.checkpoint.parquet`,
    `${LOG}00000000000000000200.checkpoint.parquet`,
  ])
  const whole = await openTable(store)
  store.calls.length = 0
  await openTable(store)
  assert.ok(store.calls.filter(([call]) => call === 'read').length <= 8)
  for (let version = 0; version < 200; version += 1) await store.delete([entry(version)])
  const cut = await openTable(store)
  assert.deepEqual([...cut.files.keys()].sort(), [...whole.files.keys()].sort())
  assert.deepEqual(cut.txns, whole.txns)
  assert.deepEqual(cut.metadata, whole.metadata)
  assert.deepEqual([...cut.tombstones.keys()].sort(), [...whole.tombstones.keys()].sort())
  const one = [...cut.files.values()].find((file) => file.path === 'f150')!
  assert.deepEqual([one.bytes, one.rows, one.partitionValues, one.modificationTimeMs], [10, 1, { day: 'd1' }, 5])
  assert.deepEqual(one.stats, { rows: 1, min: { n: 1 }, max: { n: 1 }, nulls: { n: 0 } })
})

test('what the log no longer holds is VERSION_UNKNOWN, and so is what does not exist yet', async () => {
  const store = await longTable(21, 10)
  for (let version = 0; version < 10; version += 1) await store.delete([entry(version)])
  assert.equal((await openSnapshot(store, { version: 10 }))!.version, 10)
  for (const version of [9, 0, 22, -1, 1.5]) {
    await assert.rejects(openSnapshot(store, { version }), { code: 'VERSION_UNKNOWN' }, String(version))
  }
  await assert.rejects(openSnapshot(store, { timestampMs: 0 }), { code: 'VERSION_UNKNOWN' })
})

test('`_last_checkpoint` is only a hint: absent, behind, ahead or damaged, the table is the same', async () => {
  const store = await longTable(25, 10)
  const size = (await openTable(store)).files.size
  for (const hint of [
    null,
    '{"version":10,"size":1}',
    '{"version":9999,"size":1}',
    'no json',
    '{"version":"x"}',
    '[]',
    '',
  ]) {
    if (hint === null) await store.delete([`${LOG}_last_checkpoint`])
    else await store.put(`${LOG}_last_checkpoint`, Buffer.from(hint))
    const snapshot = await openTable(store)
    assert.deepEqual([snapshot.version, snapshot.files.size], [25, size], String(hint))
  }
})

test('a damaged checkpoint is passed over for an older one, or for the log itself', async () => {
  const store = await longTable(25, 10)
  await store.put(`${LOG}00000000000000000020.checkpoint.parquet`, Buffer.from('PAR1 nothing PAR1'))
  assert.equal((await openTable(store)).files.size, filesAt(25))
  await store.put(`${LOG}00000000000000000010.checkpoint.parquet`, Buffer.from(''))
  assert.equal((await openTable(store)).files.size, filesAt(25))
})

test('a checkpoint in parts counts once all parts are there', async () => {
  const store = await longTable(25, 20)
  const bytes = (await store.read(`${LOG}00000000000000000020.checkpoint.parquet`))!
  await store.delete([`${LOG}00000000000000000020.checkpoint.parquet`, `${LOG}_last_checkpoint`])
  const part = (n: number): string => `${LOG}00000000000000000020.checkpoint.000000000${n}.0000000002.parquet`
  await store.put(part(1), bytes)
  assert.equal((await openTable(store)).files.size, filesAt(25))
  for (let version = 0; version <= 20; version += 1) await store.delete([entry(version)])
  await assert.rejects(openTable(store), { code: 'TABLE_FILES_MISSING' })
  await store.put(part(2), bytes)
  assert.equal((await openTable(store)).files.size, filesAt(25))
})

test('I8 a log with a hole is refused and the missing version named', async () => {
  const store = await longTable(9)
  await store.delete([entry(4)])
  await assert.rejects(openTable(store), { code: 'TABLE_FILES_MISSING', message: /version 4/ })
  assert.equal((await openSnapshot(store, { version: 3 }))!.version, 3)
  await store.delete([entry(0)])
  await assert.rejects(openTable(store), { code: 'TABLE_FILES_MISSING', message: /version 0/ })
})

test('a damaged entry is refused and named', async () => {
  for (const text of [
    '{"add":',
    '[]',
    '{"add":{"path":5}}',
    '{"txn":{"appId":"a","version":1.5}}',
    '{"protocol":{"minReaderVersion":"1"}}',
  ]) {
    const store = await longTable(2)
    await store.put(entry(2), Buffer.from(text))
    await assert.rejects(
      openTable(store),
      { code: 'TABLE_FILES_MISSING', message: /00000000000000000002\.json is damaged/ },
      text,
    )
  }
})

test('time travel goes by the time of the commit: at it, after it, never before it', async () => {
  const store = await longTable(21, 10)
  const at = async (ms: number): Promise<number> =>
    (await openSnapshot(store, { timestampMs: 1_700_000_000_000 + ms }))!.version
  assert.equal(await at(0), 0)
  assert.equal(await at(999), 0)
  assert.equal(await at(7000), 7)
  assert.equal(await at(7999), 7)
  assert.equal(await at(1e9), 21)
  await assert.rejects(at(-1), { code: 'VERSION_UNKNOWN' })
})

test("time travel takes the file's time where a writer stated none", async () => {
  const store = new MemoryStore()
  store.nowMs = () => 5_000
  await step(store, null, { clock: testClock(1000) })
  await store.put(entry(1), Buffer.from('{"txn":{"appId":"x","version":1}}\n'))
  assert.equal((await openSnapshot(store, { timestampMs: 4_999 }))!.version, 0)
  assert.equal((await openSnapshot(store, { timestampMs: 5_000 }))!.version, 1)
})

test('refreshing reads only what came since and gives what opening gives; a table that is gone is null', async () => {
  const store = await longTable(12, 5)
  const old = (await openSnapshot(store, { version: 8 }))!
  store.calls.length = 0
  const fresh = (await refreshSnapshot(store, old))!
  assert.deepEqual(
    store.calls.map(([call]) => call),
    Array(5).fill('read'),
  )
  const opened = await openTable(store)
  assert.deepEqual([...fresh.files.keys()].sort(), [...opened.files.keys()].sort())
  assert.deepEqual([fresh.version, fresh.timestampMs, fresh.txns], [opened.version, opened.timestampMs, opened.txns])
  assert.equal(old.files.size, filesAt(8), 'the old one did not change')
  assert.equal(await refreshSnapshot(store, fresh), fresh)
  store.objects.clear()
  assert.equal(await refreshSnapshot(store, fresh), null)
})

test('a table that needs what we lack is refused, and the feature is named', async () => {
  const cases: [object, RegExp][] = [
    [{ minReaderVersion: 4, minWriterVersion: 7 }, /reader version 4/],
    [
      { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['variantType'], writerFeatures: ['variantType'] },
      /variantType/,
    ],
    [
      { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['catalogManaged'], writerFeatures: [] },
      /catalogManaged/,
    ],
  ]
  for (const [protocol, message] of cases) {
    const store = new MemoryStore()
    await step(store, null)
    await store.put(entry(1), Buffer.from(JSON.stringify({ protocol })))
    await assert.rejects(openTable(store), { code: 'TABLE_UNSUPPORTED', message })
    assert.equal((await openSnapshot(store, { version: 0 }))!.version, 0)
  }
})

test('features that change nothing for a reader are no hindrance', async () => {
  const store = new MemoryStore()
  await step(store, null, { adds: [loggedFile('a')] })
  const features = ['deletionVectors', 'timestampNtz', 'v2Checkpoint', 'vacuumProtocolCheck', 'columnMapping']
  const protocol = { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: features, writerFeatures: features }
  await store.put(entry(1), Buffer.from(JSON.stringify({ protocol })))
  assert.equal((await openTable(store)).files.size, 1)
})

test('a file is one file however its name is encoded', async () => {
  const store = new MemoryStore()
  await step(store, null, { adds: [loggedFile('d=a%20b/f%2B1'), loggedFile('100%')] })
  await store.put(entry(1), Buffer.from('{"remove":{"path":"d=a b/f+1","dataChange":true}}'))
  assert.deepEqual([...(await openTable(store)).files.keys()], ['100%'])
})

test('I12: a table that is refreshed on and on forgets removes that have expired, and no other', async () => {
  const day = 86_400_000
  const store = new MemoryStore()
  const clock = testClock()
  const configuration = { 'delta.checkpointInterval': '1000' }
  const create = { fields: FIELDS, partitionColumns: PARTITIONS, configuration }
  let held = await step(store, null, { create, adds: [loggedFile('f0')], clock })
  const removedAt = new Map<string, number>()
  for (let i = 1; i <= 700; i += 1) {
    clock.ms += day / 24
    removedAt.set(`f${i - 1}`, clock.ms)
    await commit(store, held, {
      adds: [loggedFile(`f${i}`)],
      removes: [...held.files.values()],
      reads: 'removed-files',
      clock,
    })
    held = (await refreshSnapshot(store, held))!
    const within = [...removedAt].filter(([, ms]) => ms >= clock.ms - 7 * day).map(([path]) => path)
    assert.deepEqual(
      within.filter((path) => !held.tombstones.has(path)),
      [],
    )
    assert.ok(held.tombstones.size <= 2 * 7 * 24 + 2, `${held.tombstones.size} tombstones`)
  }
  assert.deepEqual([...held.files.keys()], ['f700'])
  const fresh = await openTable(store)
  assert.equal(fresh.tombstones.size, 700)
  assert.deepEqual([...fresh.files.keys()], ['f700'])
})
