import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SluiceError } from '../../../src/domain/errors.ts'
import { readHistory } from '../../../src/lake/history.ts'
import { prepareRestore, restoreTable, type RestoreWorld } from '../../../src/operate/restore/restore-table.ts'
import { prepareVacuum } from '../../../src/operate/vacuum/prepare-vacuum.ts'
import { VACUUM_END, VACUUM_START } from '../../../src/operate/vacuum/vacuum-mark.ts'
import { vacuumTable } from '../../../src/operate/vacuum/vacuum-table.ts'
import { HOUR, openVacuumFixture, TABLE, type VacuumFixture } from './vacuum-fixture.ts'

const WEEK = 168

/** Version 0 holds a and b; version 1 holds a and c; an orphan lies there since version 0. */
async function twoVersions(): Promise<VacuumFixture> {
  const fixture = openVacuumFixture()
  const { put, commit, clock } = fixture
  await commit({ adds: [await put('day=d1/a.parquet', 1), await put('day=d1/b.parquet', 20)] })
  await put('orphan.parquet', 300)
  clock.ms += HOUR
  const { files } = await fixture.snapshot()
  await commit({
    adds: [await put('c.parquet', 4000)],
    removes: [files.get('day=d1/b.parquet')!],
    reads: 'removed-files',
  })
  return fixture
}

const codeOf = (error: unknown): string => (error instanceof SluiceError ? error.code : String(error))
const codeAfter = (work: Promise<unknown>): Promise<string> => work.then(() => 'done', codeOf)

test('what goes is what was planned: a dry run names it, and the doing leaves the rest', async () => {
  const { prepare, world, clock, paths, snapshot } = await twoVersions()
  clock.ms += (WEEK + 1) * HOUR
  const prepared = await prepare(WEEK)
  assert.deepEqual(
    prepared.plan.goes.map(({ path, why }) => [path, why]),
    [
      ['day=d1/b.parquet', 'removed'],
      ['orphan.parquet', 'unknown'],
    ],
  )
  assert.deepEqual(prepared.plan.live, { files: 2, bytes: 4001 })
  assert.deepEqual(prepared.plan.waiting, { files: 0, bytes: 0 })
  assert.deepEqual(paths(), ['c.parquet', 'day=d1/a.parquet', 'day=d1/b.parquet', 'orphan.parquet'])
  const ended = await vacuumTable(world, prepared)
  assert.deepEqual([ended.outcome, ended.gone], ['vacuumed', { files: 2, bytes: 320 }])
  assert.deepEqual(paths(), ['c.parquet', 'day=d1/a.parquet'])
  assert.deepEqual([...(await snapshot()).files.keys()].sort(), paths())
})

test('its log tells of it as Spark tells, and a second vacuum writes nothing', async () => {
  const { prepare, world, clock, store, snapshot } = await twoVersions()
  clock.ms += (WEEK + 1) * HOUR
  await vacuumTable(world, await prepare(WEEK))
  const told = []
  for await (const { operation, parameters, metrics, filesAdded, filesRemoved, movesRows } of readHistory(store)) {
    told.push({ operation, ...parameters, ...metrics, moves: movesRows || filesAdded + filesRemoved > 0 })
  }
  assert.deepEqual(told.slice(0, 2).reverse(), [
    {
      operation: 'VACUUM START',
      retentionCheckEnabled: 'true',
      specifiedRetentionMillis: String(WEEK * HOUR),
      defaultRetentionMillis: String(WEEK * HOUR),
      runId: 'run',
      numFilesToDelete: '2',
      sizeOfDataToDelete: '320',
      moves: false,
    },
    {
      operation: 'VACUUM END',
      status: 'COMPLETED',
      runId: 'run',
      numDeletedFiles: '2',
      sizeOfDataDeleted: '320',
      moves: false,
    },
  ])
  const { version, txns } = await snapshot()
  assert.equal(txns.get(VACUUM_START), txns.get(VACUUM_END))
  assert.equal((await vacuumTable(world, await prepare(WEEK))).outcome, 'unchanged')
  assert.equal((await snapshot()).version, version)
})

test('less than 168 hours are refused, unless they are asked for in so many words', async () => {
  const { world, clock, paths } = await twoVersions()
  clock.ms += 100 * HOUR
  const short = { table: TABLE, retainMs: 24 * HOUR }
  assert.equal(await codeAfter(prepareVacuum(world, { ...short, allowShort: false })), 'RETENTION_TOO_SHORT')
  await vacuumTable(world, await prepareVacuum(world, { ...short, allowShort: true }))
  assert.deepEqual(paths(), ['c.parquet', 'day=d1/a.parquet'])
})

