import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lastChangeMs } from '../../src/lake/last-change.ts'
import { entryPath } from '../../src/lake/log/log-file.ts'
import { measureLag, type LagWorld } from '../../src/operate/lag.ts'
import { orders, produce, registerOrders } from '../support/orders.ts'
import { ingestAll, scratchWorld } from '../support/scratch-world.ts'
import { HOUR, openVacuumFixture } from './vacuum/vacuum-fixture.ts'

test('a commit that comes while lag is measured never shows the table past the end of its log', async (t) => {
  const world = await scratchWorld(t)
  const schema = await registerOrders(world)
  await produce(world, orders(schema, 3))
  await ingestAll(world)
  let first = 3
  const advance = async (): Promise<void> => {
    await produce(world, orders(schema, 2, first))
    first += 2
    await ingestAll(world)
  }
  const described = world.log.describe.bind(world.log)
  let isMoving = true
  const log = {
    fetch: world.log.fetch.bind(world.log),
    async describe(topic: string) {
      if (!isMoving) return described(topic)
      isMoving = false
      await advance()
      const description = await described(topic)
      await advance()
      return description
    },
  } as unknown as LagWorld['log']
  const { settings, assignment, lake, clock } = world
  const look = async (): Promise<readonly bigint[]> => {
    const { partitions } = await measureLag({ settings, assignment, lake, clock, log })
    return partitions.flatMap(({ next, end, lag }) => [next, end, lag])
  }
  assert.deepEqual(await look(), [3n, 5n, 2n])
  assert.deepEqual(await look(), [7n, 7n, 0n])
})

test('freshness counts from the last commit that changed rows, not from compactions, positions and vacuums', async () => {
  const { put, commit, clock, snapshot, store } = openVacuumFixture()
  const changed = async (): Promise<number | null> => lastChangeMs(store, (await snapshot()).version)
  await commit({ adds: [] })
  assert.equal(await changed(), null)
  clock.ms += HOUR
  await commit({ adds: [await put('a', 10), await put('b', 10)] })
  const written = clock.ms
  assert.equal(await changed(), written)
  clock.ms += HOUR
  const all = [...(await snapshot()).files.values()]
  await commit({ adds: [await put('c', 20)], removes: all, reads: 'removed-files', dataChange: false })
  clock.ms += HOUR
  await commit({ adds: [], txns: new Map([['sluice/orders/0', 7n]]) })
  assert.equal(await changed(), written)
  clock.ms += HOUR
  await commit({ adds: [], removes: [...(await snapshot()).files.values()], reads: 'removed-files' })
  assert.equal(await changed(), clock.ms)
})

test('where the log is cut, the age is at least that of the oldest commit that is left', async () => {
  const { put, commit, clock, snapshot, store } = openVacuumFixture()
  await commit({ adds: [await put('a', 10)] })
  clock.ms += HOUR
  const all = [...(await snapshot()).files.values()]
  await commit({ adds: [await put('b', 10)], removes: all, reads: 'removed-files', dataChange: false })
  const compacted = clock.ms
  await store.delete([entryPath(0)])
  assert.equal(await lastChangeMs(store, 1), compacted)
})
