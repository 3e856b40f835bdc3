import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openThreadPool } from '../../src/adapters/workers/thread-pool.ts'
import type { OutgoingRecord } from '../../src/domain/record-batch.ts'
import { ingestExit } from '../support/ingest-exit.ts'
import { verifyTable } from '../../src/operate/verify.ts'
import { order, orders, produce, registerOrders } from '../support/orders.ts'
import { rawRows } from '../support/raw-delta.ts'
import { ingestAll, scratchWorld } from '../support/scratch-world.ts'
import { temporaryFolder } from '../support/sluice.ts'
import type { TestWorld } from '../support/world.ts'

/** A worker thread dies in the middle of a flush: the flush is read again, and nothing is lost or doubled. */

const MORTAL = new URL('../adapters/workers/mortal-worker.ts', import.meta.url)

async function mortalWorld(t: TestContext, ingest: { readonly flushBytes?: number } = {}): Promise<TestWorld> {
  const staging = await temporaryFolder('mortal')
  const decodePool = openThreadPool({
    entry: MORTAL,
    threads: 2,
    inFlightBytes: 1 << 16,
    folder: async () => staging.path,
  })
  const world = await scratchWorld(t, { decodePool, ingest })
  t.after(() => staging.remove())
  return world
}

async function proveWhole(world: TestWorld, rows: number, letters: number): Promise<void> {
  const proof = await verifyTable(world, world.settings.tables.get('orders')!, { againstLog: true })
  assert.equal(proof.ok, true)
  const counts = 'select count(*)::int as n, count(distinct (_partition, _offset))::int as places from rows'
  assert.deepEqual(await rawRows(join(world.folder, 'lake/bronze/orders'), counts), [{ n: rows, places: rows }])
  const quarantined = proof.partitions.reduce((sum, { quarantined: each }) => sum + Number(each), 0)
  assert.equal(quarantined, letters)
}

for (const flushBytes of [1 << 26, 4_000]) {
  test(`I4: a worker that dies once, in flushes of ${flushBytes} bytes, leaves no hole and no double`, async (t) => {
    const world = await mortalWorld(t, { flushBytes })
    const schema = await registerOrders(world)
    const bad = order(schema, { id: 'bad', n: -1 })
    const fatal = (name: string): OutgoingRecord => ({
      ...order(schema, { id: name, n: 1 }),
      key: Buffer.from(`once ${join(world.folder, name)}`),
    })
    for (let partition = 0; partition < 3; partition += 1) {
      // Twice in a row at most: a third death is one too many.
      const middle = partition < 2 ? fatal(`dies-${partition}`) : order(schema, { id: 'lives', n: 1 })
      const records = [...orders(schema, 200), bad, middle, ...orders(schema, 200, 300)]
      await produce(world, records, { partitions: 3, partition })
    }
    const [report] = await ingestAll(world)
    assert.deepEqual([report!.landed, report!.quarantined, report!.errors], [1_203, 3, []])
    await proveWhole(world, 1_203, 3)
    const [again] = await ingestAll(world)
    assert.deepEqual([again!.read, again!.committed], [0, false])
  })
}

test('a worker that dies each time stops the lane with WORKER_DIED and what comes before it lands in this process', async (t) => {
  const world = await mortalWorld(t)
  const schema = await registerOrders(world)
  await produce(world, [...orders(schema, 50), { ...order(schema, { id: 'x', n: 1 }), key: Buffer.from('exit') }])
  const reports = await ingestAll(world)
  assert.deepEqual(
    reports[0]!.errors.map(({ code, message }) => [code, /code 7, 3 times in a row/.test(message)]),
    [['WORKER_DIED', true]],
  )
  assert.equal(ingestExit(reports), 5)
  const alone = await scratchWorld(t, { folder: world.folder, ingest: { workers: 0 } })
  const [report] = await ingestAll(alone)
  assert.deepEqual([report!.landed, report!.errors], [51, []])
  await proveWhole(alone, 51, 0)
})
