import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../../src/adapters/clock/system-clock.ts'
import type { SluiceError } from '../../../src/domain/errors.ts'
import { LaneFollower, type LaneListener } from '../../../src/ingest/follow/follow-lane.ts'
import { HeldBytes } from '../../../src/ingest/follow/held-bytes.ts'
import { verifyTable } from '../../../src/operate/verify.ts'
import type { Assignment } from '../../../src/ports/assignment.ts'
import type { Clock } from '../../../src/ports/clock.ts'
import type { TopicLog } from '../../../src/ports/topic-log.ts'
import { message, order, ORDER_FIELDS, orders, produce, registerOrders } from '../../support/orders.ts'
import { activeFiles, rawRows } from '../../support/raw-delta.ts'
import { ingestAll, scratchWorld } from '../../support/scratch-world.ts'
import type { TestWorld } from '../../support/world.ts'

const SHORT = { flushAgeMs: 150 }
const LONG = { flushAgeMs: 3_600_000 }

interface Followed {
  readonly stops: Map<number, SluiceError>
  readonly went: Set<number>
  readonly follower: LaneFollower
  /** Asks for the end and waits for it. */
  readonly end: () => Promise<void>
}

function follow(
  t: TestContext,
  world: TestWorld,
  over: { readonly assignment?: Assignment; readonly log?: TopicLog } = {},
): Followed {
  const ending = new AbortController()
  const stops = new Map<number, SluiceError>()
  const went = new Set<number>()
  const listener: LaneListener = {
    stopped: (partition, error) => stops.set(partition, error),
    went: (partition) => {
      stops.delete(partition)
      went.add(partition)
    },
    turned: () => undefined,
    alive: () => undefined,
  }
  const table = world.settings.tables.get('orders')!
  const follower = new LaneFollower({ world: { ...world, ...over }, table, heldBytes: new HeldBytes(), listener })
  const followed = follower.follow(ending.signal)
  const end = async (): Promise<void> => {
    ending.abort()
    await followed
  }
  t.after(end)
  return { stops, went, follower, end }
}

const table = (world: TestWorld): string => join(world.folder, 'lake/bronze/orders')
async function landed(world: TestWorld): Promise<number> {
  const files = await activeFiles(table(world)).catch(() => [])
  if (files.length === 0) return 0
  return Number(
    (await rawRows(table(world), 'select count(distinct (_partition, _offset))::int as n from rows'))[0]!['n'],
  )
}
async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let i = 0; i < 1_200; i += 1) {
    if (await holds()) return
    await sleep(50)
  }
  assert.fail(`never: ${what}`)
}
async function proveWhole(world: TestWorld, rows: number): Promise<void> {
  const proof = await verifyTable(world, world.settings.tables.get('orders')!, { againstLog: true })
  assert.equal(proof.ok, true)
  assert.deepEqual(await rawRows(table(world), 'select count(*)::int as n from rows'), [{ n: rows }])
  const [again] = await ingestAll(world)
  assert.deepEqual([again!.read, again!.committed], [0, false])
}

test('records land within the flush age while the lane goes on, and one flush takes what came meanwhile', async (t) => {
  // Time stands until both partitions are read.
  let stoodMs: number | null = systemClock.nowMs()
  const clock: Clock = { ...systemClock, nowMs: () => stoodMs ?? systemClock.nowMs() }
  const world = await scratchWorld(t, { ingest: SHORT, clock })
  const schema = await registerOrders(world)
  const lane = follow(t, world)
  const fetched = (): number => world.events.seen.filter(({ type }) => type === 'fetch.done').length
  await produce(world, orders(schema, 2), { partitions: 2 })
  await until('the first partition is read', () => fetched() === 1)
  await produce(world, [...orders(schema, 3, 2), order(schema, { id: 'bad', n: -1 })], { partition: 1 })
  await until('the other is read', () => fetched() === 2)
  assert.equal(await landed(world), 0)
  stoodMs = null
  await until('the first flush', async () => (await landed(world)) === 5)
  await produce(world, orders(schema, 1, 5))
  await until('the second flush', async () => (await landed(world)) === 6)
  await lane.end()
  const flushes = world.events.seen.filter(({ type }) => type === 'flush.done')
  assert.equal(flushes.length, 2)
  await proveWhole(world, 6)
})

test('I8: a table that another process moved past what was seen of the log a moment ago is no lane to stop', async (t) => {
  const world = await scratchWorld(t, { ingest: SHORT })
  const schema = await registerOrders(world)
  await produce(world, orders(schema, 2))
  const seen = await world.log.describe('orders')
  await produce(world, orders(schema, 3, 2))
  await ingestAll(world)
  await produce(world, orders(schema, 1, 5))
  let looks = 0
  const log: TopicLog = {
    ...world.log,
    describe: (topic) => ((looks += 1) === 1 ? Promise.resolve(seen) : world.log.describe(topic)),
  }
  const lane = follow(t, world, { log })
  await until('the record lands', async () => (await landed(world)) === 6)
  await lane.end()
  assert.deepEqual(
    world.events.seen.filter(({ type }) => type === 'lane.stopped'),
    [],
  )
  await proveWhole(world, 6)
})

