import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadSettings } from '../../src/settings/load-settings.ts'
import { makeProject, WHOLE } from './project.ts'

const DAY = 86_400_000

test('upkeep is on by itself, its intervals, budgets and prices can be set, and `forever` turns a job off', (t) => {
  const plain = loadSettings(makeProject(t, { 'sluice.yaml': WHOLE }).input())
  assert.deepEqual(
    [plain.jobs.optimize.everyMs, plain.jobs.vacuum.everyMs, plain.jobs.vacuum.retainMs],
    [3_600_000, DAY, 7 * DAY],
  )
  assert.deepEqual([plain.cost.currency, plain.cost.budgetPerMonth], ['USD', null])
  const text = `${WHOLE}jobs: {optimize: {every: forever}, vacuum: {every: 12h, retain: 30d, max_mb: 2}}\ncost: {budget_per_month: 12.5}\n`
  const set = loadSettings(makeProject(t, { 'sluice.yaml': text }).input())
  assert.equal(set.jobs.optimize.everyMs, null)
  assert.deepEqual([set.jobs.vacuum.retainMs, set.jobs.vacuum.maxBytes], [30 * DAY, 2 * 2 ** 20])
  assert.equal(set.cost.budgetPerMonth, 12.5)
})

test('a vacuum that keeps removed files for less than a week must be asked for in so many words', (t) => {
  const load = (vacuum: string) => () =>
    loadSettings(makeProject(t, { 'sluice.yaml': `${WHOLE}jobs: {vacuum: ${vacuum}}\n` }).input())
  assert.throws(load('{retain: 1d}'), { code: 'SETTINGS_INVALID', message: /jobs\.vacuum\.retain/ })
  assert.equal(load('{retain: 1d, allow_short: true}')().jobs.vacuum.retainMs, DAY)
  assert.throws(load('{retain: 8}'), { code: 'SETTINGS_INVALID' })
})
