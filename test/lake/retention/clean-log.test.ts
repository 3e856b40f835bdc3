import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { openFilesystemStore } from '../../../src/adapters/filesystem/filesystem-store.ts'
import { SluiceError } from '../../../src/domain/errors.ts'
import { temporaryName } from '../../../src/domain/store-path.ts'
import { readChanges } from '../../../src/lake/changes.ts'
import { writeCheckpoint } from '../../../src/lake/checkpoint/write-checkpoint.ts'
import type { CommitFact } from '../../../src/lake/commit.ts'
import { cleanLog } from '../../../src/lake/retention/clean-log.ts'
import { openSnapshot } from '../../../src/lake/snapshot.ts'
import type { Snapshot } from '../../../src/lake/snapshot.ts'
import { MemoryStore } from '../../conformance/memory-store.ts'
import { commit, FIELDS, loggedFile, openTable, PARTITIONS, step, testClock } from '../table-steps.ts'

const DAY = 86_400_000
/** Noon of a day. */
const START = 20_000 * DAY + DAY / 2
const KEPT = 30 * DAY

interface Life {
  readonly store: MemoryStore
  /** By version. */
  readonly snapshots: Snapshot[]
}

/** A table with a commit a day at noon and checkpoints of the versions asked for. */
async function dailyTable(days: number, checkpoints: readonly number[]): Promise<Life> {
  const store = new MemoryStore()
  let ms = START
  store.nowMs = () => ms
  const snapshots: Snapshot[] = []
  for (let day = 0; day < days; day += 1) {
    ms = START + day * DAY
    const before = snapshots.at(-1) ?? null
    const adds = [loggedFile(`f${day}`)]
    const removes = day % 3 === 2 ? [before!.files.get(`f${day - 1}`)!] : []
    const clock = testClock(ms)
    snapshots.push(await step(store, before, { adds, removes, txns: new Map([['t', BigInt(day)]]), clock }))
    if (checkpoints.includes(day)) await writeCheckpoint(store, { version: day, nowMs: ms })
  }
  return { store, snapshots }
}

const versionsLeft = (store: MemoryStore): number[] =>
  Array.from(store.objects.keys()).flatMap((path) => {
    const match = /^_delta_log\/(\d{20})\.json$/.exec(path)
    return match === null ? [] : [Number(match[1])]
  })
const checkpointsLeft = (store: MemoryStore): number[] =>
  Array.from(store.objects.keys()).flatMap((path) => {
    const match = /^_delta_log\/(\d{20})\.checkpoint/.exec(path)
    return match === null ? [] : [Number(match[1])]
  })
const state = ({ files, txns, version }: Snapshot): unknown => [version, [...files.keys()].sort(), [...txns]]
const code = (wanted: string) => (error: unknown) => error instanceof SluiceError && error.code === wanted

test('what is older than the retention goes, up to the newest checkpoint that is older too', async () => {
  const { store, snapshots } = await dailyTable(50, [10, 15, 20, 40])
  // 30 days before noon of day 49 is day 19; cut to the day that is its midnight, which only days before have passed.
  const cleaned = await cleanLog(store, { nowMs: START + 49 * DAY, keptMs: KEPT })
  assert.equal(cleaned.from, 15)
  assert.deepEqual(
    versionsLeft(store),
    Array.from({ length: 35 }, (_, i) => 15 + i),
  )
  assert.deepEqual(checkpointsLeft(store), [15, 20, 40])
  for (let version = 15; version < 50; version += 1) {
    assert.deepEqual(state((await openSnapshot(store, { version }))!), state(snapshots[version]!))
  }
  assert.deepEqual(state(await openTable(store)), state(snapshots[49]!))
})

test('time travel and changes past what was removed say so', async () => {
  const { store } = await dailyTable(50, [15])
  await cleanLog(store, { nowMs: START + 49 * DAY, keptMs: KEPT })
  await assert.rejects(openSnapshot(store, { version: 14 }), code('VERSION_UNKNOWN'))
  await assert.rejects(openSnapshot(store, { timestampMs: START + 14 * DAY }), code('VERSION_UNKNOWN'))
  assert.equal((await openSnapshot(store, { timestampMs: START + 15.5 * DAY }))!.version, 15)
  assert.equal(await readChanges(store, { after: 13, to: 20 }), null)
  assert.deepEqual(
    (await readChanges(store, { after: 15, to: 16 }))!.added.map((file) => file.path),
    ['f16'],
  )
})

test('the day is not over before its midnight: clean-up comes once a day', async () => {
  const { store } = await dailyTable(50, [15, 20])
  const midnight = Math.floor((START + 20 * DAY) / DAY) * DAY + KEPT + DAY
  assert.equal((await cleanLog(store, { nowMs: midnight - 1, keptMs: KEPT })).from, 15)
  assert.equal((await cleanLog(store, { nowMs: midnight, keptMs: KEPT })).from, 20)
})

test('nothing goes without a whole checkpoint that stays, that can be read, and that has expired', async () => {
  const nowMs = START + 100 * DAY
  const none = await dailyTable(5, [])
  assert.deepEqual(await cleanLog(none.store, { nowMs, keptMs: KEPT }), { files: 0, from: null })
  const young = await dailyTable(50, [49])
  assert.equal((await cleanLog(young.store, { nowMs: START + 49 * DAY, keptMs: KEPT })).files, 0)
  const broken = await dailyTable(10, [4])
  const path = '_delta_log/00000000000000000004.checkpoint.parquet'
  await broken.store.put(path, (await broken.store.read(path))!.slice(0, -9))
  await assert.rejects(cleanLog(broken.store, { nowMs, keptMs: KEPT }), code('FILE_CORRUPT'))
  assert.equal(versionsLeft(broken.store).length, 10)
  const partial = await dailyTable(10, [])
  await partial.store.put('_delta_log/00000000000000000004.checkpoint.0000000001.0000000002.parquet', Buffer.from('x'))
  assert.equal((await cleanLog(partial.store, { nowMs, keptMs: KEPT })).files, 0)
})

