import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { after, before, describe, it } from 'node:test'
import type { HistoryEntry } from '../../../src/lake/history.ts'
import { bypassOf, tableHistory } from '../../../src/operate/look/table-history.ts'
import { checkpointEveryCommit } from '../../support/checkpoint-every-commit.ts'
import { vacuumHard } from '../../support/vacuum.ts'
import { openGateFixture, type GateFixture } from './gate-fixture.ts'

/** Who looks a month later must find what was let pass, and why. */

const TABLE = { layer: 'silver', table: 'things' } as const
const RULE = 'expect_column_values_to_not_be_null(amount)'
const SUITE = 'silver.things:\n  critical:\n    - expect_column_values_to_not_be_null: {column: amount}\n'
const EASED = SUITE.replace('column: amount', 'column: amount, mostly: 0.1')
const REASON = 'till 3 was broken; mended by 2026-12-01'
const DAY_MS = 86_400_000

describe('a bypass, a month later', () => {
  let lake: GateFixture
  let folder = ''
  before(async () => {
    lake = await openGateFixture()
    folder = join(
      lake.world.lake.uri.startsWith('file:') ? fileURLToPath(lake.world.lake.uri) : lake.world.lake.uri,
      'silver/things',
    )
    await lake.add([1, 10])
    await lake.gated(SUITE)
    await checkpointEveryCommit(folder)
    await lake.add([2, null])
    await lake.gated(SUITE)
    const bypass = { expectations: [RULE], reason: REASON }
    const [released] = await lake.gate(SUITE, { tables: ['silver.things'], bypass })
    assert.equal(released?.outcome, 'committed')
    for (let day = 0; day < 30; day += 1) {
      lake.wait(DAY_MS)
      await lake.add([10 + day, day])
      assert.equal((await lake.gated(EASED)).get('silver.things')?.outcome, 'built')
    }
  })
  after(() => lake.close())

  async function bypasses(): Promise<readonly HistoryEntry[]> {
    const found: HistoryEntry[] = []
    for await (const entry of tableHistory(lake.world.lake, TABLE, lake.world.lake.at('silver/things')))
      if (bypassOf(entry) !== null) found.push(entry)
    return found
  }

  it('stands in the commit, with its name and reason, behind thirty days of commits and their checkpoints', async () => {
    const names = await readdir(join(folder, '_delta_log'))
    assert.ok(names.filter((name) => name.endsWith('.checkpoint.parquet')).length > 25)
    const [found, ...more] = await bypasses()
    assert.deepEqual(more, [])
    assert.deepEqual(bypassOf(found!), { expectations: RULE, reason: REASON })
    assert.equal(found!.version, 2)
    assert.equal(found!.parameters['model'], 'silver.things', 'read from the commit')
  })

  it('is found when log clean-up took the commit', async () => {
    assert.ok((await vacuumHard(folder)) > 30)
    const [found, ...more] = await bypasses()
    assert.deepEqual(more, [])
    assert.deepEqual(bypassOf(found!), { expectations: RULE, reason: REASON })
    assert.deepEqual([found!.version, found!.operation], [2, null])
    assert.ok(Math.abs(found!.timestampMs - Date.now()) < DAY_MS, 'when it was let pass')
  })
})
