import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { SluiceError } from '../../../src/domain/errors.ts'
import { openSnapshot } from '../../../src/lake/snapshot.ts'
import { listLetters } from '../../../src/operate/look/list-letters.ts'
import { redriveTable } from '../../../src/operate/redrive.ts'
import { prepareReplay, replayLane, type ReplayRequest } from '../../../src/operate/replay/replay-lane.ts'
import { assertConserved } from '../../support/conserved.ts'
import { order, ORDER_FIELDS, orders, produce, registerOrders, skipLines } from '../../support/orders.ts'
import { resetOrders } from '../../support/reset-orders.ts'
import { rawRows } from '../../support/raw-delta.ts'
import { ingestAll, scratchWorld } from '../../support/scratch-world.ts'
import type { TestWorld } from '../../support/world.ts'

const LOOSE = [ORDER_FIELDS[0]!, { name: 'n', type: 'int', constraints: { minimum: -99 } }]
const STRICT = [ORDER_FIELDS[0]!, { name: 'n', type: 'int', constraints: { minimum: 4 } }]

const tableOf = (world: TestWorld) => world.settings.tables.get('orders')!
const offset = (n: number) => ({ kind: 'offset', offset: BigInt(n) }) as const

async function replay(world: TestWorld, request: Partial<ReplayRequest> = {}) {
  const whole = { table: tableOf(world), partition: null, from: offset(0), to: null, ...request }
  return replayLane(world, await prepareReplay(world, whole))
}

async function rows(world: TestWorld): Promise<unknown[]> {
  const found = await rawRows(
    join(world.folder, 'lake/bronze/orders'),
    'select _partition as p, _offset::int as o, n from rows order by all',
  )
  return found.map(({ p, o, n }) => [p, o, n])
}

async function txns(world: TestWorld): Promise<ReadonlyMap<string, bigint>> {
  return (await openSnapshot(world.lake.at('bronze/orders')))!.txns
}

/** Offsets 0–6 of partition 0 in two commits, 2 is refused; 0–1 of partition 1. */
async function landed(t: TestContext): Promise<TestWorld> {
  const world = await scratchWorld(t)
  const schema = await registerOrders(world)
  await produce(world, [...orders(schema, 2), order(schema, { id: 'bad', n: -1 })], { partitions: 2 })
  await ingestAll(world)
  await produce(world, orders(schema, 4, 3), { partitions: 2 })
  await produce(world, orders(schema, 2, 10), { partitions: 2, partition: 1 })
  await ingestAll(world)
  return world
}

