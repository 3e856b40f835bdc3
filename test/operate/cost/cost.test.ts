import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from '../../../src/observe/metrics.ts'
import { costSample } from '../../../src/service/cost-sample.ts'
import { estimateCost } from '../../../src/operate/cost/estimate-cost.ts'
import { measureLake, readCostNote } from '../../../src/operate/cost/lake-cost.ts'
import { measureTable } from '../../../src/operate/cost/measure-table.ts'
import { resolveTable } from '../../../src/operate/look/resolve-table.ts'
import type { CostSettings, Settings } from '../../../src/domain/settings.ts'
import { HOUR, openVacuumFixture, TABLE } from '../vacuum/vacuum-fixture.ts'

const PRICES: CostSettings = {
  currency: 'EUR',
  storageGbMonth: 2,
  readsPer1000: 10,
  writesPer1000: 100,
  listsPer1000: 1000,
  budgetPerMonth: null,
}

/** Appends 900 and 100 bytes, merges 100 into 130, compacts the rest (1030) into 1000. */
async function history(cost: Partial<CostSettings> = {}) {
  const fixture = openVacuumFixture()
  const { put, commit, clock, world } = fixture
  await commit({ adds: [await put('a', 900), await put('b', 100)] })
  clock.ms += 24 * HOUR
  const b = (await fixture.snapshot()).files.get('b')!
  await commit({ adds: [await put('c', 130)], removes: [b], reads: 'removed-files' })
  clock.ms += 24 * HOUR
  const all = [...(await fixture.snapshot()).files.values()]
  await commit({ adds: [await put('d', 1000)], removes: all, reads: 'removed-files', dataChange: false })
  clock.ms += 240 * HOUR
  const settings = {
    cost: { ...PRICES, ...cost },
    performance: { partitionSizeBytes: 4000 },
    jobs: { vacuum: { retainMs: 168 * HOUR } },
  } as unknown as Settings
  return { ...fixture, whole: { ...world, settings } }
}

test('live, small and dead bytes and the write amplification are those of the history', async () => {
  const { whole, lake } = await history()
  const cost = await measureTable(whole, await resolveTable(lake, TABLE))
  assert.deepEqual(cost.live, { files: 1, bytes: 1000 })
  assert.deepEqual([cost.small, cost.smallShare], [{ files: 1, bytes: 1000 }, 1])
  assert.deepEqual(cost.dead, { files: 3, bytes: 1130 })
  const { appended, merged, rewritten, commits, files } = cost.written
  assert.deepEqual([appended, merged, rewritten, commits, files], [1000, 130, 1000, 3, 4])
  assert.deepEqual(cost.amplification, { total: 2.13, merges: 0.13, optimize: 1 })
  assert.deepEqual(cost.removable, { files: 3, bytes: 1130 })
  assert.equal(cost.log.files, 3)
  // Three entries and the hint, one listing, one file.
  assert.deepEqual([cost.estimate.scan.reads, cost.estimate.scan.lists], [5, 1])
})

test('the estimate is bytes by their price, puts at the rate of the log, and a scan by its requests', () => {
  const nowMs = 40 * 24 * HOUR
  const sum = (bytes: number) => ({ files: 2, bytes })
  const written = { appended: 1, merged: 0, rewritten: 0, commits: 10, files: 20, sinceMs: 30 * 24 * HOUR }
  const facts = { nowMs, live: sum(3e9), small: sum(0), dead: sum(1e9), log: sum(0), written }
  const estimate = estimateCost({ ...facts, opening: { reads: 8, lists: 1 } }, PRICES)
  assert.equal(estimate.storagePerMonth, 8)
  assert.equal(estimate.deadPerMonth, 2)
  // 30 puts in ten days are 90 a month.
  assert.deepEqual([estimate.putsPerMonth, estimate.writesPerMonth], [90, 9])
  assert.equal(estimate.perMonth, 17)
  assert.deepEqual(estimate.scan, { reads: 10, lists: 1, bytes: 3e9, cost: 0.1 + 1 })
})

test('a budget that all tables together pass is an alarm: noted, told, and a metric', async () => {
  const { whole, lake, events } = await history({ budgetPerMonth: 0.001 })
  const note = await measureLake(whole)
  assert.deepEqual(await readCostNote(lake), note)
  const told = events.at(-1)!
  assert.ok(told.type === 'cost.measured' && told.isOver && told.perMonth === note.per_month)
  const metrics = createMetrics({ process: false })
  metrics.setCost((await costSample(lake))!)
  metrics.setRequests(new Map([['get', 7]]))
  const text = await metrics.text()
  assert.match(text, /^sluice_cost_budget_per_month\{currency="EUR"\} 0\.001$/m)
  assert.match(text, /^sluice_table_bytes\{table="silver\.things",what="dead"\} 1130$/m)
  assert.match(text, /^sluice_write_amplification\{table="silver\.things"\} 2\.13$/m)
  const written = (what: string): RegExp =>
    new RegExp(`^sluice_table_written_bytes\\{table="silver\\.things",what="${what}"\\} (\\d+)$`, 'm')
  assert.deepEqual(
    ['appended', 'merged', 'rewritten'].map((what) => written(what).exec(text)?.[1]),
    ['1000', '130', '1000'],
  )
  assert.match(text, /^sluice_store_requests\{kind="get"\} 7$/m)
})

test('within the budget, or without one, nothing is alarmed, and no budget is told', async () => {
  const { whole, lake, events } = await history()
  await measureLake(whole)
  const told = events.at(-1)!
  assert.ok(told.type === 'cost.measured' && !told.isOver)
  const metrics = createMetrics({ process: false })
  metrics.setCost((await costSample(lake))!)
  assert.doesNotMatch(await metrics.text(), /^sluice_cost_budget_per_month[{ ]/m)
})
