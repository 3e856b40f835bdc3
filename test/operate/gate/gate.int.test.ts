import assert from 'node:assert/strict'
import { after, before, beforeEach, afterEach, describe, test } from 'node:test'
import { readLetters } from '../../../src/error-lane/ledger.ts'
import { readHistory } from '../../../src/lake/history.ts'
import { expireGateLetters } from '../../../src/operate/expire-letters.ts'
import { runQuery } from '../../../src/operate/look/query.ts'
import { listManifests } from '../../../src/operate/gate/staged-manifest.ts'
import type { World } from '../../../src/ports/world.ts'
import { openGateFixture, type GateFixture } from './gate-fixture.ts'

const SUITE = `
silver.things:
  critical:
    - expect_column_values_to_not_be_null: {column: amount}
    - expect_column_values_to_be_between: {column: amount, max_value: 100}
  warn:
    - expect_table_row_count_to_be_between: {min_value: 3}
`
const NOT_NULL = 'expect_column_values_to_not_be_null(amount)'
const SUM = 'select count(*) as n, sum(amount) as total from silver.things'

describe('the gate', () => {
  let lake: GateFixture
  beforeEach(async () => {
    lake = await openGateFixture()
    await lake.add([1, 10], [2, 20])
    await lake.gated(SUITE)
  })
  afterEach(() => lake.close())

  const look = (staged: boolean): Promise<unknown> =>
    runQuery(
      { ...lake.gateWorld },
      {
        sql: SUM,
        asOfMs: null,
        places: new Map(),
        maxRows: null,
        ...(staged ? { staged: { nowMs: lake.gateWorld.clock.nowMs() } } : {}),
      },
    )
  const waiting = async (): Promise<string[]> =>
    (await listManifests(lake.world.lake, lake.gateWorld.clock.nowMs())).map(({ model }) => model)

  test('I10: a blocked result leaves the table as it was and queryable, downstream is skipped by name, others go on', async () => {
    assert.deepEqual(await look(false), [{ n: 2, total: 30 }])
    await lake.add([3, null], [4, 400])
    const built = await lake.gated(SUITE)
    assert.equal(built.get('silver.things')?.outcome, 'blocked')
    assert.equal(built.get('silver.things')?.error?.code, 'GATE_BLOCKED')
    assert.match(
      built.get('silver.things')!.reason,
      /not_be_null\(amount\): 1 of 4 rows .*between\(amount\): 1 of 3 rows/,
    )
    assert.equal(built.get('gold.totals')?.outcome, 'skipped')
    assert.equal(built.get('gold.totals')?.reason, 'silver.things was blocked')
    assert.notEqual(built.get('gold.other')?.outcome, 'skipped')
    assert.deepEqual(await look(false), [{ n: 2, total: 30 }])
    assert.deepEqual(await look(true), [{ n: 4, total: 430 }])
  })

  test('warnings are told and let through', async () => {
    const judged = lake.events.filter((event) => event.type === 'gate.judged')
    assert.deepEqual(
      judged.map(({ model, outcome, critical, warned }) => [model, outcome, critical, warned]),
      [['silver.things', 'warned', 0, 1]],
    )
    assert.deepEqual(judged[0]?.assertions.at(-1), {
      expectation: 'expect_table_row_count_to_be_between',
      column: null,
      severity: 'warn',
      success: false,
      offending: null,
      expected: '>= 3',
      actual: '2',
    })
  })

  test('rows that block stand in the error lane, masked, once for the same inputs', async () => {
    await lake.add([3, null])
    await lake.gated(SUITE)
    await lake.gated(SUITE)
    const letters = []
    for await (const letter of readLetters(lake.world.lake.at('_errors'), { layer: 'silver', table: 'things' }))
      letters.push(letter)
    assert.equal(letters.length, 1)
    const [letter] = letters
    assert.deepEqual([letter?.stage, letter?.topic, letter?.raw, letter?.errors[0]?.code], ['gate', null, null, 'GATE'])
    assert.equal(letter?.errors[0]?.rule, NOT_NULL)
    assert.doesNotMatch(JSON.stringify(letters), /a3@b\.de/, 'no contract says what is private: all is masked')
  })

  test('letters of gates go once `errors.retention` is over, by whole days', async () => {
    await lake.add([3, null])
    await lake.gated(SUITE)
    const letters = async (): Promise<number> => {
      let found = 0
      for await (const _ of readLetters(lake.world.lake.at('_errors'), { layer: 'silver', table: 'things' })) found += 1
      return found
    }
    const day = 24 * 60 * 60 * 1000
    const settings = { ...lake.gateWorld.settings, errors: { retentionMs: 2 * day } } as World['settings']
    const expire = (days: number): Promise<number> => {
      const clock = { ...lake.gateWorld.clock, nowMs: () => Date.now() + days * day }
      return expireGateLetters(
        { settings, clock, lake: lake.world.lake },
        lake.models.map(({ layer, table }) => ({ layer, table })),
      )
    }
    assert.deepEqual([await expire(2), await letters()], [0, 1])
    assert.deepEqual([await expire(3), await letters()], [1, 0])
    assert.equal(await expire(3), 0)
  })

  test('what is staged is judged by the rules as they are now, and committed', async () => {
    await lake.add([3, null])
    await lake.gated(SUITE)
    const [still] = await lake.gate(SUITE)
    assert.deepEqual([still?.outcome, still?.error?.code], ['blocked', 'GATE_BLOCKED'])
    assert.deepEqual(await waiting(), ['silver.things'])
    const eased = SUITE.replace('not_be_null: {column: amount}', 'not_be_null: {column: amount, mostly: 0.5}')
    const [dry] = await lake.gate(eased, { dryRun: true })
    assert.equal(dry?.outcome, 'would_commit')
    assert.deepEqual(await look(false), [{ n: 2, total: 30 }])
    const [released] = await lake.gate(eased)
    assert.equal(released?.outcome, 'committed')
    assert.deepEqual(await look(false), [{ n: 3, total: 30 }])
    assert.deepEqual(await waiting(), [])
    const built = await lake.gated(eased)
    assert.equal(built.get('silver.things')?.outcome, 'unchanged', 'the commit says which inputs it was made from')
    assert.equal(built.get('gold.totals')?.outcome, 'built')
  })

  test('a bypass commits once, and its name and reason are found in the history', async () => {
    await lake.add([3, null])
    await lake.gated(SUITE)
    const tables = ['silver.things']
    const bypass = { expectations: [NOT_NULL], reason: 'known: till 3 was broken' }
    await assert.rejects(lake.gate(SUITE, { bypass }), { code: 'USAGE' })
    for (const wrong of ['expect_column_values_to_be_between', 'expect_nothing']) {
      const other = { ...bypass, expectations: [wrong] }
      await assert.rejects(lake.gate(SUITE, { tables, bypass: other }), {
        code: 'USAGE',
        message: /what blocks it: expect_/,
      })
    }
    const [released] = await lake.gate(SUITE, { tables, bypass })
    assert.deepEqual([released?.outcome, released?.bypassed], ['committed', [NOT_NULL]])
    const commits = []
    for await (const entry of readHistory(lake.world.lake.at('silver/things'))) commits.push(entry)
    assert.equal(commits[0]?.parameters['gateBypass'], NOT_NULL)
    assert.equal(commits[0]?.parameters['gateBypassReason'], bypass.reason)
    await lake.add([4, null])
    assert.equal((await lake.gated(SUITE)).get('silver.things')?.outcome, 'blocked', 'it was let pass once')
  })

  test('a bypass of one leaves what else blocks', async () => {
    await lake.add([3, null], [4, 400])
    await lake.gated(SUITE)
    const bypass = { expectations: [NOT_NULL], reason: 'r' }
    const [released] = await lake.gate(SUITE, { tables: ['silver.things'], bypass })
    assert.equal(released?.outcome, 'blocked')
    assert.match(released!.reason, /between/)
  })

  test('what its inputs, its table or its model moved on from is refused', async () => {
    await lake.add([3, 30])
    await lake.gated(SUITE, { stageOnly: true })
    await lake.add([4, 40])
    const [stale] = await lake.gate(SUITE)
    assert.deepEqual([stale?.outcome, stale?.error?.code], ['moved_on', 'GATE_STALE'])
    assert.match(stale!.error!.hint, /sluice build silver\.things/)
    await lake.gated(SUITE, { stageOnly: true })
    await lake.write('silver.things', {
      sql: 'select 9 as id, 9 as amount, null as email',
      fields: (await lake.snapshot('silver.things'))!.metadata.fields,
    })
    assert.equal((await lake.gate(SUITE))[0]?.outcome, 'moved_on')
  })

  test('--stage-only commits nothing, and gate commits it', async () => {
    await lake.add([3, 30])
    const built = await lake.gated(SUITE, { stageOnly: true })
    assert.equal(built.get('silver.things')?.outcome, 'staged')
    assert.equal(built.get('gold.totals')?.outcome, 'skipped')
    assert.deepEqual(await look(false), [{ n: 2, total: 30 }])
    assert.equal((await lake.gate(SUITE, { tables: ['silver.things'] }))[0]?.outcome, 'committed')
    assert.deepEqual(await look(false), [{ n: 3, total: 60 }])
  })

  test('a day later it is gone, and a build that commits takes its place', async () => {
    await lake.add([3, null])
    await lake.gated(SUITE)
    assert.deepEqual(await waiting(), ['silver.things'])
    await lake.gated('')
    assert.deepEqual(await waiting(), [])
    await lake.add([4, null])
    await lake.gated(SUITE)
    lake.wait(24 * 60 * 60 * 1000 + 1)
    await assert.rejects(lake.gate(SUITE, { tables: ['silver.things'] }), { code: 'STAGED_UNKNOWN' })
    await lake.gate(SUITE)
    const left = []
    for await (const { path } of lake.world.lake.list('_staged/')) left.push(path)
    assert.deepEqual(left, [])
  })

  test('a first build that is blocked makes no table, and can be looked at', async () => {
    const first = SUITE.replace('silver.things', 'gold.totals').replaceAll('amount', 'total')
    await lake.add([3, 300])
    const fresh = await openGateFixture()
    try {
      await fresh.add([1, 300])
      assert.equal((await fresh.gated(first)).get('gold.totals')?.outcome, 'blocked')
      assert.equal(await fresh.snapshot('gold.totals'), null)
      const staged = { nowMs: fresh.gateWorld.clock.nowMs() }
      const request = { sql: 'select total from gold.totals', asOfMs: null, places: new Map(), maxRows: null, staged }
      assert.deepEqual(await runQuery(fresh.gateWorld, request), [{ total: '300' }])
      await assert.rejects(fresh.gated('gold.nothing:\n  warn: [{expect_column_to_exist: {column: a}}]'), {
        code: 'SETTINGS_INVALID',
        message: /gold\.nothing is of no model/,
      })
    } finally {
      await fresh.close()
    }
  })
})

