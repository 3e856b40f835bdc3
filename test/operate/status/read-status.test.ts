import assert from 'node:assert/strict'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { frameRecord } from '../../../src/contract/wire.ts'
import { SluiceError } from '../../../src/domain/errors.ts'
import { measureLag } from '../../../src/operate/lag.ts'
import { readCheckpoints } from '../../../src/operate/checkpoint/show-checkpoints.ts'
import { readStatus, stoppedError, type Status } from '../../../src/operate/status/read-status.ts'
import type { TopicLog } from '../../../src/ports/topic-log.ts'
import { buildModels } from '../../../src/transform/build.ts'
import { loadModels } from '../../../src/settings/model-file.ts'
import { message, orders, produce, registerOrders } from '../../support/orders.ts'
import { ingestAll, scratchWorld } from '../../support/scratch-world.ts'
import type { TestWorld } from '../../support/world.ts'

const lanesOf = ({ lanes }: Status): unknown[] =>
  lanes.map(({ partition, state, stop, next, end, lag, nextCommand }) => [
    partition,
    state,
    stop?.code ?? null,
    next,
    end,
    lag,
    nextCommand,
  ])

test('a lane is idle, with what it has still to read, before and after ingest', async (t) => {
  const world = await scratchWorld(t)
  assert.deepEqual(lanesOf(await readStatus(world)), [[null, 'idle', null, null, null, null, null]])
  const schema = await registerOrders(world)
  await produce(world, orders(schema, 3), { partitions: 2 })
  const before = await readStatus(world)
  assert.deepEqual(lanesOf(before), [
    [0, 'idle', null, null, 3n, 3n, 'sluice ingest bronze.orders'],
    [1, 'idle', null, null, 0n, 0n, null],
  ])
  await ingestAll(world)
  const after = await readStatus(world)
  assert.deepEqual(lanesOf(after), [
    [0, 'idle', null, 3n, 3n, 0n, null],
    [1, 'idle', null, after.lanes[1]!.next, 0n, 0n, null],
  ])
  assert.equal(stoppedError(after), null)
})

test('a lane that a live process holds is running', async (t) => {
  const world = await scratchWorld(t)
  const schema = await registerOrders(world)
  await produce(world, orders(schema, 1))
  const other = await scratchWorld(t, { folder: world.folder })
  const member = await other.assignment.join('ingest/orders', ['orders/0'])
  await member.poll()
  assert.equal((await readStatus(world)).lanes[0]!.state, 'running')
  await member.leave()
  assert.equal((await readStatus(world)).lanes[0]!.state, 'idle')
})

test('I8: a lane that another process moves while it is looked at is no stopped one', async (t) => {
  const world = await scratchWorld(t)
  const schema = await registerOrders(world)
  await produce(world, orders(schema, 3))
  await ingestAll(world)
  let moved = false
  const log: TopicLog = {
    ...world.log,
    describe: async (topic) => {
      const seen = await world.log.describe(topic)
      if (!moved) {
        moved = true
        await produce(world, orders(schema, 2, 3))
        await ingestAll(world)
      }
      return seen
    },
  }
  const [lane] = (await readStatus({ ...world, log })).lanes
  assert.deepEqual([lane!.state, lane!.stop], ['idle', null])
  moved = false
  const { lanes } = await readCheckpoints({ ...world, log }, { topic: null, partition: null, source: null })
  assert.deepEqual(
    lanes.map(({ state }) => state),
    ['ok'],
  )
})

test('I8: a record that is damaged stops its partition in the status, which tells of all others too', async (t) => {
  const world = await scratchWorld(t)
  const schema = await registerOrders(world)
  await produce(world, orders(schema, 3), { partitions: 2 })
  const damaged = new SluiceError('LOG_CORRUPT', 'the batch at offset 0 of orders/0 is damaged')
  const log: TopicLog = {
    ...world.log,
    fetch: (at) => (at.partition === 0 ? Promise.reject(damaged) : world.log.fetch(at)),
  }
  const status = await readStatus({ ...world, log })
  assert.deepEqual(
    lanesOf(status).map((lane) => (lane as unknown[]).slice(0, 3)),
    [
      [0, 'stopped', 'LOG_CORRUPT'],
      [1, 'idle', null],
    ],
  )
  const { partitions } = await measureLag({ ...world, log })
  assert.deepEqual(
    partitions.map(({ partition, lag, lagSeconds }) => [partition, lag, lagSeconds]),
    [
      [0, 3n, null],
      [1, 0n, 0],
    ],
  )
  const away = new SluiceError('LOG_UNAVAILABLE', 'the broker did not answer')
  await assert.rejects(readStatus({ ...world, log: { ...log, fetch: () => Promise.reject(away) } }), {
    code: 'LOG_UNAVAILABLE',
  })
})

