import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { BronzeGate } from '../../../src/operate/gate/bronze/bronze-gate.ts'
import { judgeLanded } from '../../../src/operate/gate/bronze/judge-landed.ts'
import { readGateReport, type GateReport } from '../../../src/operate/gate/report/gate-report.ts'
import { gateStatuses } from '../../../src/operate/status/gate-status.ts'
import { FIELDS, openGateFixture, type GateFixture } from './gate-fixture.ts'

/** Rows of bronze are judged after their commit, by whoever comes first, and the verdict stands between processes. */

const MAX =
  'bronze.things:\n  critical:\n    - expect_column_max_to_be_between: {column: amount, max_value: 100}\n' +
  '  warn:\n    - expect_column_values_to_be_between: {column: amount, max_value: 50}\n'
const NAME = 'expect_column_max_to_be_between'
const THINGS = { layer: 'bronze', table: 'things' } as const

describe('the gate of bronze', () => {
  let lake: GateFixture
  beforeEach(async () => {
    lake = await openGateFixture()
    await lake.add([1, 10])
  })
  afterEach(() => lake.close())

  const kept = (): Promise<GateReport | null> => readGateReport(lake.world.lake, 'bronze.things')
  const range = async (): Promise<unknown[]> => {
    const report = await kept()
    return [report?.outcome, report?.landed?.after, report?.landed?.to]
  }
  const judgements = (): number =>
    lake.events.filter((event) => event.type === 'gate.judged' && event.model === 'bronze.things').length
  const land = (yaml = MAX): Promise<GateReport | null> => judgeLanded(lake.worldOf(yaml), THINGS)
  const built = async (yaml = MAX): Promise<readonly unknown[]> => {
    const outcomes = await lake.gated(yaml)
    const outcome = (name: string): unknown => outcomes.get(name)?.outcome
    return [outcome('silver.things'), outcome('gold.totals'), outcome('gold.other')]
  }

  test('what landed is judged once, and a later process holds to the verdict without judging again', async () => {
    assert.equal((await land())?.outcome, 'passed')
    assert.deepEqual(await range(), ['passed', null, 0])
    await lake.add([2, 200])
    assert.equal((await land())?.outcome, 'blocked')
    assert.deepEqual(await range(), ['blocked', 0, 1])
    assert.equal(judgements(), 2)
    assert.deepEqual(await built(), ['blocked', 'skipped', 'built'])
    assert.deepEqual(await built(), ['blocked', 'skipped', 'unchanged'])
    assert.equal(judgements(), 2, 'the verdict stood in the lake')
    const outcome = (await lake.gated(MAX)).get('silver.things')
    assert.match(outcome!.reason, /bronze\.things was blocked: .*sluice gate bronze\.things/)
    assert.deepEqual(outcome?.error?.where, { model: 'silver.things', table: 'bronze.things' })
    const [status] = await gateStatuses(lake.worldOf(MAX))
    assert.deepEqual(
      [status?.table, status?.outcome, status?.after, status?.to, status?.unjudged, status?.nextCommand],
      ['bronze.things', 'blocked', 0, 1, false, 'sluice gate bronze.things'],
    )
  })

  test('rows of a process that died between commit and judgement are judged before a model reads them', async () => {
    await land()
    await lake.add([2, 200])
    assert.equal((await gateStatuses(lake.worldOf(MAX)))[0]?.unjudged, true)
    assert.deepEqual(await built(), ['blocked', 'skipped', 'built'])
    assert.deepEqual(await range(), ['blocked', 0, 1])
  })

  test('a model reads just the rows that were judged, whatever lands in between', async () => {
    const world = lake.worldOf(MAX)
    const gate = new BronzeGate(world, world.settings.suites)
    let landed = false
    const outcomes = await lake.build(lake.models, {
      mayRead: async (inputs) => {
        const refused = await gate.mayRead(inputs)
        if (!landed && inputs[0]?.name === 'bronze.things') {
          landed = true
          await lake.add([2, 200])
        }
        return refused
      },
    })
    assert.equal(outcomes.find(({ model }) => model === 'silver.things')?.outcome, 'built')
    assert.deepEqual(await lake.rows('silver.things', 'select id::int as id from t'), [{ id: 1 }])
    assert.deepEqual(await built(), ['blocked', 'skipped', 'unchanged'])
  })

  test('blocked rows stay with those that come after them, till all pass together', async () => {
    await land()
    await lake.add([2, 200])
    await land()
    await lake.add([3, 30])
    assert.equal((await land())?.outcome, 'blocked', 'good rows after bad ones open nothing')
    assert.deepEqual(await range(), ['blocked', 0, 2])
    const bad = [...(await lake.snapshot('bronze.things'))!.files.keys()][1]!
    const good = { sql: `select 2 as id, 20 as amount, 'a2@b.de' as email`, fields: FIELDS }
    await lake.write('bronze.things', { ...good, removes: [bad] })
    assert.deepEqual(await built(), ['built', 'built', 'built'], 'a redrive or a restore took them away')
    assert.deepEqual((await range())[0], 'passed')
  })

  test('a suite that was eased opens it, at the next build or by `gate`', async () => {
    await lake.add([2, 200])
    assert.equal((await land())?.outcome, 'blocked')
    const eased = MAX.replace('max_value: 100', 'max_value: 1000')
    const [gated] = await lake.gate(eased)
    assert.deepEqual([gated?.table, gated?.outcome], ['bronze.things', 'passed'], 'without a name: all that is blocked')
    assert.deepEqual((await range())[0], 'warned')
    await lake.add([3, 2000])
    assert.deepEqual(await built(eased), ['blocked', 'skipped', 'built'])
    assert.deepEqual(await built(eased.replace('1000', '10000')), ['built', 'built', 'unchanged'])
  })

  test('a bypass opens just the rows that were there, and its verdict says why', async () => {
    await lake.add([2, 200])
    await land()
    const bypass = { expectations: [NAME], reason: 'a wholesale order' }
    const dry = await lake.gate(MAX, { tables: ['bronze.things'], bypass, dryRun: true })
    assert.equal(dry[0]?.outcome, 'would_commit')
    assert.deepEqual((await range())[0], 'blocked')
    const [passed] = await lake.gate(MAX, { tables: ['bronze.things'], bypass })
    assert.equal(passed?.outcome, 'committed')
    assert.deepEqual(
      [(await kept())?.outcome, (await kept())?.reason.endsWith('let pass: a wholesale order')],
      ['bypassed', true],
    )
    assert.deepEqual(await built(), ['built', 'built', 'built'])
    assert.equal((await kept())?.outcome, 'bypassed', 'an empty commit leaves the verdict as it is')
    await lake.add([3, 300])
    assert.equal((await land())?.outcome, 'blocked', 'it was let pass once')
  })

  test('a bypass whose verdict was lost with its process opens the rows all the same', async () => {
    await lake.add([2, 200])
    await land()
    const bypass = { expectations: [NAME], reason: 'r' }
    const before = (await kept())!
    await lake.gate(MAX, { tables: ['bronze.things'], bypass })
    await lake.world.lake.put('_gate/bronze.things.json', Buffer.from(JSON.stringify(before)))
    assert.deepEqual(await built(), ['built', 'built', 'built'])
  })

  test('a verdict that is lost or cannot be read is made again from all rows', async () => {
    await lake.add([2, 200])
    await land()
    for (const text of ['', '{"form":1}', 'null']) {
      await lake.world.lake.put('_gate/bronze.things.json', Buffer.from(text))
      assert.deepEqual((await built())[0], 'blocked')
      assert.deepEqual(await range(), ['blocked', null, 1])
    }
  })

  test('what cannot be judged after its commit disturbs nobody, and no model reads it unjudged', async () => {
    const world = lake.worldOf(MAX)
    const broken = { ...world, engine: () => Promise.reject(new Error('no engine')) }
    assert.equal(await judgeLanded(broken, THINGS), null)
    assert.ok(lake.events.some((event) => event.type === 'warning' && event.where.table === 'bronze.things'))
    assert.equal(await kept(), null)
    await lake.add([2, 200])
    assert.deepEqual((await built())[0], 'blocked')
  })
})