test("the longer of what is asked for and of the table's own property is kept", async () => {
  const { world, clock, commit, prepare } = await twoVersions()
  await commit({ metadata: { configuration: { 'delta.deletedFileRetentionDuration': 'interval 30 days' } } })
  clock.ms += 29 * 24 * HOUR
  const short = await prepareVacuum(world, { table: TABLE, retainMs: HOUR, allowShort: false })
  assert.equal(short.retentionMs, 720 * HOUR)
  assert.deepEqual([short.plan.goes, short.plan.waiting.files], [[], 2])
  clock.ms += 2 * 24 * HOUR
  assert.equal((await prepare(1)).plan.goes.length, 2)
  await commit({ metadata: { configuration: { 'delta.deletedFileRetentionDuration': 'interval 1 day' } } })
  assert.equal((await prepare(WEEK)).retentionMs, WEEK * HOUR)
})

test('a file that no version holds stays for two days, whatever retention is asked for', async () => {
  const { clock, prepare, put } = await twoVersions()
  await put('young.parquet')
  clock.ms += 47.5 * HOUR
  assert.deepEqual(names(await prepare(0)), ['day=d1/b.parquet', 'orphan.parquet'])
  clock.ms += 2 * HOUR
  assert.deepEqual(names(await prepare(0)), ['day=d1/b.parquet', 'orphan.parquet', 'young.parquet'])
})

test('hidden files and folders, and tables inside the folder, are left alone; a hidden-looking partition is not', async () => {
  const { clock, prepare, put, store } = openVacuumFixture()
  const { commitTransaction } = await import('../../../src/lake/commit.ts')
  const { loggedFile, transaction } = await import('../../lake/table-steps.ts')
  const fields = [{ name: '_run_date', type: { kind: 'string' }, nullable: true }] as const
  const create = { fields: [...fields, { name: 'n', type: { kind: 'int64' }, nullable: true }] as const }
  const lived = loggedFile('_run_date=1/a.parquet', { partitionValues: { _run_date: '1' } })
  await commitTransaction({
    ...transaction(store, null, { clock, adds: [lived] }),
    create: { ...create, partitionColumns: ['_run_date'], configuration: {} },
  })
  for (const path of [
    '_run_date=1/gone.parquet',
    '_run_date=1/.part.crc',
    '_run_date=1/_deep/x.parquet',
    '_symlink_format_manifest/m',
    '_change_data/cdc.parquet',
    '_run_datey=1/x.parquet',
    '.hidden',
    'inner/_delta_log/00000000000000000000.json',
    'inner/data.parquet',
    'plain.txt',
  ])
    await put(path)
  clock.ms += 1_000 * HOUR
  assert.deepEqual(names(await prepare(WEEK)), ['_run_date=1/gone.parquet', 'plain.txt'])
})

test('a retention longer than checkpoints keep removes is asked of the log', async () => {
  const { clock, prepare, commit, put, store } = await twoVersions()
  const { writeCheckpoint } = await import('../../../src/lake/checkpoint/write-checkpoint.ts')
  clock.ms += 200 * HOUR
  const { version } = await commit({ adds: [await put('d.parquet')] })
  await writeCheckpoint(store, { version, nowMs: clock.ms })
  const tombstones = [...(await (await import('../../../src/lake/snapshot.ts')).openSnapshot(store))!.tombstones]
  assert.deepEqual(tombstones, [])
  assert.deepEqual(names(await prepare(WEEK)), ['day=d1/b.parquet', 'orphan.parquet'])
  assert.deepEqual(names(await prepare(202)), [])
})

test('the file of a deletion vector stays while a version within the retention has rows deleted by it', async () => {
  const { clock, prepare, commit, put, store, snapshot } = openVacuumFixture()
  const data = await put('data.parquet')
  await commit({ adds: [data] })
  const vector = (name: string) => ({
    ...data,
    deletionVector: {
      storageType: 'p',
      pathOrInlineDv: `${store.uri}${name}`,
      offset: 1,
      sizeInBytes: 34,
      cardinality: 2,
    },
  })
  for (const name of ['v1.bin', 'v2.bin', 'v3.bin']) {
    await put(name)
    const [standing] = (await snapshot()).files.values()
    await commit({ removes: [standing!], adds: [vector(name)], reads: 'removed-files' })
    clock.ms += 100 * HOUR
  }
  // v1 was replaced 200 hours ago, v2 100 hours ago; v3 stands, and so does the data file that all three are of.
  assert.deepEqual(names(await prepare(WEEK)), ['v1.bin'])
  clock.ms += 100 * HOUR
  assert.deepEqual(names(await prepare(WEEK)), ['v1.bin', 'v2.bin'])
  assert.deepEqual(names(await prepare(500)), [])
})

