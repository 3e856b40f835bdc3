import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { checkpointEveryCommit } from '../support/checkpoint-every-commit.ts'
import { runSeed, seededRandom, shuffle } from '../support/random.ts'
import {
  assertRefusals,
  assertTruth,
  shopWorld,
  SHOP_CONFIG,
  SHOP_TABLES,
  type ShopWorld,
} from '../support/shop-world.ts'
import { REPOSITORY, sluice, sluiceJson, temporaryFolder, type Ended } from '../support/sluice.ts'

/**
 * The law, over all five streams and ten models with their gates: a phantom, never a hole (I4). The real program brings
 * a day of the shop after another and is killed with SIGKILL right after a named step, once after each; then it runs
 * to its end, and the tables are what the simulator's own record of truth comes to. Which table a step is of, and the
 * order of the steps, are the seed's.
 */
const STREAMS = ['customers', 'products', 'orders', 'behavior'] as const
const SILVER = ['customers', 'products', 'orders', 'customer_activity'].map((table) => `silver.${table}`)
const GOLD = ['dim_customer', 'dim_product', 'dim_date', 'fact_sales', 'fact_behavior'].map((table) => `gold.${table}`)
const MODEL_STEPS = [
  'model.planned',
  'model.staged',
  'gate.judged',
  'data_file.written',
  'commit.done',
  'checkpoint.written',
  'model.done',
]
/** Told between steps, of a step that has a name above, or of none. */
const NO_STEPS = ['run.started', 'run.ended', 'job.started', 'job.ended', 'dataset.read', 'dataset.written', 'warning']
const INSTANTS = 6
const DAYS_TO_REACH = 4
const KILL_AT = [join(REPOSITORY, 'test/support/kill-at.ts')]

const seed = runSeed() % 2 ** 31
const random = seededRandom(seed)
const one = (from: readonly string[]): string => from[Math.floor(random() * from.length)]!
const nth = (count: number): number => 1 + Math.floor(random() * count)

const STEPS = shuffle(
  [
    `source.read:${nth(5)}`,
    `letters.written@${one(['orders', 'behavior'])}:1`,
    `source.appended:${nth(5)}`,
    `fetch.done:${nth(10)}`,
    ...['data_file.written', 'flush.done'].map((step) => `${step}@${one(STREAMS)}:1`),
    ...['commit.done', 'checkpoint.written'].map((step) => `${step}@bronze.${one(STREAMS)}:1`),
    ...MODEL_STEPS.flatMap((step) => [`${step}@${one(SILVER)}:1`, `${step}@${one(GOLD)}:1`]),
  ],
  random,
)

describe(`kill -9 over the whole shop (SLUICE_SEED=${seed})`, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let shop: ShopWorld
  let args: readonly string[]
  let wholeMs = 0
  before(async () => {
    folder = await temporaryFolder('shop-kill')
    shop = shopWorld(folder.path, { seed, rows: 60, badRate: 0.2 })
    args = ['run', '--config', SHOP_CONFIG, ...shop.sets.flatMap((set) => ['--set', set])]
    const events = join(folder.path, 'events.json')
    await run({ preload: [join(REPOSITORY, 'test/support/record-events.ts')], env: { SLUICE_EVENTS: events } })
    for (const table of SHOP_TABLES) await checkpointEveryCommit(join(shop.lake, table.replace('.', '/')))
    const startedMs = performance.now()
    await run()
    wholeMs = performance.now() - startedMs
    const told = JSON.parse(await readFile(events, 'utf8')) as string[]
    const named = new Set([...STEPS.map((step) => step.split(/[@:]/)[0]!), ...NO_STEPS])
    assert.deepEqual(
      told.filter((type) => !named.has(type)),
      [],
      'every step that a run tells of is killed after',
    )
  })
  after(() => folder.remove())

  async function run(options: Parameters<typeof sluice>[1] = {}): Promise<void> {
    const ended = await sluice(args, { ...options, env: { LAKE: shop.lake, ...options.env } })
    assert.equal(ended.code, 0, ended.stderr)
  }

  /**
   * A day can pass a table by: an earlier killed run had told its records already, or nothing of it moved. So a run that
   * ends whole is followed by the next day's, a few times; a step that none of them reaches fails.
   */
  async function killAfter(step: string): Promise<void> {
    for (let day = 0; day < DAYS_TO_REACH; day += 1) {
      const ended: Ended = await sluice(args, { env: { LAKE: shop.lake, SLUICE_KILL: step }, preload: KILL_AT })
      if (ended.signal === 'SIGKILL') return
      assert.equal(ended.code, 0, `${step}: ${ended.stderr}`)
    }
    assert.fail(`${step} was not reached in ${DAYS_TO_REACH} days`)
  }

  async function proveWhole(): Promise<void> {
    await run()
    const proof = await sluiceJson<{ ok: boolean }>(['verify', '--against-log', '--config', SHOP_CONFIG], {
      env: { LAKE: shop.lake },
    })
    assert.equal(proof.ok, true)
    await assertTruth(shop)
    await assertRefusals(shop)
  }

  it('I4, I5, I9, I10, I11: killed after each named step, it comes to the truth of the days that were told', async () => {
    for (const [at, step] of STEPS.entries()) {
      await killAfter(step)
      if (at === 11) await proveWhole()
    }
    await proveWhole()
  })

  it('I4: killed at random instants, it comes to the truth of the days that were told', async () => {
    let killed = 0
    for (let round = 0; round < INSTANTS || killed === 0; round += 1) {
      // A run may have become quicker than the one that was timed.
      const ms = wholeMs * (0.05 + random() * 0.9) * Math.min(1, INSTANTS / (round + 1))
      const ended = await sluice(args, {
        env: { LAKE: shop.lake },
        started: (child) => {
          const timer = setTimeout(() => child.kill('SIGKILL'), ms)
          child.on('exit', () => clearTimeout(timer))
        },
      })
      if (ended.signal === 'SIGKILL') killed += 1
    }
    await proveWhole()
  })
})