describe('replay', () => {
  it('I16: a range is replaced in one commit and no position moves; again, the table is the same', async (t) => {
    const world = await landed(t)
    const before = await rows(world)
    const { version, txns: standing } = (await openSnapshot(world.lake.at('bronze/orders')))!
    for (const round of [1, 2]) {
      const report = await replay(world, { partition: 0, from: offset(1), to: offset(5) })
      assert.deepEqual(report, { withdrawn: 3, landed: 3, quarantined: 1, healed: 0, version: version + round })
      assert.deepEqual(await rows(world), before)
      await assertConserved(world)
    }
    const now = new Map(await txns(world))
    assert.equal(now.get('sluice/operate'), 2n)
    now.delete('sluice/operate')
    assert.deepEqual(now, new Map(standing))
  })

  it('I16: under a wider contract letters of the range land and are healed; under a tighter one rows become letters first', async (t) => {
    const world = await landed(t)
    await registerOrders(world, LOOSE)
    const healed = await replay(world)
    assert.deepEqual([healed?.landed, healed?.quarantined, healed?.healed], [9, 0, 1])
    assert.equal((await rows(world)).length, 9)
    await assertConserved(world)
    await registerOrders(world, STRICT, 'strict-value')
    const strict = await scratchWorld(t, { folder: world.folder, tables: [{ subject: 'strict-value' }] })
    const report = await replay(strict, { partition: 0, from: offset(0), to: offset(5) })
    assert.deepEqual([report?.withdrawn, report?.landed, report?.quarantined], [5, 1, 4])
    assert.deepEqual(await rows(strict), [
      [0, 4, 4],
      [0, 5, 5],
      [0, 6, 6],
      [1, 0, 10],
      [1, 1, 11],
    ])
    await assertConserved(strict)
    assert.equal((await redriveTable({ world: strict, table: tableOf(strict), filter: {}, dryRun: true })).letters, 4)
  })

  it('I15, I16: columns that the contract gained since come with the replay, for the replaced rows alone', async (t) => {
    const world = await landed(t)
    await registerOrders(world, [...ORDER_FIELDS, { name: 'note', type: ['null', 'string'], default: null }])
    await replay(world, { partition: 0, from: offset(0), to: offset(2) })
    const { metadata } = (await openSnapshot(world.lake.at('bronze/orders')))!
    assert.ok(metadata.fields.some(({ name }) => name === 'note'))
    assert.equal((await rows(world)).length, 8)
    await assertConserved(world)
  })

  it('I16: a contract that widens a column since: the replay begins again on the wider table, and nothing is doubled', async (t) => {
    const world = await landed(t)
    await registerOrders(world, [ORDER_FIELDS[0]!, { name: 'n', type: 'long', constraints: { minimum: 0 } }])
    const report = await replay(world)
    assert.deepEqual([report?.withdrawn, report?.landed, report?.quarantined], [8, 8, 1])
    const { metadata } = (await openSnapshot(world.lake.at('bronze/orders')))!
    assert.equal(metadata.fields.find(({ name }) => name === 'n')?.type.kind, 'int64')
    assert.equal((await rows(world)).length, 8)
    await assertConserved(world)
  })

  it('I16: ingest may append meanwhile: its commit stands, and the replay’s does too', async (t) => {
    const world = await landed(t)
    const prepared = await prepareReplay(world, { table: tableOf(world), partition: null, from: offset(0), to: null })
    await produce(world, orders(await registerOrders(world), 2, 20), { partitions: 2 })
    await ingestAll(world)
    assert.equal((await replayLane(world, prepared))?.landed, 8)
    assert.equal((await rows(world)).length, 10)
    await assertConserved(world)
  })

  it('I16: an operator who came first makes it begin again, from what stands then', async (t) => {
    const world = await landed(t)
    const prepared = await prepareReplay(world, { table: tableOf(world), partition: 0, from: offset(0), to: null })
    await resetOrders(world, { partition: 0, target: offset(3) })
    assert.equal((await replayLane(world, prepared))?.landed, 2)
    assert.deepEqual(await rows(world), [
      [0, 0, 0],
      [0, 1, 1],
      [1, 0, 10],
      [1, 1, 11],
    ])
    await assertConserved(world)
  })

  it('I17: what an operator passed over can be had after all, and its skip goes', async (t) => {
    const world = await landed(t)
    await produce(world, orders(await registerOrders(world), 4, 20), { partitions: 2 })
    await resetOrders(world, { target: { kind: 'latest' } })
    await replay(world, { partition: 0, from: offset(8), to: null })
    assert.deepEqual(
      (await skipLines(join(world.folder, 'lake'))).map(({ first, next, reason }) => [first, next, reason]),
      [['7', '8', 'reset']],
    )
    await assertConserved(world)
    await replay(world, { partition: 0, from: offset(7), to: offset(8) })
    assert.deepEqual(await skipLines(join(world.folder, 'lake')), [])
    assert.equal((await rows(world)).length, 12)
    await assertConserved(world)
  })

  it('I17: a letter that a reset has passed over since is not redriven against the skip; a replay lands it', async (t) => {
    const world = await landed(t)
    for (const next of [2, 4]) await resetOrders(world, { partition: 0, target: offset(next) })
    await registerOrders(world, LOOSE)
    const { letters } = await redriveTable({ world, table: tableOf(world), filter: {}, dryRun: false })
    assert.equal(letters, 0)
    const states = async (): Promise<string[]> => {
      const found: string[] = []
      for await (const { record, state } of listLetters(world, { layer: 'bronze', table: 'orders' }, {}))
        found.push(`${record.offset} ${state}`)
      return found
    }
    assert.deepEqual(await states(), ['2 skipped'])
    await assertConserved(world)
    const report = await replay(world, { partition: 0, from: offset(2), to: offset(4) })
    assert.deepEqual([report?.landed, report?.healed], [2, 1])
    assert.deepEqual(await states(), ['2 healed'])
    assert.deepEqual(await skipLines(join(world.folder, 'lake')), [])
    await assertConserved(world)
  })

  it('a range that the log no longer holds whole is refused, and nothing is changed', async (t) => {
    const world = await landed(t)
    await world.embedded.deleteTopic('orders')
    await produce(world, [], { partitions: 2 })
    await assert.rejects(
      replay(world),
      (error: unknown) => error instanceof SluiceError && error.code === 'SOURCE_CHANGED',
    )
    assert.equal((await rows(world)).length, 8)
  })
})