test('what would stop a lane at its next record is told without reading it (I8)', async (t) => {
  const stopOf = async (make: (world: TestWorld) => Promise<void>): Promise<unknown[]> => {
    const world = await scratchWorld(t)
    await make(world)
    const status = await readStatus(world)
    const error = stoppedError(status)
    assert.equal(error?.row.exit, 6)
    assert.match(error.message, /orders(\/0)? → bronze\.orders/)
    return [status.lanes[0]!.state, status.lanes[0]!.stop?.code]
  }
  const started = async (world: TestWorld): Promise<void> => {
    const schema = await registerOrders(world)
    await produce(world, orders(schema, 3))
    await ingestAll(world)
  }
  assert.deepEqual(await stopOf(async (world) => produce(world, [message(Buffer.from('x'))])), [
    'stopped',
    'CONTRACT_MISSING',
  ])
  assert.deepEqual(
    await stopOf(async (world) => {
      await registerOrders(world)
      await produce(world, [message(frameRecord(4242, Buffer.from([0])))])
    }),
    ['stopped', 'SCHEMA_ID_UNKNOWN'],
  )
  assert.deepEqual(
    await stopOf(async (world) => {
      await started(world)
      await world.embedded.deleteTopic('orders')
    }),
    ['stopped', 'SOURCE_CHANGED'],
  )
  assert.deepEqual(
    await stopOf(async (world) => {
      await started(world)
      await world.embedded.deleteTopic('orders')
      await produce(world, [message(null, { key: 'a' })])
    }),
    ['stopped', 'SOURCE_CHANGED'],
  )
  assert.deepEqual(
    await stopOf(async (world) => {
      await started(world)
      await rm(join(world.folder, 'lake/bronze/orders'), { recursive: true })
    }),
    ['stopped', 'TABLE_MISSING'],
  )
})

test('a model says whether it stands where its inputs stand, by the plan that a build follows', async (t) => {
  const world = await scratchWorld(t)
  const folder = join(world.settings.paths.models, 'silver')
  await mkdir(folder, { recursive: true })
  await writeFile(
    join(folder, 'orders.sql'),
    'select id, n, _record_ts as changed_at, _op, _record_ts, _epoch, _partition, _offset from bronze.orders',
  )
  await writeFile(join(folder, 'orders.yaml'), 'kind: merge\nkey: [id]\nsequence_by: changed_at\n')
  const modelOf = async (): Promise<unknown[]> => {
    const { models, modelsError } = await readStatus(world)
    assert.equal(modelsError, null)
    return models.map(({ model, state, behind, rows, nextCommand }) => [model, state, behind, rows, nextCommand])
  }
  const build = async (): Promise<void> => {
    const outcomes = await buildModels({
      world,
      models: loadModels(world.settings.paths.models),
      select: [],
      fullRefresh: false,
      dryRun: false,
    })
    assert.deepEqual(
      outcomes.map(({ error }) => error),
      [null],
    )
  }
  assert.deepEqual(await modelOf(), [['silver.orders', 'idle', true, null, null]])
  const schema = await registerOrders(world)
  await produce(world, orders(schema, 3))
  await ingestAll(world)
  assert.deepEqual(await modelOf(), [['silver.orders', 'idle', true, null, 'sluice build silver.orders']])
  await build()
  assert.deepEqual(await modelOf(), [['silver.orders', 'idle', false, 3, null]])
  await produce(world, orders(schema, 1, 3))
  await ingestAll(world)
  assert.deepEqual(await modelOf(), [['silver.orders', 'idle', true, 3, 'sluice build silver.orders']])
})

test('models that cannot be read do not hide the lanes', async (t) => {
  const world = await scratchWorld(t)
  const folder = join(world.settings.paths.models, 'silver')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'alone.sql'), 'select 1')
  const status = await readStatus(world)
  assert.equal(status.modelsError?.code, 'MODEL_INVALID')
  assert.equal(status.lanes.length, 1)
})
