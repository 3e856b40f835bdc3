import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { brokenAfter } from '../../connectors/simulator/truth.ts'
import { STREAMS } from '../../connectors/simulator/shop/shop-event.ts'
import { distinctLetters, readLetters } from '../../src/error-lane/ledger.ts'
import { verifyTable } from '../../src/operate/verify.ts'
import { runSeed } from '../support/random.ts'
import { sluice, temporaryFolder } from '../support/sluice.ts'
import {
  assertTruth,
  connectDays,
  daysTold,
  ingestAndBuild,
  inWorld,
  shopWorld,
  SHOP_CONFIG,
} from '../support/shop-world.ts'
import type { ShopWorld } from '../support/shop-world.ts'

/**
 * The default shop against the simulator's own record of truth. SLUICE_SHOP_DAYS and SLUICE_SHOP_ROWS make it longer:
 * a month is 30 days.
 */

const DAYS = Number(process.env['SLUICE_SHOP_DAYS'] ?? '6')
const ROWS = Number(process.env['SLUICE_SHOP_ROWS'] ?? '150')
const seed = runSeed() % 2 ** 31
const SHOP = { seed, rows: ROWS, badRate: 0.2 }
const KILL = new URL('../support/kill-at.ts', import.meta.url).href

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

  it('I4: killed at any step and run again, it comes to the truth of the days that were told', async () => {
    const shop = shopWorld(`${folder.path}/killed`, SHOP, ['ingest.flush_mb=0.01', 'ingest.fetch_mb=0.005'])
    const args = ['run', '--config', SHOP_CONFIG, ...shop.sets.flatMap((set) => ['--set', set])]
    let killed = 0
    for (const step of [
      'source.appended:3',
      'letters.written:2',
      'commit.done:4',
      'model.staged:5',
      'data_file.written:9',
    ]) {
      const ended = await sluice(args, { env: { LAKE: shop.lake, SLUICE_KILL: step }, preload: [KILL] })
      if (ended.signal === 'SIGKILL') killed += 1
      // a gate may block what misses rows that a killed run did not bring
      else assert.ok(ended.code === 0 || ended.code === 3, ended.stderr)
    }
    assert.ok(killed >= 3, `${killed} runs were killed`)
    await connectDays(shop, 1)
    await ingestAndBuild(shop)
    await assertTruth(shop)
    await assertRefusals(shop)
  })
})

/** What was refused, by kind, is what the simulator broke; and conservation holds. */
async function assertRefusals(shop: ShopWorld): Promise<void> {
  const told = await daysTold(shop)
  await inWorld(shop, async (world) => {
    for (const stream of STREAMS) {
      const expected: Record<string, number> = {}
      for (const { fault } of brokenAfter(shop.options(stream), told[stream])) {
        const kind = `${fault.stage} ${fault.code} ${fault.field ?? '-'}`
        expected[kind] = (expected[kind] ?? 0) + 1
      }
      const found: Record<string, number> = {}
      const letters = readLetters(world.lake.at('_errors'), { layer: 'bronze', table: stream })
      for await (const { errors, stage } of distinctLetters(letters)) {
        assert.equal(errors.length, 1)
        const kind = `${stage} ${errors[0]!.code} ${errors[0]!.field ?? '-'}`
        found[kind] = (found[kind] ?? 0) + 1
      }
      assert.deepEqual(found, expected, stream)
      const proof = await verifyTable(world, world.settings.tables.get(stream)!, { againstLog: true })
      assert.equal(proof.ok, true, stream)
    }
  })
}
