import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { TopicLog } from '../../../src/ports/topic-log.ts'
import { verifyTable } from '../../../src/operate/verify.ts'
import { faultyStore } from '../../support/faulty-store.ts'
import { ORDER_FIELDS, order, orders, produce, registerOrders } from '../../support/orders.ts'
import { rawRows } from '../../support/raw-delta.ts'
import { ingestAll, scratchWorld } from '../../support/scratch-world.ts'
import type { TestWorld, TestWorldOptions } from '../../support/world.ts'

/** With workers the next flush is read while one is written: what becomes of it, however its commit turns out. */

const PARTITIONS = 2
const EACH = 600
const BATCH = 50
const BAD = 2 * PARTITIONS
/** A flush holds several fetches, a pass several flushes. */
const LIMITS = { workers: 2, fetchBytes: 1_500, flushBytes: 15_000 }

interface Reading {
  readonly world: TestWorld
  /** `partition/offset` of each batch that came from the log, as often as it came. */
  readonly came: string[]
}

async function readingWorld(t: TestContext, options: Partial<TestWorldOptions> = {}): Promise<Reading> {
  const came: string[] = []
  const log = (real: TopicLog): TopicLog => ({
    ...real,
    fetch: async (request) => {
      const fetched = await real.fetch(request)
      // A look at one record that was read before asks for no more.
      if (fetched.kind === 'batches' && request.maxBytes === LIMITS.fetchBytes)
        came.push(...fetched.batches.map(({ partition, first }) => `${partition}/${first}`))
      return fetched
    },
  })
  return { world: await scratchWorld(t, { ingest: LIMITS, log, ...options }), came }
}

/** `n` counts up within a partition; the last order of each half is bad. */
async function produceOrders(world: TestWorld): Promise<void> {
  const schema = await registerOrders(world)
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const records = orders(schema, EACH)
    for (const at of [EACH / 2 - 1, EACH - 1]) records[at] = order(schema, { id: 'bad', n: -1 })
    for (let from = 0; from < EACH; from += BATCH)
      await produce(world, records.slice(from, from + BATCH), { partitions: PARTITIONS, partition })
  }
}

const askRows = (world: TestWorld, sql: string): Promise<Record<string, unknown>[]> =>
  rawRows(join(world.folder, 'lake/bronze/orders'), sql)

async function proveAll(world: TestWorld): Promise<void> {
  const proof = await verifyTable(world, world.settings.tables.get('orders')!, { againstLog: true })
  assert.equal(proof.ok, true)
  const counts = 'select count(*)::int as n, count(distinct (_partition, _offset))::int as places from rows'
  const good = EACH * PARTITIONS - BAD
  assert.deepEqual(await askRows(world, counts), [{ n: good, places: good }])
}

test('I4: what is read while a flush is written begins the next one: nothing is read twice, nothing lost or doubled', async (t) => {
  const { world, came } = await readingWorld(t)
  await produceOrders(world)
  const [report] = await ingestAll(world)
  assert.deepEqual([report!.landed, report!.quarantined, report!.errors], [EACH * PARTITIONS - BAD, BAD, []])
  assert.ok(report!.version! >= 2, `${report!.version} is not enough commits`)
  assert.equal(came.length, (EACH / BATCH) * PARTITIONS)
  assert.equal(new Set(came).size, came.length)
  const happened = world.events.seen.filter(({ type }) => type === 'fetch.done').length
  assert.equal(happened, came.length)
  await proveAll(world)
})

test('I3: a contract that takes force while a flush is written judges all of the next one', async (t) => {
  let late: number | null = null
  const { world } = await readingWorld(t, {
    lake: (real) => ({
      ...faultyStore(real, () => null),
      at: (below) => {
        const store = faultyStore(real, () => null).at(below)
        return {
          ...store,
          putIfAbsent: async (path, bytes) => {
            if (late === null && /_delta_log\/0{19}1\.json$/.test(path)) {
              const looser = { name: 'n', type: 'int', constraints: { minimum: -10 } }
              late = (await registerOrders(world, [ORDER_FIELDS[0]!, looser])).id
            }
            return store.putIfAbsent(path, bytes)
          },
        }
      },
    }),
  })
  await produceOrders(world)
  const [report] = await ingestAll(world)
  assert.deepEqual(report!.errors, [])
  assert.ok(late !== null)
  const before = world.events.seen.reduce(
    (sum, event) => sum + (event.type === 'flush.done' && event.version <= 1 ? event.landed : 0),
    0,
  )
  const judged = `select count(*) filter (_contract_id <> ${late as number})::int as before,
    count(*) filter (n < 0 and _contract_id <> ${late as number})::int as wrong,
    count(*) filter (n < 0)::int >= ${PARTITIONS} as loosened from rows`
  assert.deepEqual(await askRows(world, judged), [{ before, wrong: 0, loosened: true }])
  assert.ok(before > 0)
  const proof = await verifyTable(world, world.settings.tables.get('orders')!, { againstLog: true })
  assert.equal(proof.ok, true)
})

for (const step of ['fetch.done', 'letters.written', 'data_file.written', 'commit.done'] as const) {
  test(`I4: a pass that is asked to end at ${step} leaves nothing under way, and the next one completes`, async (t) => {
    const ending = new AbortController()
    const { world } = await readingWorld(t, { signal: ending.signal })
    await produceOrders(world)
    const emit = world.events.emit.bind(world.events)
    let left = 2
    world.events.emit = (event) => {
      emit(event)
      if (event.type === step && (left -= 1) === 0) ending.abort(new Error('asked to end'))
    }
    const [report] = await ingestAll(world)
    assert.deepEqual(report!.errors, [])
    const next = await scratchWorld(t, { folder: world.folder, ingest: LIMITS })
    assert.deepEqual((await ingestAll(next))[0]!.errors, [])
    await proveAll(next)
  })
}

test('I4: a commit that fails once drops what was read ahead; the next pass reads all of it from the table’s position', async (t) => {
  let left = 1
  const { world } = await readingWorld(t, {
    lake: (real) =>
      faultyStore(real, (_call, path) => {
        if (left === 0 || !/_delta_log\/0{19}1\.json$/.test(path)) return null
        left -= 1
        return { error: Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }), done: false }
      }),
  })
  await produceOrders(world)
  const [failed] = await ingestAll(world)
  assert.deepEqual(
    failed!.errors.map(({ code }) => code),
    ['DISK_FULL'],
  )
  assert.deepEqual((await ingestAll(world))[0]!.errors, [])
  await proveAll(world)
})
