import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { STREAMS } from '../../connectors/simulator/shop/shop-event.ts'
import { connectPass, ingestPass, modelErrors, sourceErrors, tableErrors } from '../../src/cli/pass.ts'
import { loadModels } from '../../src/settings/model-file.ts'
import { buildModels } from '../../src/transform/build.ts'
import { runSeed, seededRandom, shuffle } from '../support/random.ts'
import { temporaryFolder } from '../support/sluice.ts'
import {
  assertRefusals,
  assertTruth,
  connectDays,
  daysTold,
  ingestAndBuild,
  inWorld,
  shopWorld,
  type ShopWorld,
} from '../support/shop-world.ts'

/**
 * A month of the shop against the simulator's own record of truth. One lake sees it in an order that chance makes: some
 * sources are days ahead of others, tables are ingested in any order with flushes of any size, models are built in
 * between from what is there, each step by a process's view of its own. Another sees it all at once.
 * SLUICE_MONTH_ROWS (new order lines a day) makes it larger.
 */

const DAYS = 30
const ROWS = Number(process.env['SLUICE_MONTH_ROWS'] ?? '120')
/** Builds on the way; each costs about a second. */
const STEPS = 14
const seed = runSeed() % 2 ** 31
const SHOP = { seed, rows: ROWS, badRate: 0.1 }

describe(`a month of the shop (SLUICE_SEED=${seed})`, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  before(async () => {
    folder = await temporaryFolder('shop-month')
  })
  after(() => folder.remove())

  it('I11: in any order of sources and tables, with restarts and batch borders anywhere, it comes to the truth', async () => {
    const random = seededRandom(seed)
    const lake = `${folder.path}/any-order`
    const sets = (): string[] => {
      const flushMb = [0.005, 0.02, 0.1, 64][Math.floor(random() * 4)]!
      return [`ingest.flush_mb=${flushMb}`, `ingest.fetch_mb=${Math.min(4, flushMb)}`]
    }
    const left = new Map(STREAMS.map((stream) => [stream as string, DAYS]))
    for (let step = 0; step < STEPS; step += 1) {
      const shop = shopWorld(lake, SHOP, sets())
      const stepsLeft = STEPS - step
      for (const stream of shuffle([...STREAMS], random)) {
        const days = left.get(stream)!
        const wanted = stepsLeft === 1 ? days : Math.min(days, Math.floor((random() * 2 * days) / stepsLeft + random()))
        left.set(stream, days - wanted)
        await connectOne(shop, stream, wanted)
      }
      const tables = shuffle([...STREAMS], random)
      // what is left out now is read by a later step
      await ingestSome(shop, stepsLeft === 1 ? tables : tables.slice(0, 1 + Math.floor(random() * tables.length)))
      await buildAll(shop)
      if (step === Math.floor(STEPS / 2)) {
        await ingestAndBuild(shop)
        await assertTruth(shop)
      }
    }
    const shop = shopWorld(lake, SHOP)
    assert.deepEqual(new Set(Object.values(await daysTold(shop))), new Set([DAYS]))
    await assertTruth(shop)
    await assertRefusals(shop)
    await ingestAndBuild(shop, true)
    await assertTruth(shop)
  })

  it('all of it in one pass comes to the same truth', async () => {
    const shop = shopWorld(`${folder.path}/at-once`, SHOP)
    await connectDays(shop, DAYS)
    await ingestAndBuild(shop)
    await assertTruth(shop)
    await assertRefusals(shop)
  })
})

function connectOne(shop: ShopWorld, stream: string, days: number): Promise<void> {
  return inWorld(shop, async (world) => {
    for (let day = 0; day < days; day += 1) assert.deepEqual(sourceErrors(await connectPass(world, [stream])), [])
  })
}

function ingestSome(shop: ShopWorld, tables: readonly string[]): Promise<void> {
  return inWorld(shop, async (world) => {
    assert.deepEqual(
      tableErrors(
        await ingestPass(
          world,
          tables.map((table) => `bronze.${table}`),
        ),
      ),
      [],
    )
  })
}

/** A model whose bronze is not there yet waits for it. */
function buildAll(shop: ShopWorld): Promise<void> {
  return inWorld(shop, async (world) => {
    const models = loadModels(world.settings.paths.models)
    assert.deepEqual(
      modelErrors(await buildModels({ world, models, select: [], fullRefresh: false, dryRun: false })),
      [],
    )
  })
}
