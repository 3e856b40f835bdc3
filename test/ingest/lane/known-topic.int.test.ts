import assert from 'node:assert/strict'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { KnownTopic } from '../../../src/ingest/lane/known-topic.ts'
import { openSnapshot } from '../../../src/lake/snapshot.ts'
import { prepareReset, resetLane } from '../../../src/operate/checkpoint/reset-lane.ts'
import { verifyTable } from '../../../src/operate/verify.ts'
import { order, orders, produce, registerOrders } from '../../support/orders.ts'
import { rawRows } from '../../support/raw-delta.ts'
import { ingestAll, scratchWorld } from '../../support/scratch-world.ts'
import { openTestWorld, type TestWorld } from '../../support/world.ts'

/** Four records landed, then the log is put back as it was after two of them, and grows by others past where it was. */
async function putBack(t: TestContext): Promise<TestWorld> {
  const first = await scratchWorld(t)
  const { folder } = first
  const schema = await registerOrders(first)
  await produce(first, orders(schema, 2))
  await first.embedded.close()
  await cp(join(folder, 'log'), join(folder, 'copy'), { recursive: true })
  const second = await openTestWorld({ folder })
  await produce(second, orders(schema, 2, 2))
  await ingestAll(second)
  await second.close()
  await rm(join(folder, 'log'), { recursive: true })
  await cp(join(folder, 'copy'), join(folder, 'log'), { recursive: true })
  const third = await scratchWorld(t, { folder })
  const later = [2, 3, 4].map((n) => order(schema, { id: `other${n}`, n }, { timestampMs: 1_800_000_000_000 + n }))
  await produce(third, later)
  return third
}

function rows(world: TestWorld): Promise<unknown[]> {
  const sql = 'select _epoch as e, _offset::int as o, id from rows order by all'
  return rawRows(join(world.folder, 'lake/bronze/orders'), sql)
}

describe('the last landed record', () => {
  it('I8, I18: a log put back from a copy stops the lane by its code, before anything of it lands', async (t) => {
    const world = await putBack(t)
    const before = await rows(world)
    const [report] = await ingestAll(world)
    const [error] = report!.errors
    assert.equal(error?.code, 'SOURCE_CHANGED')
    assert.match(
      error?.message ?? '',
      /offset 3 with time 2023-11-14T22:13:20.000Z, and the log holds a record of 2027-01-15/,
    )
    assert.deepEqual(await rows(world), before)
  })

  it('I18: accepted, what the log holds now is the next epoch, and both are proved', async (t) => {
    const world = await putBack(t)
    const table = world.settings.tables.get('orders')!
    await resetLane(world, await prepareReset(world, { table, partition: null, target: null, accept: true }))
    await ingestAll(world)
    assert.equal((await rows(world)).length, 9)
    assert.equal((await verifyTable(world, table, { againstLog: true })).ok, true)
  })

  it('an untouched log is known, also where the last records were refused', async (t) => {
    const world = await scratchWorld(t)
    const schema = await registerOrders(world)
    await produce(world, [...orders(schema, 2), order(schema, { id: 'bad', n: -1 })])
    await ingestAll(world)
    const topic = (await world.log.describe('orders'))!
    const snapshot = await openSnapshot(world.lake.at('bronze/orders'))
    const table = world.settings.tables.get('orders')!
    const sight = { world, table, topic, snapshot, partitions: [0] }
    assert.equal((await new KnownTopic().strangers(sight)).size, 0)
  })
})
