import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { asOfPass, modelErrors } from '../../src/cli/pass.ts'
import { endOfDay, upTo, type AsOfTime } from '../../src/transform/as-of/as-of-time.ts'
import { runSeed, seededRandom } from '../support/random.ts'
import { temporaryFolder } from '../support/sluice.ts'
import {
  assertTruth,
  connectDays,
  ingestAndBuild,
  inWorld,
  shopWorld,
  SHOP_TABLES,
  type ShopWorld,
} from '../support/shop-world.ts'
import { vacuumHard } from '../support/vacuum.ts'

/** `build --as-of` against the simulator's own record of truth, cut at the same time. */

const DAYS = 8
const DAY_MS = 86_400_000
const seed = runSeed() % 2 ** 31

describe(`the shop as of a time in its data (SLUICE_SEED=${seed})`, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let shop: ShopWorld
  let startMs = 0
  before(async () => {
    folder = await temporaryFolder('shop-as-of')
    shop = shopWorld(folder.path, { seed, rows: 100, badRate: 0.1 })
    startMs = shop.options('orders').facts.startMs
    for (const days of [3, 1, DAYS - 4]) {
      await connectDays(shop, days)
      await ingestAndBuild(shop)
    }
  })
  after(() => folder.remove())

  async function snapshot(asOf: AsOfTime): Promise<void> {
    await inWorld(shop, async (world) => {
      const outcomes = await asOfPass(world, { select: [], asOf, dryRun: false })
      assert.deepEqual(modelErrors(outcomes), [])
      // `unchanged` where an instant of the same date came before and this table stood alike.
      assert.ok(
        outcomes.every(({ outcome }) => outcome === 'built' || outcome === 'unchanged'),
        JSON.stringify(outcomes),
      )
    })
    await assertTruth(shop, {
      date: asOf.date,
      beforeMs: Number(asOf.beforeMicros / 1000n) + (asOf.beforeMicros % 1000n === 0n ? 0 : 1),
    })
  }

  it('at the end of its first day, in the middle of days, and beyond its last', async () => {
    const random = seededRandom(seed)
    const dayOf = (day: number): string => new Date(startMs + day * DAY_MS).toISOString().slice(0, 10)
    const instant = startMs + Math.floor((2 + random() * (DAYS - 3)) * DAY_MS)
    for (const asOf of [endOfDay(dayOf(0)), upTo(instant), endOfDay('2030-01-01')]) await snapshot(asOf)
  })

  it('past a vacuum that leaves no old version: other dates come out of bronze all the same', async () => {
    let gone = 0
    for (const table of SHOP_TABLES) gone += await vacuumHard(join(shop.lake, table.replace('.', '/')))
    assert.ok(gone > 20, `${gone} files went`)
    await assertTruth(shop)
    await snapshot(endOfDay('2026-01-05'))
    await snapshot(upTo(Date.parse('2026-01-03T15:00:00Z')))
  })

  it('I11: what comes after the vacuum is built on, and days late move snapshots of the past', async () => {
    await connectDays(shop, 2)
    await ingestAndBuild(shop)
    await assertTruth(shop)
    await snapshot(endOfDay('2026-01-08'))
  })
})
