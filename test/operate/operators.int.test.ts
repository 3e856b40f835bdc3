import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { openSnapshot } from '../../src/lake/snapshot.ts'
import { expireLetters } from '../../src/operate/expire-letters.ts'
import { optimizeTable } from '../../src/operate/optimize/optimize-table.ts'
import { redriveTable } from '../../src/operate/redrive.ts'
import { prepareReplay, replayLane, type ReplayRequest } from '../../src/operate/replay/replay-lane.ts'
import { prepareRestore, restoreTable } from '../../src/operate/restore/restore-table.ts'
import { verifyTable } from '../../src/operate/verify.ts'
import { assertConserved } from '../support/conserved.ts'
import { order, ORDER_FIELDS, produce, registerOrders } from '../support/orders.ts'
import { resetOrders } from '../support/reset-orders.ts'
import { runSeed, seededRandom } from '../support/random.ts'
import { rawRows } from '../support/raw-delta.ts'
import { ingestAll, scratchWorld } from '../support/scratch-world.ts'
import type { TestWorld } from '../support/world.ts'

const DAY_MS = 86_400_000
const LOOSE = [ORDER_FIELDS[0]!, { name: 'n', type: 'int', constraints: { minimum: -99 } }]

const tableOf = (world: TestWorld) => world.settings.tables.get('orders')!
const offset = (n: number | bigint) => ({ kind: 'offset', offset: BigInt(n) }) as const

async function version(world: TestWorld): Promise<number | null> {
  return (await openSnapshot(world.lake.at('bronze/orders')))?.version ?? null
}

async function replay(world: TestWorld, request: Partial<ReplayRequest> = {}): Promise<void> {
  const whole = { table: tableOf(world), partition: null, from: offset(0), to: null, ...request }
  await replayLane(world, await prepareReplay(world, whole))
}

/** An older version may lack rows that a replay or a redrive landed since: `table restore` names the replays that land them. */
async function restoreAndReplay(world: TestWorld, old: number): Promise<void> {
  const prepared = await prepareRestore(world, 'bronze.orders', { version: old })
  if (prepared.isSame) return
  await restoreTable(world, prepared)
  const { partitions } = await verifyTable(world, tableOf(world), { againstLog: true })
  for (const { partition, missing } of partitions)
    for (const { first, next } of missing) await replay(world, { partition, from: offset(first), to: offset(next) })
}

test('I16, I17: whatever ingest, resets, replays, redrives, restores, retention and compaction do in whatever order, no offset is lost or doubled', async (t) => {
  const seed = runSeed()
  t.diagnostic(`SLUICE_SEED=${seed}`)
  const random = seededRandom(seed)
  const upTo = (n: number): number => Math.floor(random() * n)
  let nowMs = systemClock.nowMs()
  const clock = { ...systemClock, nowMs: () => nowMs }
  const world = await scratchWorld(t, { clock, errors: { retentionMs: DAY_MS } })
  let schema = await registerOrders(world)
  let made = 0
  await produce(world, [], { partitions: 2 })
  const ends = [0, 0]
  for (let step = 0; step < 40; step += 1) {
    const partition = upTo(2)
    switch (upTo(9)) {
      case 0:
      case 1: {
        const records = Array.from({ length: 1 + upTo(5) }, () => {
          made += 1
          return order(schema, { id: `k${made}`, n: random() < 0.3 ? -made : made })
        })
        await produce(world, records, { partitions: 2, partition })
        ends[partition]! += records.length
        break
      }
      case 2:
        await ingestAll(world)
        break
      case 3:
        await resetOrders(world, { partition, target: offset(upTo(ends[partition]! + 1)) })
        break
      case 4: {
        const first = upTo(ends[partition]! + 1)
        await replay(world, { partition, from: offset(first), to: offset(first + upTo(6)) })
        break
      }
      case 5:
        nowMs += upTo(3) * DAY_MS
        await expireLetters(world, 'orders')
        break
      case 6:
        if ((await version(world)) !== null) await optimizeTable(world, { table: 'bronze.orders', zorder: [] })
        break
      case 7: {
        const newest = await version(world)
        if (newest !== null) await restoreAndReplay(world, upTo(newest + 1))
        break
      }
      case 8:
        schema = await registerOrders(world, random() < 0.5 ? LOOSE : ORDER_FIELDS)
        await redriveTable({ world, table: tableOf(world), filter: {}, dryRun: false })
        break
    }
    await assertConserved(world)
  }
  await ingestAll(world)
  for (const partition of [0, 1]) await resetOrders(world, { partition, target: offset(0) })
  await ingestAll(world)
  await registerOrders(world, [ORDER_FIELDS[0]!, { name: 'n', type: 'int' }])
  await replay(world)
  assert.equal((await rawRows(join(world.folder, 'lake/bronze/orders'), 'select 1 from rows')).length, made)
  await assertConserved(world)
})
