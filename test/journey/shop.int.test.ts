import { after, before, describe, it } from 'node:test'
import { runSeed } from '../support/random.ts'
import { temporaryFolder } from '../support/sluice.ts'
import { assertRefusals, assertTruth, connectDays, ingestAndBuild, shopWorld } from '../support/shop-world.ts'

/**
 * The default shop against the simulator's own record of truth, day by day. SLUICE_SHOP_DAYS and SLUICE_SHOP_ROWS make
 * it longer.
 */

const DAYS = Number(process.env['SLUICE_SHOP_DAYS'] ?? '6')
const ROWS = Number(process.env['SLUICE_SHOP_ROWS'] ?? '150')
const seed = runSeed() % 2 ** 31
const SHOP = { seed, rows: ROWS, badRate: 0.2 }

describe(`the shop over ${DAYS} days (SLUICE_SEED=${seed})`, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  before(async () => {
    folder = await temporaryFolder('shop')
  })
  after(() => folder.remove())

  it('silver and gold are what the record of truth comes to, day by day', async () => {
    const shop = shopWorld(`${folder.path}/daily`, SHOP)
    for (let day = 0; day < DAYS; day += 1) {
      await connectDays(shop, 1)
      await ingestAndBuild(shop)
      if (day % 3 === 1 || day === DAYS - 1) await assertTruth(shop)
    }
    await assertRefusals(shop)
    await ingestAndBuild(shop, true)
    await assertTruth(shop)
  })

  it('I11: all days in one pass, and in uneven passes with small flushes, come to the same', async () => {
    const whole = shopWorld(`${folder.path}/whole`, SHOP)
    await connectDays(whole, DAYS)
    await ingestAndBuild(whole)
    await assertTruth(whole)
    const uneven = shopWorld(`${folder.path}/uneven`, SHOP, ['ingest.flush_mb=0.01', 'ingest.fetch_mb=0.005'])
    for (let left = DAYS, days = 1; left > 0; left -= days, days = Math.min(left, days + 1)) {
      await connectDays(uneven, days)
      await ingestAndBuild(uneven)
    }
    await assertTruth(uneven)
    await assertRefusals(uneven)
  })
})
