import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { expireLetters } from '../../src/operate/expire-letters.ts'
import { redriveTable } from '../../src/operate/redrive.ts'
import { assertConserved } from '../support/conserved.ts'
import { faultyStore } from '../support/faulty-store.ts'
import { laneLines, order, ORDER_FIELDS, orders, produce, registerOrders, skipLines } from '../support/orders.ts'
import { rawRows } from '../support/raw-delta.ts'
import { ingestAll, scratchWorld } from '../support/scratch-world.ts'
import type { TestWorld } from '../support/world.ts'

/** Letters that are older than `errors.retention` go, and leave a skip (expired) where their record is in no table. */

const DAY_MS = 86_400_000
const LOOSE = [ORDER_FIELDS[0]!, { name: 'n', type: 'int', constraints: { minimum: -99 } }]

/** Offsets 0–3: 1 and 3 are refused, and both letters are two days old. */
async function oldLetters(t: TestContext): Promise<TestWorld> {
  let nowMs = systemClock.nowMs()
  const world = await scratchWorld(t, {
    clock: { ...systemClock, nowMs: () => nowMs },
    errors: { retentionMs: DAY_MS },
  })
  const schema = await registerOrders(world)
  const bad = (n: number) => order(schema, { id: `bad${n}`, n: -n })
  await produce(world, [...orders(schema, 1), bad(1), ...orders(schema, 1, 2), bad(3)])
  await ingestAll(world)
  nowMs += 3 * DAY_MS
  return world
}

const skips = async (world: TestWorld): Promise<unknown[]> =>
  (await skipLines(join(world.folder, 'lake'))).map(({ first, next, reason }) => [first, next, reason])
const redrive = (world: TestWorld) =>
  redriveTable({ world, table: world.settings.tables.get('orders')!, filter: {}, dryRun: false })
const rows = (world: TestWorld) => rawRows(join(world.folder, 'lake/bronze/orders'), 'select 1 from rows')

/** Something happens right before the first file whose path holds `part` is written. */
function interrupted(world: TestWorld, part: string, happens: () => Promise<unknown>): TestWorld {
  let happened = false
  const lake = faultyStore(world.lake, async (_, path) => {
    if (happened || !path.includes(part)) return null
    happened = true
    await happens()
    return null
  })
  return { ...world, lake }
}

test('I17: letters that are too old go, each leaves a skip, and a second pass finds nothing', async (t) => {
  const world = await oldLetters(t)
  assert.equal(await expireLetters(world, 'orders'), 1)
  assert.deepEqual(await laneLines(join(world.folder, 'lake')), [])
  assert.deepEqual(await skips(world), [
    ['1', '2', 'expired'],
    ['3', '4', 'expired'],
  ])
  assert.equal(await expireLetters(world, 'orders'), 0)
  await assertConserved(world)
})

test('I17: a redrive that lands a letter while it expires leaves no skip over its row', async (t) => {
  const world = await oldLetters(t)
  await registerOrders(world, LOOSE)
  await expireLetters(
    interrupted(world, '_skips/', () => redrive(world)),
    'orders',
  )
  assert.equal((await rows(world)).length, 4)
  await assertConserved(world)
  assert.deepEqual(await skips(world), [])
})

test('I17: letters that expire while a redrive judges them are not landed by it', async (t) => {
  const world = await oldLetters(t)
  await registerOrders(world, LOOSE)
  await redrive(interrupted(world, '_healed/', () => expireLetters(world, 'orders')))
  assert.equal((await rows(world)).length, 2)
  await assertConserved(world)
  assert.equal((await skips(world)).length, 2)
})
