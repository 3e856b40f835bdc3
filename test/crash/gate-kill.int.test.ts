import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { runSeed } from '../support/random.ts'
import { rawRows } from '../support/raw-delta.ts'
import { makeLines } from '../support/retail-lines.ts'
import { retailWorld, RETAIL_CONFIG, sameModels, type RetailWorld } from '../support/retail-world.ts'
import { REPOSITORY, sluice, sluiceJson, temporaryFolder } from '../support/sluice.ts'

/** I10 under SIGKILL: dying between staging, judgement and commit leaves yesterday's table or the whole new one. */

const KILL = join(REPOSITORY, 'test/support/kill-at.ts')
const STRICT = `gold.fact_sales:
  critical:
    - expect_table_row_count_to_be_between: {max_value: 0}
`

describe('kill -9 at the gate', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let made: ReturnType<typeof makeLines>
  let strict: string
  before(async () => {
    folder = await temporaryFolder('gate-kill')
    made = makeLines(runSeed(), 3, 100)
    // A product without a description: its sale stands on the unknown member, which the release commits first.
    const [line] = [...made.files.values()][0]!
    const nameless = { ...line!, stockCode: 'NAMELESS', description: '', customerId: '12001.0' }
    made = { ...made, files: new Map([...made.files, ['2020-01-09.csv.gz', [nameless]]]) }
    strict = join(folder.path, 'dq.yaml')
    await writeFile(strict, STRICT)
  })
  after(() => folder.remove())

  const args = (verb: string, ...more: string[]): string[] => [verb, '--config', RETAIL_CONFIG, ...more]
  const run = async (world: RetailWorld): Promise<void> => {
    const ended = await sluice(args('run'), { env: world.env })
    assert.equal(ended.code, 0, ended.stderr)
  }
  const kill = async (world: RetailWorld, at: string, ...verb: [string, ...string[]]): Promise<void> => {
    const ended = await sluice(args(...verb), { env: { ...world.env, SLUICE_KILL: at }, preload: [KILL] })
    assert.equal(ended.signal, 'SIGKILL', ended.stderr)
  }

  it('I4, I10: killed after the judgement, a later run makes what a straight one makes', async () => {
    const straight = await retailWorld(join(folder.path, 'straight'), made.files)
    await run(straight)
    const world = await retailWorld(join(folder.path, 'judged'), made.files)
    for (const at of ['gate.judged@gold.dim_customer:1', 'gate.judged@gold.fact_sales:1']) await kill(world, at, 'run')
    await run(world)
    await sameModels(world, straight)
  })

  it('I4, I10: killed while a staged result is released, it still waits, and is released whole', async () => {
    const world = await retailWorld(join(folder.path, 'released'), made.files)
    const blocked = await sluice(args('run', '--set', `paths.dq=${strict}`), { env: world.env })
    assert.equal(blocked.code, 3, blocked.stderr)
    const still = await sluice(args('gate', '--set', `paths.dq=${strict}`), { env: world.env })
    assert.equal(still.code, 3, still.stderr)
    await kill(world, 'gate.judged@gold.fact_sales:1', 'gate')
    await kill(world, 'commit.done@gold.dim_product:1', 'gate')
    await kill(world, 'data_file.written@gold.fact_sales:1', 'gate')
    const form = await sluiceJson<{ tables: { table: string; outcome: string; rows: number }[] }>(args('gate'), {
      env: world.env,
    })
    assert.deepEqual(
      form.tables.map(({ table, outcome }) => [table, outcome]),
      [['gold.fact_sales', 'committed']],
    )
    const [rows] = await rawRows(join(world.lake, 'gold/fact_sales'), 'select count(*)::int as n from rows')
    assert.equal(rows?.['n'], form.tables[0]?.rows)
    await run(world)
  })

  it('I10: killed between the commit of bronze and its verdict, or before the verdict stands, no model reads the rows', async () => {
    const world = await retailWorld(join(folder.path, 'landed'), made.files)
    const dq = join(folder.path, 'bronze-dq.yaml')
    await writeFile(
      dq,
      'bronze.order_lines:\n  critical:\n    - expect_column_max_to_be_between: {column: Quantity, max_value: 1}\n',
    )
    const held = ['--set', `paths.dq=${dq}`]
    for (const [at, verb] of [
      ['flush.done@order_lines:1', 'run'],
      ['gate.judged@bronze.order_lines:1', 'ingest'],
      ['gate.judged@bronze.order_lines:1', 'build'],
    ] as const)
      await kill(world, at, verb, ...held)
    const silver = join(world.lake, 'silver/order_lines')
    for (const verb of ['build', 'run']) {
      const ended = await sluice(args(verb, '--json', ...held), { env: world.env })
      assert.equal(ended.code, 3, ended.stderr)
      const { models } = JSON.parse(ended.stdout) as { models: { model: string; outcome: string; reason: string }[] }
      const outcomes = new Map(models.map((each) => [each.model, each]))
      assert.equal(outcomes.get('silver.order_lines')?.outcome, 'blocked')
      assert.match(outcomes.get('silver.order_lines')!.reason, /bronze\.order_lines was blocked/)
      assert.equal(outcomes.get('gold.fact_sales')?.outcome, 'skipped')
      await assert.rejects(rawRows(silver, 'select 1 from rows'))
    }
    const past = await sluice(args('build', '--as-of', '2030-01-01', ...held), { env: world.env })
    assert.equal(past.code, 3, past.stderr)
    await assert.rejects(rawRows(`${silver}_snapshot`, 'select 1 from rows'))
    const ingest = await sluiceJson<{ tables: { gate: { outcome: string } }[] }>(args('ingest', ...held), {
      env: world.env,
    })
    assert.equal(ingest.tables[0]?.gate.outcome, 'blocked', 'and ingest goes on with exit 0')
    const bypass = ['--bypass', 'expect_column_max_to_be_between', '--reason', 'it is a shop']
    await sluiceJson(args('gate', 'bronze.order_lines', ...bypass, ...held), { env: world.env })
    await sluiceJson(args('build', ...held), { env: world.env })
    const [rows] = await rawRows(silver, 'select count(*)::int as n from rows')
    assert.ok(Number(rows?.['n']) > 0)
  })
})