test('at the end what is held is committed, however young, and the leases are given back', async (t) => {
  const world = await scratchWorld(t, { ingest: LONG })
  const schema = await registerOrders(world)
  await produce(world, orders(schema, 3))
  const lane = follow(t, world)
  await until('the records are read', () => world.events.seen.some(({ type }) => type === 'fetch.done'))
  await lane.end()
  assert.equal(await landed(world), 3)
  assert.equal((await world.assignment.held('ingest/orders')).size, 0)
  await proveWhole(world, 3)
})

test('I8: a partition that stops leaves the others running, gives its lease back and goes on once it can', async (t) => {
  const world = await scratchWorld(t, { ingest: SHORT })
  const elsewhere = await scratchWorld(t)
  const schema = await registerOrders(world)
  const wider = [...ORDER_FIELDS, { name: 'note', type: ['null', 'string'], default: null }]
  const later = await registerOrders(elsewhere, wider)
  await produce(world, [...orders(schema, 2), order(later, { id: 'late', n: 1, note: 'x' })], { partitions: 2 })
  const lane = follow(t, world)
  await until('it stops', () => lane.stops.size > 0)
  assert.deepEqual(
    [...lane.stops].map(([partition, { code, where }]) => [partition, code, where.offset]),
    [[0, 'SCHEMA_ID_UNKNOWN', '2']],
  )
  await produce(world, orders(schema, 4, 10), { partition: 1 })
  await until('the other partition lands', async () => (await landed(world)) === 6)
  assert.deepEqual([...(await world.assignment.held('ingest/orders'))], ['orders/1'])
  lane.follower.retryNow()
  await until('it was looked at again', async () => !(await world.assignment.held('ingest/orders')).has('orders/0'))
  await registerOrders(world, wider)
  lane.follower.retryNow()
  await until('it goes on', async () => (await landed(world)) === 7)
  await until('its stop is over', () => lane.stops.size === 0)
  await lane.end()
  assert.equal(world.events.seen.filter(({ type }) => type === 'lane.stopped').length, 1)
  await proveWhole(world, 7)
})

test('I3: what is held of a partition that went to another process is dropped, and lands once', async (t) => {
  const world = await scratchWorld(t, { ingest: LONG })
  const schema = await registerOrders(world)
  await produce(world, orders(schema, 3), { partitions: 2 })
  await produce(world, orders(schema, 4, 3), { partition: 1 })
  let mine = new Set(['orders/0', 'orders/1'])
  const assignment: Assignment = {
    ...world.assignment,
    join: async () => ({
      poll: async () => mine,
      want: async () => undefined,
      release: async () => undefined,
      tell: async () => undefined,
      leave: async () => undefined,
    }),
  }
  const lane = follow(t, world, { assignment })
  const fetched = (): number => world.events.seen.filter(({ type }) => type === 'fetch.done').length
  await until('both are held', () => fetched() === 2)
  mine = new Set(['orders/1'])
  await sleep(1_500)
  const other = await scratchWorld(t, { folder: world.folder })
  const [report] = await ingestAll(other)
  assert.equal(report!.landed, 7)
  await produce(world, orders(schema, 1, 50), { partition: 1 })
  await sleep(200)
  await lane.end()
  await ingestAll(other)
  await proveWhole(other, 8)
})

test('two processes share a lane; when one ends the other takes what it read, and nothing is lost or doubled', async (t) => {
  const first = await scratchWorld(t, { ingest: SHORT })
  const second = await scratchWorld(t, { folder: first.folder, ingest: SHORT })
  const schema = await registerOrders(first)
  await produce(first, [], { partitions: 4 })
  let made = 0
  const deliver = async (): Promise<void> => {
    for (let partition = 0; partition < 4; partition += 1) {
      await produce(first, orders(schema, 5, made), { partition })
      made += 5
    }
  }
  const lanes = [follow(t, first), follow(t, second)]
  await deliver()
  await until('both read', async () => {
    await deliver()
    await sleep(100)
    return lanes.every(({ went }) => went.size >= 2)
  })
  await lanes[0]!.end()
  await deliver()
  await until('the other reads all', async () => (await landed(second)) === made)
  await lanes[1]!.end()
  await proveWhole(second, made)
})

test('a topic that is not there yet is waited for; one that vanished stops the lane', async (t) => {
  const world = await scratchWorld(t, { ingest: SHORT })
  const schema = await registerOrders(world)
  const ending = new AbortController()
  const listener = { stopped: () => undefined, went: () => undefined, turned: () => undefined, alive: () => undefined }
  const lane = world.settings.tables.get('orders')!
  const followed = new LaneFollower({ world, table: lane, heldBytes: new HeldBytes(), listener }).follow(ending.signal)
  const end = assert.rejects(followed, { code: 'SOURCE_CHANGED' })
  await sleep(100)
  await produce(world, [...orders(schema, 1), message(null, { key: 'gone' })])
  await until('it lands', async () => (await landed(world)) === 2)
  await world.embedded.deleteTopic('orders')
  await end
})
