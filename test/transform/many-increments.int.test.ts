import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runSeed } from '../support/random.ts'
import { openLake } from './lake-fixture.ts'
import type { LakeFixture } from './lake-fixture.ts'
import { LivingLake, STREAM_KEYS, contents, livingModels } from './random-lake.ts'

/** How many increments a history has; SLUICE_INCREMENTS=100 is the long form. */
const INCREMENTS = Number(process.env['SLUICE_INCREMENTS'] ?? 12)
/** The share of steps that vacuum a table, so that others must be built anew. */
const VACUUMS = Number(process.env['SLUICE_VACUUM_SHARE'] ?? 0.12)

async function buildWell(lake: LakeFixture, select: readonly string[]): Promise<readonly string[]> {
  const outcomes = await lake.build(livingModels(), { select })
  for (const { error } of outcomes) assert.equal(error, null, error?.message)
  return outcomes.filter(({ outcome }) => outcome === 'built').map(({ mode }) => mode)
}

test(`I11: after ${INCREMENTS} increments over a random history of late rows, deletions, rewrites, compactions and vacuums the tables are those of one rebuild`, async (t) => {
  const seed = runSeed()
  const said = [`seed ${seed}`]
  const lake = await openLake({ bronze: STREAM_KEYS })
  // looked-up tables are held in the one and read from their files in the other
  const fresh = await openLake({ bronze: STREAM_KEYS, broadcastThresholdBytes: 0 })
  try {
    const living = new LivingLake(lake, seed, VACUUMS)
    await living.begin()
    await buildWell(lake, [])
    const modes: string[] = []
    for (let round = 0; round < INCREMENTS; round += 1) {
      said.push(await living.step())
      const select = living.select()
      const built = await buildWell(lake, select)
      modes.push(...built)
      said.push(`  built ${select.length === 0 ? 'all' : select.join(', ')}: ${built.join(', ') || 'nothing'}`)
    }
    modes.push(...(await buildWell(lake, [])))
    await living.retell(fresh)
    await buildWell(fresh, [])
    assert.deepEqual(await contents(lake), await contents(fresh))
    assert.deepEqual(await buildWell(lake, []), [])
    t.diagnostic(
      `seed ${seed}: ${modes.filter((mode) => mode === 'increment').length} tables by increment, ${modes.filter((mode) => mode === 'rebuild').length} rebuilt`,
    )
    assert.ok(modes.includes('increment'))
  } catch (error) {
    process.stderr.write(`${said.join('\n')}\n`)
    throw error
  } finally {
    await lake.close()
    await fresh.close()
  }
})
