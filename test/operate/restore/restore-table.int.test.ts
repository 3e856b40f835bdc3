import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { SluiceError } from '../../../src/domain/errors.ts'
import { writeSkips } from '../../../src/error-lane/write-skips.ts'
import { openSnapshot } from '../../../src/lake/snapshot.ts'
import { optimizeTable } from '../../../src/operate/optimize/optimize-table.ts'
import { prepareRestore, restoreTable } from '../../../src/operate/restore/restore-table.ts'
import { redriveTable } from '../../../src/operate/redrive.ts'
import { assertConserved } from '../../support/conserved.ts'
import { order, ORDER_FIELDS, orders, produce, registerOrders, skipLines } from '../../support/orders.ts'
import { resetOrders } from '../../support/reset-orders.ts'
import { rawRows } from '../../support/raw-delta.ts'
import { ingestAll, scratchWorld } from '../../support/scratch-world.ts'
import type { TestWorld } from '../../support/world.ts'

/** `table restore` on bronze: rows and positions go back together, and what came after is read again (I1, I17). */

const tableOf = (world: TestWorld) => world.settings.tables.get('orders')!
const landed = async (world: TestWorld): Promise<unknown[]> =>
  (
    await rawRows(
      join(world.folder, 'lake/bronze/orders'),
      'select _partition as p, _offset::int as o, n from rows order by all',
    )
  ).map(({ p, o, n }) => [p, o, n])
async function restore(world: TestWorld, version: number): Promise<number> {
  return restoreTable(world, await prepareRestore(world, 'bronze.orders', { version }))
}
async function position(world: TestWorld, partition = 0): Promise<bigint | undefined> {
  return (await openSnapshot(world.lake.at('bronze/orders')))?.txns.get(`sluice/orders/${partition}`)
}

/** Version 0: offsets 0–2, 1 is refused. Version 1: 3 and 4, and the first of partition 1. */
async function twoFlushes(t: TestContext): Promise<TestWorld> {
  const world = await scratchWorld(t)
  const schema = await registerOrders(world)
  const bad = (n: number) => order(schema, { id: `bad${n}`, n: -n })
  await produce(world, [...orders(schema, 1), bad(1), ...orders(schema, 1, 2)], { partitions: 2 })
  await ingestAll(world)
  await produce(world, [...orders(schema, 1, 3), bad(4)], { partitions: 2 })
  await produce(world, orders(schema, 1, 10), { partitions: 2, partition: 1 })
  await ingestAll(world)
  return world
}

test('I1: rows and positions go back in one commit, the next run lands what came after once, and conservation holds throughout', async (t) => {
  const world = await twoFlushes(t)
  const all = await landed(world)
  assert.deepEqual(all, [
    [0, 0, 0],
    [0, 2, 2],
    [0, 3, 3],
    [1, 0, 10],
  ])
  const prepared = await prepareRestore(world, 'bronze.orders', { version: 0 })
  assert.deepEqual(
    prepared.positions.map(({ partition, from, to, gone }) => [partition, from, to, gone]),
    [
      [0, 5n, 3n, null],
      [1, 1n, 0n, null],
    ],
  )
  assert.equal(await restoreTable(world, prepared), 2)
  assert.deepEqual(await landed(world), [
    [0, 0, 0],
    [0, 2, 2],
  ])
  assert.deepEqual([await position(world, 0), await position(world, 1)], [3n, 0n])
  const { files, txns } = (await openSnapshot(world.lake.at('bronze/orders')))!
  assert.equal(files.size, 1)
  assert.equal(txns.get('sluice/operate'), 1n)
  await assertConserved(world)
  await ingestAll(world)
  assert.deepEqual(await landed(world), all)
  await assertConserved(world)
  const versions = (await openSnapshot(world.lake.at('bronze/orders')))!.version
  await ingestAll(world)
  assert.equal((await openSnapshot(world.lake.at('bronze/orders')))!.version, versions)
})

test('going back to what stands already changes nothing, and forward again works as back did', async (t) => {
  const world = await twoFlushes(t)
  const all = await landed(world)
  assert.equal((await prepareRestore(world, 'bronze.orders', { version: 1 })).isSame, true)
  await restore(world, 0)
  await restore(world, 1)
  assert.deepEqual(await landed(world), all)
  assert.equal(await position(world), 5n)
  await assertConserved(world)
})

test('a file that is gone is named, and nothing is changed', async (t) => {
  const world = await twoFlushes(t)
  const store = world.lake.at('bronze/orders')
  const [first] = (await openSnapshot(store, { version: 0 }))!.files.keys()
  await rm(join(world.folder, 'lake/bronze/orders', decodeURIComponent(first!)))
  await assert.rejects(
    prepareRestore(world, 'bronze.orders', { version: 0 }),
    (error: unknown) =>
      error instanceof SluiceError && error.code === 'TABLE_FILES_MISSING' && error.message.includes(first!),
  )
  assert.equal((await openSnapshot(store))!.version, 1)
})

