import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { checkpointEveryCommit } from '../support/checkpoint-every-commit.ts'
import { runSeed, seededRandom } from '../support/random.ts'
import { rawRows } from '../support/raw-delta.ts'
import { makeLines, writeLines, type MadeLines } from '../support/retail-lines.ts'
import { REPOSITORY, sluice, sluiceJson, temporaryFolder } from '../support/sluice.ts'

/**
 * The law: a phantom, never a hole (I4). The real program is killed with SIGKILL right after a named step became
 * durable, again and again while files keep coming, then runs to its end; then nothing is missing, nothing is there
 * twice, and gold is what a run that was never killed makes.
 */
const STEPS = [
  { step: 'source.appended', name: 'position' },
  { step: 'fetch.done', name: 'fetch' },
  { step: 'letters.written', name: 'dead letters' },
  { step: 'data_file.written', name: 'data file' },
  { step: 'commit.done@bronze', name: 'commit' },
  { step: 'checkpoint.written@bronze', name: 'checkpoint' },
  { step: 'model.staged@silver', name: 'silver stage' },
  { step: 'commit.done@silver', name: 'silver commit' },
  { step: 'model.staged@gold', name: 'gold stage' },
  { step: 'commit.done@gold', name: 'gold commit' },
] as const

const KILL = join(REPOSITORY, 'test/support/kill-at.ts')
const CONFIG = join(REPOSITORY, 'examples/online-retail/config.yaml')
const DAYS = 8
/** Files that are there before the first kill; each round brings two more. */
const FIRST_DAYS = 2
const ROUNDS = (DAYS - FIRST_DAYS) / 2
const MODELS = ['silver/order_lines', 'gold/dim_product', 'gold/dim_customer', 'gold/dim_date', 'gold/fact_sales']

const seed = runSeed()

describe(`kill -9 at every named step (SLUICE_SEED=${seed})`, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let made: MadeLines
  let straight: World
  before(async () => {
    folder = await temporaryFolder('kill')
    made = makeLines(seed, DAYS, 150)
    straight = worldOf('straight')
    await writeLines(straight.data, made.files)
    await run(straight)
  })
  after(() => folder.remove())

  for (const [index, { step, name }] of STEPS.entries()) {
    it(`I4, I5, I9, I11: killed after the ${name}, a later run leaves no hole and no double`, async () => {
      const random = seededRandom(seed ^ (index + 1))
      const world = worldOf(name.replaceAll(' ', '-'))
      await deliver(world, 0, FIRST_DAYS)
      await run(world)
      if (name === 'checkpoint') await checkpointEveryCommit(join(world.lake, 'bronze/order_lines'))
      let killed = 0
      for (let round = 0; round < ROUNDS; round += 1) {
        await deliver(world, FIRST_DAYS + round * 2, 2)
        const nth =
          name === 'fetch' || name === 'gold commit' || name === 'gold stage' ? 1 + Math.floor(random() * 3) : 1
        const ended = await sluice(['run', '--config', CONFIG], {
          env: { ...world.env, SLUICE_KILL: `${step}:${nth}` },
          preload: [KILL],
        })
        if (ended.signal === 'SIGKILL') killed += 1
        else assert.equal(ended.code, 0, ended.stderr)
      }
      assert.ok(killed >= 2, `${step} was reached ${killed} times`)
      await run(world)
      await proveWhole(world)
    })
  }

  it('I4: killed at random instants, a later run leaves no hole and no double', async () => {
    const random = seededRandom(seed + 1)
    const world = worldOf('instants')
    await deliver(world, 0, DAYS)
    let killed = 0
    for (let round = 0; round < 5; round += 1) {
      const ms = 120 + random() * 500
      const ended = await sluice(['run', '--config', CONFIG], {
        env: world.env,
        started: (child) => {
          const timer = setTimeout(() => child.kill('SIGKILL'), ms)
          child.on('exit', () => clearTimeout(timer))
        },
      })
      if (ended.signal === 'SIGKILL') killed += 1
    }
    assert.ok(killed > 0, 'no run lived long enough to be killed')
    await run(world)
    await proveWhole(world)
  })

  interface World {
    readonly lake: string
    readonly data: string
    readonly env: Record<string, string>
  }

  function worldOf(name: string): World {
    const lake = join(folder.path, name, 'lake')
    const data = join(folder.path, name, 'data')
    return { lake, data, env: { LAKE: lake, RETAIL_DATA: data } }
  }

  async function deliver(world: World, from: number, days: number): Promise<void> {
    await writeLines(world.data, new Map([...made.files].slice(from, from + days)))
  }

  interface RunReport {
    readonly tables: readonly { readonly read: number }[]
    readonly models: readonly { readonly outcome: string }[]
  }

  function run(world: World): Promise<RunReport> {
    return sluiceJson<RunReport>(['run', '--config', CONFIG], { env: world.env })
  }

  async function proveWhole(world: World): Promise<void> {
    const proof = await sluiceJson<{ ok: boolean }>(['verify', '--against-log', '--config', CONFIG], { env: world.env })
    assert.equal(proof.ok, true)
    const counts =
      'select count(*)::int as n, count(distinct (_partition, _offset))::int as places, sum("Quantity")::int as quantity from rows'
    const truth = [...made.files.values()].flat().filter((line) => line.customerId !== '')
    const quantity = truth.reduce((sum, line) => sum + line.quantity, 0)
    assert.deepEqual(await rawRows(join(world.lake, 'bronze/order_lines'), counts), [
      { n: made.good, places: made.good, quantity },
    ])
    assert.equal((await laneRowIds(world)).size, made.bad)
    const again = await run(world)
    assert.deepEqual(
      [again.tables.map((table) => table.read), new Set(again.models.map((model) => model.outcome))],
      [[0], new Set(['unchanged'])],
    )
    for (const table of MODELS) {
      const sql = "select columns(c -> c not like '\\_%' escape '\\') from rows order by all"
      assert.deepEqual(
        await rawRows(join(world.lake, table), sql),
        await rawRows(join(straight.lake, table), sql),
        table,
      )
    }
  }

  /** Distinct row ids of the lane, read without Sluice. */
  async function laneRowIds(world: World): Promise<Set<string>> {
    const lane = join(world.lake, '_errors/bronze/order_lines')
    const ids = new Set<string>()
    for (const entry of await readdir(lane, { recursive: true })) {
      if (!entry.startsWith('dt=') || !entry.endsWith('.json')) continue
      for (const line of (await readFile(join(lane, entry), 'utf8')).trimEnd().split('\n'))
        ids.add((JSON.parse(line) as { row_id: string }).row_id)
    }
    return ids
  }
})
