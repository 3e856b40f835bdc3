import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ModelOutcome } from '../../../src/transform/build.ts'
import { FIELDS, openGateFixture } from './gate-fixture.ts'

const SUITE = `silver.things:
  critical:
    - expect_column_values_to_not_be_null: {column: amount}
    - expect_referential_integrity: {column: id, parent: bronze.others, parent_column: id, grace: 0s}
`
const STRICTER = `${SUITE}    - expect_table_row_count_to_be_between: {min_value: 1}
`

test('a blocked result is worked out again only once something that it depends on has changed', async () => {
  const lake = await openGateFixture()
  try {
    const build = async (yaml: string): Promise<{ readonly things: ModelOutcome; readonly isStaged: boolean }> => {
      const things = (await lake.gated(yaml)).get('silver.things')!
      return { things, isStaged: things.mode !== 'nothing' }
    }
    await lake.add([1, 1], [2, null])
    assert.equal((await build(SUITE)).things.outcome, 'blocked')

    const again = await build(SUITE)
    assert.deepEqual([again.things.outcome, again.things.mode, again.isStaged], ['blocked', 'nothing', false])
    assert.match(again.things.reason, /1 of 2 rows break it.*nothing has changed since it was staged at 20/)
    assert.equal(again.things.error?.code, 'GATE_BLOCKED')
    assert.equal(again.things.gate?.outcome, 'blocked')

    const stricter = await build(STRICTER)
    assert.deepEqual([stricter.things.mode, stricter.isStaged], ['rebuild', true], 'another suite')
    assert.equal((await build(STRICTER)).isStaged, false)

    await lake.write('bronze.others', { sql: 'select 2 as id', fields: FIELDS.slice(0, 1) })
    const landed = await build(STRICTER)
    assert.equal(landed.isStaged, true, 'a table that the suite asks about')
    assert.match(landed.things.reason, /not_be_null.*1 of 2/)
    assert.doesNotMatch(landed.things.reason, /referential/)

    await lake.add([3, 3])
    assert.equal((await build(STRICTER)).isStaged, true, 'an input')
    lake.wait(25 * 60 * 60 * 1000)
    assert.equal((await build(STRICTER)).isStaged, true, 'what waited has expired')
    assert.equal((await build(SUITE.replace('amount', 'id'))).things.outcome, 'blocked')
  } finally {
    await lake.close()
  }
})