test('a commit which its writer dated later than its file did is within the retention', async () => {
  const { store } = await dailyTable(50, [10, 15])
  const path = '_delta_log/00000000000000000015.json'
  const text = Buffer.from((await store.read(path))!).toString()
  const { bytes, modifiedMs } = store.objects.get(path)!
  assert.ok(bytes.length > 0)
  const later = text.replace(/"timestamp":\d+/, `"timestamp":${START + 40 * DAY}`)
  store.objects.set(path, { bytes: Buffer.from(later), modifiedMs })
  assert.equal((await cleanLog(store, { nowMs: START + 49 * DAY, keptMs: KEPT })).from, 10)
})

test('checksums and compacted entries go with the entries, other files stay', async () => {
  const { store } = await dailyTable(50, [15])
  const name = (version: number, rest: string): string => `_delta_log/${String(version).padStart(20, '0')}.${rest}`
  const gone = [name(3, 'crc'), name(2, `${'0'.repeat(18)}05.compacted.json`)]
  const kept = [name(15, 'crc'), name(3, 'json.note'), '_delta_log/notes.txt', '_delta_log/_sidecars/a.parquet']
  for (const path of [...gone, ...kept]) await store.put(path, Buffer.from('x'))
  await cleanLog(store, { nowMs: START + 49 * DAY, keptMs: KEPT })
  assert.deepEqual(
    gone.filter((path) => store.objects.has(path)),
    [],
  )
  assert.deepEqual(
    kept.filter((path) => !store.objects.has(path)),
    [],
  )
})

test('whatever the history and wherever a clean-up is cut off, each version within the retention opens as it was', async () => {
  const life = fc.record({
    days: fc.integer({ min: 5, max: 60 }),
    checkpoints: fc.uniqueArray(fc.nat({ max: 59 }), { maxLength: 6 }),
    kept: fc.integer({ min: 0, max: 40 }),
    cuts: fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 4 }),
  })
  await fc.assert(
    fc.asyncProperty(life, async ({ days, checkpoints, kept, cuts }) => {
      const { store, snapshots } = await dailyTable(days, checkpoints)
      const nowMs = START + (days - 1) * DAY
      for (const files of [...cuts, 10_000]) {
        await cleanLog(store, { nowMs, keptMs: kept * DAY, budget: { files, ms: Infinity } })
        for (const [version, before] of snapshots.entries()) {
          const within = START + version * DAY >= nowMs - kept * DAY
          try {
            assert.deepEqual(state((await openSnapshot(store, { version }))!), state(before))
          } catch (error) {
            if (within || !code('VERSION_UNKNOWN')(error)) throw error
          }
        }
      }
    }),
    { numRuns: 10 },
  )
})

test('the writer of a checkpoint cleans up after it, as the table asks, and its commit never fails of it', async () => {
  const run = async (configuration: Record<string, string>, refuse = false): Promise<[string[], number]> => {
    const store = new MemoryStore()
    let ms = START
    store.nowMs = () => ms
    const facts: CommitFact[] = []
    const create = {
      fields: FIELDS,
      partitionColumns: PARTITIONS,
      configuration: { 'delta.checkpointInterval': '10', ...configuration },
    }
    await commit(store, null, { create, clock: testClock(ms) })
    for (let day = 1; day <= 50; day += 1) {
      ms = START + day * DAY
      if (refuse && day === 50) store.delete = () => Promise.reject(new SluiceError('STORE_UNAVAILABLE', 'no'))
      const onEvent = (fact: CommitFact): void => void (day === 50 && facts.push(fact))
      assert.equal((await commit(store, await openTable(store), { clock: testClock(ms), onEvent })).kind, 'committed')
    }
    return [facts.map(({ type }) => type), Math.min(...versionsLeft(store))]
  }
  assert.deepEqual(await run({}), [['commit.done', 'checkpoint.written', 'log.cleaned'], 10])
  assert.deepEqual(await run({ 'delta.logRetentionDuration': 'interval 10 days' }), [
    ['commit.done', 'checkpoint.written', 'log.cleaned'],
    30,
  ])
  const kept = [['commit.done', 'checkpoint.written'], 0]
  assert.deepEqual(await run({ 'delta.enableExpiredLogCleanup': 'false' }), kept)
  assert.deepEqual(await run({ 'delta.logRetentionDuration': 'for a while' }), kept)
  const refused = await run({ 'delta.logRetentionDuration': 'interval 10 days' }, true)
  assert.deepEqual(refused, [['commit.done', 'checkpoint.written', 'warning'], 20])
})

test('what writers that died left half written goes after a day, with the next clean-up', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'sluice-clean-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  const store = openFilesystemStore(root)
  await commit(store, null)
  const nowMs = Date.now()
  const [dead, alive] = ['0b2ad5f0-94cf-4d5e-8f4e-1b0d4ab0fd5f', '1b2ad5f0-94cf-4d5e-8f4e-1b0d4ab0fd5f'].map(
    temporaryName,
  )
  for (const name of [dead!, alive!]) await writeFile(join(root, '_delta_log', name), 'half')
  const old = (nowMs - 2 * DAY) / 1000
  await utimes(join(root, '_delta_log', dead!), old, old)
  assert.equal((await cleanLog(store, { nowMs, keptMs: KEPT })).files, 1)
  assert.deepEqual(await readdir(join(root, '_delta_log')), [alive, '00000000000000000000.json'])
})
