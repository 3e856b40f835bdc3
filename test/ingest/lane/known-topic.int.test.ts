import assert from 'node:assert/strict'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { SluiceError } from '../../../src/domain/errors.ts'
import { KnownTopic } from '../../../src/ingest/lane/known-topic.ts'
import { openSnapshot } from '../../../src/lake/snapshot.ts'
import { prepareReset, resetLane } from '../../../src/operate/checkpoint/reset-lane.ts'
import { verifyTable } from '../../../src/operate/verify.ts'
import { order, orders, produce, registerOrders } from '../../support/orders.ts'
import { rawRows } from '../../support/raw-delta.ts'
import { ingestAll, scratchWorld } from '../../support/scratch-world.ts'
import { openTestWorld, type TestWorld, type TestWorldOptions } from '../../support/world.ts'
import type { EmbeddedLog } from '../../../src/adapters/embedded-log/embedded-log.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import type { TopicLog } from '../../../src/ports/topic-log.ts'

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

/** Tells of each range that is read of a data file. */
function readTelling(real: ObjectStore, told: (path: string) => void): ObjectStore {
  return new Proxy(real, {
    get(_, name) {
      const value: unknown = Reflect.get(real, name)
      if (name === 'at') return (folder: string) => readTelling(real.at(folder), told)
      if (name === 'readRange' || name === 'read')
        return (path: string, ...range: [number, number]) => {
          if (path.endsWith('.parquet')) told(path)
          return name === 'read' ? real.read(path) : real.readRange(path, ...range)
        }
      return typeof value === 'function' ? (value.bind(real) as unknown) : value
    },
  })
}

/** A log whose records have other times once it changed; asked at each fetch. */
function changingLog(real: EmbeddedLog, changed: () => boolean): TopicLog {
  return new Proxy(real, {
    get(_, name) {
      if (name === 'fetch')
        return async (request: Parameters<TopicLog['fetch']>[0]) => {
          const fetched = await real.fetch(request)
          if (!changed() || fetched.kind !== 'batches') return fetched
          const batches = fetched.batches.map((batch) => ({
            ...batch,
            timestampsMs: batch.timestampsMs.map((ms) => ms + 60_000),
          }))
          return { ...fetched, batches }
        }
      const value: unknown = Reflect.get(real, name)
      return typeof value === 'function' ? (value.bind(real) as unknown) : value
    },
  })
}

const PARTITIONS = 2
const RECORDS = 40

/** Two partitions of batches of one record; each batch is a flush. */
async function manyFlushes(
  t: TestContext,
  options: Pick<TestWorldOptions, 'lake' | 'log'>,
  last: 'good' | 'refused' = 'good',
): Promise<TestWorld> {
  const world = await scratchWorld(t, { ...options, ingest: { flushBytes: 1, fetchBytes: 1 } })
  const schema = await registerOrders(world)
  for (let partition = 0; partition < PARTITIONS; partition += 1)
    for (let n = 0; n < RECORDS / PARTITIONS; n += 1) {
      const bad = last === 'refused' && n % 2 === 1
      const record = order(schema, { id: `${partition}-${n}`, n: bad ? -1 : n }, { timestampMs: 1_700_000_000_000 + n })
      await produce(world, [record], { partition, partitions: PARTITIONS })
    }
  return world
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

  it('I8: what landed while it could be read, and is damaged now, keeps nobody from what comes after it', async (t) => {
    const world = await scratchWorld(t, {
      log: (real) =>
        new Proxy(real, {
          get(_, name) {
            if (name === 'fetch')
              return (request: Parameters<TopicLog['fetch']>[0]) =>
                request.from === 1n && request.maxBytes === 1
                  ? Promise.reject(new SluiceError('LOG_CORRUPT', 'the batch at offset 1 of orders/0 is damaged'))
                  : real.fetch(request)
            const value: unknown = Reflect.get(real, name)
            return typeof value === 'function' ? (value.bind(real) as unknown) : value
          },
        }),
    })
    const schema = await registerOrders(world)
    await produce(world, orders(schema, 2))
    await ingestAll(world)
    await produce(world, orders(schema, 1, 2))
    const [report] = await ingestAll(world)
    assert.deepEqual(report!.errors, [])
    assert.equal((await rows(world)).length, 3)
  })

  it('I18: a lane that began at the start knows the log by what it read itself, and opens no data file', async (t) => {
    for (const last of ['good', 'refused'] as const) {
      const opened: string[] = []
      let fetches = 0
      const world = await manyFlushes(
        t,
        {
          lake: (real) => readTelling(real, (path) => opened.push(path)),
          log: (real) =>
            changingLog(real, () => {
              fetches += 1
              return false
            }),
        },
        last,
      )
      await ingestAll(world)
      assert.deepEqual(opened, [])
      // Each record, and after the first flush the one that it read once more, to see that it still stands there.
      assert.equal(fetches, RECORDS + 1)
      assert.equal((await verifyTable(world, world.settings.tables.get('orders')!, { againstLog: true })).ok, true)
    }
  })

  it('I18: a log that changed behind its first flush stops the lane at its next look', async (t) => {
    for (const last of ['good', 'refused'] as const) {
      let changed = false
      const world = await manyFlushes(t, { log: (real) => changingLog(real, () => changed) }, last)
      const { seen } = world.events
      const push = seen.push.bind(seen)
      seen.push = (...events) => {
        if (events.some(({ type }) => type === 'flush.done')) changed = true
        return push(...events)
      }
      const [report] = await ingestAll(world)
      assert.equal(report!.errors[0]?.code, 'SOURCE_CHANGED')
      assert.match(report!.errors[0].message, /orders\/0 offset 0 with time 2023-11-14T22:13:20.000Z/)
    }
  })

  it('I18: where another process moved the position on, the data files are asked', async (t) => {
    const opened: string[] = []
    const world = await manyFlushes(t, { lake: (real) => readTelling(real, (path) => opened.push(path)) })
    await ingestAll(world)
    const topic = (await world.log.describe('orders'))!
    const snapshot = await openSnapshot(world.lake.at('bronze/orders'))
    const table = world.settings.tables.get('orders')!
    const reached = (next: bigint, epoch = 0, source = topic.source) => ({
      partition: 0,
      position: { next, epoch, source },
      last: { offset: next - 1n, recordTs: 1_700_000_000_000_000n + (next - 1n) * 1000n },
    })
    const asks = async (...known: ReturnType<typeof reached>[]): Promise<number> => {
      opened.length = 0
      const knowing = new KnownTopic()
      for (const each of known) knowing.reach([each])
      const sight = { world, table, topic, snapshot, partitions: [0] }
      assert.equal((await knowing.strangers(sight)).size, 0)
      const asked = opened.length
      // Asked once for the life of a lane.
      opened.length = 0
      await knowing.strangers(sight)
      assert.equal(opened.length, 0)
      return asked
    }
    const end = BigInt(RECORDS / PARTITIONS)
    assert.ok((await asks()) > 0)
    assert.equal(await asks(reached(end)), 0)
    assert.equal(await asks(reached(end - 1n), reached(end)), 0)
    for (const other of [reached(end - 1n), reached(end, 1), reached(end, 0, topic.source + 1n)])
      assert.ok((await asks(other)) > 0)
  })
})