describe('rows that break an expectation', () => {
  let lake: GateFixture
  beforeEach(async () => {
    lake = await openGateFixture()
    await lake.add(...Array.from({ length: 30 }, (_, id) => [id, 1000 + id] as const))
  })
  afterEach(() => lake.close())

  const WARN = 'silver.things:\n  warn:\n    - expect_column_values_to_be_between: {column: amount, max_value: 50}\n'
  const LABEL = 'expect_column_values_to_be_between(amount)'

  test('warnings are sampled too: a few rows, masked, and looked up no more than hourly', async () => {
    await lake.gated(WARN)
    const [sampled] = (await readGateReport(lake.world.lake, 'silver.things'))!.samples
    assert.deepEqual([sampled?.expectation, sampled?.rows.length], [LABEL, 5])
    const text = JSON.stringify(sampled)
    assert.doesNotMatch(text, /@b\.de/, 'no contract says what is private: all is masked')
    let asked = 0
    const engine = { ...lake.engine, ask: countAsk }
    function countAsk(...request: Parameters<typeof lake.engine.ask>): ReturnType<typeof lake.engine.ask> {
      asked += request[0].questions.filter((sql) => sql.endsWith('limit 5')).length
      return lake.engine.ask(...request)
    }
    const gated = (): Promise<unknown> => lake.gated(WARN, { engine: () => Promise.resolve(engine) })
    await lake.add([31, 2000])
    await gated()
    assert.equal(asked, 0)
    assert.deepEqual(
      (await readGateReport(lake.world.lake, 'silver.things'))?.samples,
      [sampled],
      'those of before stand',
    )
    lake.wait(60 * 60 * 1000 + 1)
    await lake.add([32, 2000])
    await gated()
    assert.equal(asked, 1)
    assert.notDeepEqual((await readGateReport(lake.world.lake, 'silver.things'))?.samples[0]?.at, sampled?.at)
    await lake.gated(WARN.replace('50', '5000'))
    await lake.add([33, 1])
    await lake.gated(WARN.replace('50', '5000'))
    const over = await readGateReport(lake.world.lake, 'silver.things')
    assert.deepEqual([over?.outcome, over?.samples], ['passed', []], 'what is kept now has no samples')
  })
})