test('what a commit brings back between the plan and the doing stays', async () => {
  const fixture = await twoVersions()
  const { clock, prepare, world, commit, snapshot, paths } = fixture
  clock.ms += (WEEK + 1) * HOUR
  const prepared = await prepare(WEEK)
  const old = await snapshot(0)
  await commit({ adds: [old.files.get('day=d1/b.parquet')!] })
  await vacuumTable(world, prepared)
  assert.deepEqual(paths(), ['c.parquet', 'day=d1/a.parquet', 'day=d1/b.parquet'])
})

test('a restore never brings back a file that a vacuum is about to remove', async () => {
  const { clock, prepare, world, commit, snapshot, paths } = await twoVersions()
  clock.ms += (WEEK + 1) * HOUR
  const restoreWorld = world as unknown as RestoreWorld
  const restore = await prepareRestore(restoreWorld, TABLE, { version: 0 })
  // A vacuum that begins after the restore was prepared wins; the restore then finds what is gone.
  await vacuumTable(world, await prepare(WEEK))
  assert.equal(await codeAfter(restoreTable(restoreWorld, restore)), 'VERSION_VACUUMED')
  assert.deepEqual([...(await snapshot()).files.keys()].sort(), paths())
  // One that is at work is waited for; a dead one, not for ever.
  await commit({ txns: new Map([[VACUUM_START, BigInt(clock.ms)]]) })
  const again = await prepareRestore(restoreWorld, TABLE, { version: 0 }).catch(codeOf)
  assert.equal(again, 'VERSION_VACUUMED')
})

test('while a vacuum is at work a restore of files that are still there is refused, and after its death goes on', async () => {
  const { clock, world, commit, snapshot } = await twoVersions()
  const restoreWorld = world as unknown as RestoreWorld
  await commit({ txns: new Map([[VACUUM_START, BigInt(clock.ms)]]) })
  const restore = await prepareRestore(restoreWorld, TABLE, { version: 0 })
  assert.equal(await codeAfter(restoreTable(restoreWorld, restore)), 'COMMIT_CONTENDED')
  clock.ms += 2 * HOUR
  await restoreTable(restoreWorld, await prepareRestore(restoreWorld, TABLE, { version: 0 }))
  assert.ok((await snapshot()).files.has('day=d1/b.parquet'))
})

test('of two vacuums at once one is refused, and both leave the same', async () => {
  const { clock, prepare, world, paths } = await twoVersions()
  clock.ms += (WEEK + 1) * HOUR
  const [a, b] = [await prepare(WEEK), await prepare(WEEK)]
  const outcomes = await Promise.all([a, b].map((each) => codeAfter(vacuumTable(world, each))))
  assert.deepEqual(outcomes.sort(), ['COMMIT_CONTENDED', 'done'])
  assert.deepEqual(paths(), ['c.parquet', 'day=d1/a.parquet'])
})

test('a budget ends a vacuum early, and the next goes on; a file that is larger than the budget goes alone', async () => {
  const { clock, prepare, world, paths, snapshot } = await twoVersions()
  clock.ms += (WEEK + 1) * HOUR
  const first = await vacuumTable(world, await prepare(WEEK), { bytes: 25 })
  assert.deepEqual([first.outcome, first.gone], ['partial', { files: 1, bytes: 20 }])
  const second = await vacuumTable(world, await prepare(WEEK), { bytes: 25 })
  assert.deepEqual([second.outcome, second.gone], ['vacuumed', { files: 1, bytes: 300 }])
  assert.deepEqual(paths(), ['c.parquet', 'day=d1/a.parquet'])
  const { txns } = await snapshot()
  assert.equal(txns.get(VACUUM_START), txns.get(VACUUM_END))
})

function names(prepared: { readonly plan: { readonly goes: readonly { readonly path: string }[] } }): string[] {
  return prepared.plan.goes.map(({ path }) => path).sort()
}
