import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { SluiceError } from '../../../src/domain/errors.ts'
import { openSnapshot } from '../../../src/lake/snapshot.ts'
import { prepareReset, resetLane } from '../../../src/operate/checkpoint/reset-lane.ts'
import { readCheckpoints } from '../../../src/operate/checkpoint/show-checkpoints.ts'
import { assertConserved } from '../../support/conserved.ts'
import { order, orders, produce, registerOrders, skipLines } from '../../support/orders.ts'
import { rawRows } from '../../support/raw-delta.ts'
import { resetOrders } from '../../support/reset-orders.ts'
import { ingestAll, scratchWorld } from '../../support/scratch-world.ts'
import type { TestWorld } from '../../support/world.ts'

const tableOf = (world: TestWorld) => world.settings.tables.get('orders')!

async function offsets(world: TestWorld): Promise<unknown[]> {
  const rows = await rawRows(
    join(world.folder, 'lake/bronze/orders'),
    'select _epoch as e, _partition as p, _offset::int as o from rows order by all',
  )
  return rows.map(({ e, p, o }) => `${String(e)}:${String(p)}@${String(o)}`)
}

/** Offsets 0–5 of partition 0, 2 is refused; 0–1 of partition 1; two commits. */
async function landed(t: TestContext): Promise<TestWorld> {
  const world = await scratchWorld(t)
  const schema = await registerOrders(world)
  await produce(world, [...orders(schema, 2), order(schema, { id: 'bad', n: -1 })], { partitions: 2 })
  await ingestAll(world)
  await produce(world, orders(schema, 3, 3), { partitions: 2 })
  await produce(world, orders(schema, 2, 10), { partitions: 2, partition: 1 })
  await ingestAll(world)
  return world
}

describe('checkpoint reset', () => {
  it('I16: backwards into the middle of a file, the rows from there on leave in the same commit and are read again once', async (t) => {
    const world = await landed(t)
    const before = await offsets(world)
    const version = (await openSnapshot(world.lake.at('bronze/orders')))!.version
    assert.equal(await resetOrders(world, { partition: 0, target: { kind: 'offset', offset: 1n } }), version + 1)
    assert.deepEqual(await offsets(world), ['0:0@0', '0:1@0', '0:1@1'])
    await assertConserved(world)
    await ingestAll(world)
    assert.deepEqual(await offsets(world), before)
    await assertConserved(world)
  })

  it('I16: forwards, what was passed over is a skip (reset) that verify counts, and reset back takes the skip away', async (t) => {
    const world = await landed(t)
    await produce(world, orders(await registerOrders(world), 4, 20), { partitions: 2 })
    await resetOrders(world, { target: { kind: 'latest' } })
    await ingestAll(world)
    assert.equal((await offsets(world)).length, 7)
    await assertConserved(world)
    const skips = async () =>
      (await skipLines(join(world.folder, 'lake'))).map(({ partition, first, next, reason }) => [
        partition,
        first,
        next,
        reason,
      ])
    assert.deepEqual(await skips(), [[0, '6', '10', 'reset']])
    await resetOrders(world, { partition: 0, target: { kind: 'offset', offset: 8n } })
    assert.deepEqual(await skips(), [[0, '6', '8', 'reset']])
    await ingestAll(world)
    assert.deepEqual((await offsets(world)).slice(5, 7), ['0:0@8', '0:0@9'])
    await assertConserved(world)
  })

  it('by time, at the first record of that time or later', async (t) => {
    const world = await scratchWorld(t)
    const schema = await registerOrders(world)
    await produce(world, orders(schema, 3), { partitions: 1 })
    await ingestAll(world)
    await new Promise((resolve) => setTimeout(resolve, 20))
    const timeMs = Date.now()
    await produce(world, orders(schema, 2, 3), { partitions: 1 })
    await ingestAll(world)
    await resetOrders(world, { target: { kind: 'time', timeMs } })
    assert.deepEqual(await offsets(world), ['0:0@0', '0:0@1', '0:0@2'])
    await assertConserved(world)
    await ingestAll(world)
    assert.equal((await offsets(world)).length, 5)
  })

  it('a lane that has not begun may begin at the end: its table is made with the position in it', async (t) => {
    const world = await scratchWorld(t)
    const schema = await registerOrders(world)
    await produce(world, orders(schema, 3), { partitions: 1 })
    await resetOrders(world, { target: { kind: 'latest' } })
    await produce(world, orders(schema, 1, 9), { partitions: 1 })
    await ingestAll(world)
    assert.deepEqual(await offsets(world), ['0:0@3'])
    await assertConserved(world)
  })

  it('twice is once: a position that stands there commits nothing', async (t) => {
    const world = await landed(t)
    await resetOrders(world, { partition: 0, target: { kind: 'offset', offset: 3n } })
    const version = (await openSnapshot(world.lake.at('bronze/orders')))!.version
    assert.equal(await resetOrders(world, { partition: 0, target: { kind: 'offset', offset: 3n } }), null)
    assert.equal((await openSnapshot(world.lake.at('bronze/orders')))!.version, version)
  })

  it('I3: a commit that comes in between makes it plan again, and no skip of the first try is left', async (t) => {
    const world = await landed(t)
    const schema = await registerOrders(world)
    await produce(world, orders(schema, 4, 20), { partitions: 2 })
    const request = { table: tableOf(world), partition: 0, target: { kind: 'latest' } as const, accept: false }
    const prepared = await prepareReset(world, request)
    await ingestAll(world)
    await produce(world, orders(schema, 1, 30), { partitions: 2 })
    await resetLane(world, prepared)
    assert.deepEqual(
      (await skipLines(join(world.folder, 'lake'))).map(({ first, next }) => [first, next]),
      [['10', '11']],
    )
    await assertConserved(world)
  })

  it('I18: a topic that was made again is another epoch once accepted; its rows join those of the old one', async (t) => {
    const world = await landed(t)
    await world.embedded.deleteTopic('orders')
    const schema = await registerOrders(world)
    await produce(world, orders(schema, 2, 50), { partitions: 2 })
    const stopped = await ingestAll(world)
    assert.match(
      JSON.stringify(stopped, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
      /SOURCE_CHANGED/,
    )
    await assert.rejects(
      resetOrders(world, { target: { kind: 'earliest' } }),
      (error: unknown) => error instanceof SluiceError && error.code === 'SOURCE_CHANGED',
    )
    const { lanes } = await readCheckpoints(world, { topic: null, partition: 0, source: null })
    assert.deepEqual(
      lanes.map(({ state, next }) => [state, next]),
      [['topic_changed', 6n]],
    )
    await resetOrders(world, { accept: true })
    await ingestAll(world)
    assert.deepEqual(await offsets(world), [
      '0:0@0',
      '0:0@1',
      '0:0@3',
      '0:0@4',
      '0:0@5',
      '0:1@0',
      '0:1@1',
      '1:0@0',
      '1:0@1',
    ])
    await assertConserved(world)
  })
})
