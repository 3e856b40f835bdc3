import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describePlan, planAppends, planRound, PROCESSES, SESSION_MS } from './plan-round.ts'

const plans = Array.from({ length: 200 }, (_, seed) => planRound(seed))

test('a round is a function of its seed', () => {
  for (const plan of plans.slice(0, 20)) assert.deepEqual(planRound(plan.seed), plan)
  assert.equal(new Set(plans.map(describePlan)).size, plans.length)
})

test('every round kills a process, pauses one past its session, and has the registry out while a schema comes', () => {
  for (const { seed, processes, registry } of plans) {
    assert.equal(processes.length, PROCESSES)
    const strikes = processes.flat()
    assert.ok(
      strikes.some(({ kind }) => kind === 'kill'),
      `seed ${seed}`,
    )
    assert.ok(
      strikes.some((strike) => strike.kind === 'pause' && strike.ms > SESSION_MS),
      `seed ${seed}`,
    )
    const [outage] = registry
    assert.ok(outage!.lateSchemaAfterMs! < outage!.ms, `seed ${seed}`)
  }
})

test('over fifty rounds every fault strikes, everywhere that it can', () => {
  const fifty = plans.slice(0, 50)
  const kinds = (all: readonly { readonly kind: string }[]): string[] =>
    [...new Set(all.map(({ kind }) => kind))].sort()
  const steps = fifty
    .flatMap(({ processes }) => processes.flat())
    .flatMap((each) => (each.kind === 'kill' ? [each] : []))
  assert.deepEqual(kinds(fifty.flatMap(({ processes }) => processes.flat())), ['kill', 'leave', 'pause'])
  assert.deepEqual(kinds(fifty.flatMap(({ broker }) => broker)), ['kill', 'pause', 'stop'])
  assert.deepEqual(kinds(fifty.flatMap(({ store }) => store)), [
    'cut',
    'error_500',
    'error_503',
    'lost',
    'refused',
    'slow',
  ])
  assert.deepEqual(kinds(fifty.flatMap(({ registry }) => registry)), ['error_503', 'paused', 'refused', 'slow'])
  assert.equal(new Set(steps.flatMap(({ diesAt }) => diesAt?.split(':')[0] ?? [])).size, 5)
  const records = planAppends(1, 0)
    .take(100)
    .flatMap((append) => append.records)
  assert.deepEqual([...new Set(records)].sort(), ['broken_rule', 'good', 'junk', 'late', 'tombstone'])
})
