import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { runSeed } from '../../../support/random.ts'
import { makeLines } from '../../../support/retail-lines.ts'
import { retailWorld, RETAIL_CONFIG, type RetailWorld } from '../../../support/retail-world.ts'
import { sluice, sluiceJson, temporaryFolder } from '../../../support/sluice.ts'

/** The gate as a user meets it: exit codes, forms and what is found where. */

const NAME = 'expect_column_values_to_be_between(quantity)'
const SUITE = `gold.fact_sales:
  critical:
    - expect_column_values_to_be_between: {column: quantity, max_value: -1000000}
  warn:
    - expect_table_row_count_to_be_between: {min_value: 1000000}
`

interface GateForm {
  readonly tables: readonly {
    readonly table: string
    readonly outcome: string
    readonly version: number | null
    readonly bypassed: readonly string[]
    readonly assertions: readonly { readonly expectation: string; readonly success: boolean }[]
  }[]
}

describe('sluice gate', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let world: RetailWorld
  let dq: string
  before(async () => {
    folder = await temporaryFolder('gate-verb')
    world = await retailWorld(join(folder.path, 'w'), makeLines(runSeed(), 2, 60).files)
    dq = join(folder.path, 'dq.yaml')
    await writeFile(dq, SUITE)
  })
  after(() => folder.remove())

  const args = (verb: readonly string[]): string[] => [...verb, '--config', RETAIL_CONFIG, '--set', `paths.dq=${dq}`]
  const call = (...verb: string[]): ReturnType<typeof sluice> => sluice(args(verb), { env: world.env })
  const json = <T>(...verb: string[]): Promise<T> => sluiceJson<T>(args(verb), { env: world.env })

  it('a blocked build exits 3 and prints its own form; what blocked it is looked at and let pass with a reason', async () => {
    const run = await call('run', '--json')
    assert.equal(run.code, 3, run.stderr)
    const { models } = JSON.parse(run.stdout) as { models: { model: string; outcome: string; gate: unknown }[] }
    const fact = models.find(({ model }) => model === 'gold.fact_sales')
    assert.equal(fact?.outcome, 'blocked')
    assert.deepEqual(Object.keys(fact.gate as object), ['outcome', 'expectations', 'reason'])
    assert.match(run.stderr, /GATE_BLOCKED/)

    const [staged] = await json<{ n: number }[]>('query', '--staged', 'select count(*) as n from gold.fact_sales')
    assert.ok(staged!.n > 0)
    assert.equal((await call('query', 'select count(*) as n from gold.fact_sales')).code, 2, 'there is no table yet')
    const { records } = await json<{ records: { stage: string; errors: { rule: string }[] }[] }>(
      'errors',
      'list',
      'gold.fact_sales',
    )
    assert.equal(records.length, 20)
    assert.ok(records.every(({ stage, errors }) => stage === 'gate' && errors[0]?.rule === NAME))

    const again = await call('gate', '--json')
    assert.equal(again.code, 3)
    const [form] = (JSON.parse(again.stdout) as GateForm).tables
    assert.deepEqual([form?.table, form?.outcome, form?.version], ['gold.fact_sales', 'blocked', null])
    assert.deepEqual(
      form?.assertions.map(({ success }) => success),
      [false, false],
    )
    assert.equal((await call('gate', 'gold.fact_sales', '--bypass', NAME)).code, 2, 'a bypass needs a reason')
    const passed = await json<GateForm>('gate', 'gold.fact_sales', '--bypass', NAME, '--reason', 'returns only')
    assert.deepEqual(passed.tables[0]?.bypassed, [NAME])
    assert.equal(passed.tables[0]?.version, 0)
    const { commits } = await json<{ commits: { parameters: Record<string, string> }[] }>(
      'table',
      'history',
      'gold.fact_sales',
    )
    assert.deepEqual(
      [commits[0]?.parameters['gateBypass'], commits[0]?.parameters['gateBypassReason']],
      [NAME, 'returns only'],
    )
    const told = await call('table', 'history', 'gold.fact_sales', '--bypassed')
    assert.match(told.stdout, new RegExp(`let pass.*\\n *0 .*${NAME.replace(/[()]/g, '\\$&')} +returns only`))
    const none = await call('table', 'history', 'gold.dim_product', '--bypassed')
    assert.match(none.stdout, /nothing was let pass/)
    assert.match((await call('gate')).stdout, /nothing is staged/)
    assert.equal((await call('gate', 'gold.fact_sales')).code, 2)
  })

  it('a suite goes out and comes in', async () => {
    const out = await json<{ expectations: object[] }>('dq', 'export', 'gold.fact_sales')
    assert.equal(out.expectations.length, 2)
    const file = join(folder.path, 'suite.json')
    await writeFile(
      file,
      JSON.stringify({ ...out, expectations: [...out.expectations, { type: 'expect_luck', kwargs: {} }] }),
    )
    const taken = await call('dq', 'import', file, '--table', 'gold.dim_product')
    assert.equal(taken.code, 1, 'what is not taken is told')
    assert.match(taken.stdout, /expect_luck/)
    const yaml = await readFile(dq, 'utf8')
    assert.ok(yaml.startsWith(SUITE))
    assert.match(yaml, /gold\.dim_product:\n {2}critical:\n {4}- expect_column_values_to_be_between/)
  })
})