describe('the gate of bronze', () => {
  let lake: GateFixture
  const RANGE = 'bronze.things:\n  critical:\n    - expect_column_max_to_be_between: {column: amount, max_value: 100}\n'
  before(async () => {
    lake = await openGateFixture()
  })
  after(() => lake.close())

  test('new rows that break it block the models that read them, till a person lets them pass', async () => {
    await lake.add([1, 10])
    assert.equal((await lake.gated(RANGE)).get('silver.things')?.outcome, 'built')
    await lake.add([2, 200])
    const built = await lake.gated(RANGE)
    assert.equal(built.get('silver.things')?.outcome, 'blocked')
    assert.match(built.get('silver.things')!.reason, /bronze\.things was blocked: .*expected <= 100/)
    assert.notEqual(built.get('gold.other')?.outcome, 'blocked')
    const tables = ['bronze.things']
    assert.equal((await lake.gate(RANGE, { tables }))[0]?.outcome, 'blocked')
    const bypass = { expectations: ['expect_column_max_to_be_between'], reason: 'a wholesale order' }
    assert.equal((await lake.gate(RANGE, { tables, bypass }))[0]?.outcome, 'committed')
    assert.equal((await lake.gated(RANGE)).get('silver.things')?.outcome, 'built')
    await lake.add([3, 30])
    assert.equal(
      (await lake.gated(RANGE)).get('silver.things')?.outcome,
      'built',
      'rows that were read are not judged again',
    )
    await lake.add([4, 400])
    assert.equal((await lake.gated(RANGE)).get('silver.things')?.outcome, 'blocked', 'it was let pass once')
  })
})