test('a letter that was healed after the older version is open again, and a redrive lands it again', async (t) => {
  const world = await twoFlushes(t)
  const loose = [ORDER_FIELDS[0]!, { name: 'n', type: 'int', constraints: { minimum: -9 } }]
  await registerOrders(world, loose)
  const redrive = () => redriveTable({ world, table: tableOf(world), filter: {}, dryRun: false })
  assert.equal((await redrive()).passed, 2)
  const healed = await landed(world)
  await restore(world, 1)
  await assertConserved(world)
  assert.equal((await redrive()).passed, 2)
  assert.deepEqual(await landed(world), healed)
  await assertConserved(world)
})

test('I17: an operator’s skip past the position does not stand against the rows that are read again', async (t) => {
  const world = await twoFlushes(t)
  const skips = [
    { topic: 'orders', partition: 0, epoch: 0, first: 4n, next: 9n, reason: 'reset' },
    { topic: 'orders', partition: 0, epoch: 0, first: 1n, next: 2n, reason: 'expired' },
  ] as const
  const store = world.lake.at('_errors')
  await writeSkips({ store, layer: 'bronze', table: 'orders', runId: 'r', skips, newId: () => 'a' })
  const prepared = await prepareRestore(world, 'bronze.orders', { version: 0 })
  assert.equal(prepared.stale.skips, 1)
  await restoreTable(world, prepared)
  await assertConserved(world)
  assert.deepEqual(
    (await skipLines(join(world.folder, 'lake'))).map(({ first, next, reason }) => [first, next, reason]),
    [['1', '2', 'expired']],
  )
  await ingestAll(world)
  await assertConserved(world)
})

test('I17: a skip over rows that come back goes, though no position moves', async (t) => {
  const world = await twoFlushes(t)
  const all = await landed(world)
  for (const next of [2n, 5n]) await resetOrders(world, { partition: 0, target: { kind: 'offset', offset: next } })
  const prepared = await prepareRestore(world, 'bronze.orders', { version: 1 })
  assert.deepEqual([prepared.positions, prepared.stale.skips], [[], 1])
  await restoreTable(world, prepared)
  assert.deepEqual(await landed(world), all)
  // 4 was refused: its letter is under what is left of the skip, which is no row's.
  assert.deepEqual(
    (await skipLines(join(world.folder, 'lake'))).map(({ first, next }) => [first, next]),
    [['4', '5']],
  )
  await assertConserved(world)
})

test('I17: nor does one that says that the log has lost its record since', async (t) => {
  const world = await twoFlushes(t)
  const all = await landed(world)
  await resetOrders(world, { partition: 0, target: { kind: 'earliest' } })
  const skips = [{ topic: 'orders', partition: 0, epoch: 0, first: 1n, next: 3n, reason: 'compacted' }] as const
  const store = world.lake.at('_errors')
  await writeSkips({ store, layer: 'bronze', table: 'orders', runId: 'r', skips, newId: () => 'a' })
  await restore(world, 1)
  assert.deepEqual(await landed(world), all)
  assert.deepEqual(
    (await skipLines(join(world.folder, 'lake'))).map(({ first, next }) => [first, next]),
    [['1', '2']],
  )
})

test('a restore past what ingest and compaction did reads no rows', async (t) => {
  const world = await twoFlushes(t)
  await optimizeTable(world, { table: 'bronze.orders', zorder: [] })
  const engine = (): never => assert.fail('the engine was asked for')
  const blind = { ...world, engine }
  await restoreTable(blind, await prepareRestore(blind, 'bronze.orders', { version: 1 }))
  assert.equal((await landed(world)).length, 4)
  await assertConserved(world)
})

test('a flush that comes between makes it plan again: its rows go too, and are read again', async (t) => {
  const world = await twoFlushes(t)
  const prepared = await prepareRestore(world, 'bronze.orders', { version: 0 })
  const schema = await registerOrders(world)
  await produce(world, orders(schema, 1, 5), { partitions: 2 })
  await ingestAll(world)
  assert.equal(await restoreTable(world, prepared), 3)
  assert.deepEqual(await landed(world), [
    [0, 0, 0],
    [0, 2, 2],
  ])
  await assertConserved(world)
  await ingestAll(world)
  assert.equal((await landed(world)).length, 5)
  await assertConserved(world)
})

test('what the log no longer holds is told before it is lost', async (t) => {
  const world = await twoFlushes(t)
  const short = {
    ...world,
    log: {
      ...world.log,
      describe: async (topic: string) => {
        const found = (await world.log.describe(topic))!
        return { ...found, partitions: found.partitions.map((each) => ({ ...each, start: 4n })) }
      },
    },
  }
  const { positions } = await prepareRestore(short, 'bronze.orders', { version: 0 })
  assert.deepEqual(positions[0]!.gone, { first: 3n, next: 4n })
})
