import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nextDueMs, selectDue, type JobState } from '../../../../src/cli/up/jobs/schedule.ts'

const job = (name: string, over: Partial<JobState> = {}): JobState => ({
  name,
  tables: [name],
  dueMs: 0,
  running: false,
  ...over,
})

test('a job is begun once it is due and not while it runs', () => {
  assert.deepEqual(selectDue([job('a'), job('b', { dueMs: 11 }), job('c', { running: true })], 10), ['a'])
})

test('of two jobs of one table one waits for the other, the longest overdue goes first', () => {
  const a = job('a', { tables: ['t', 'u'], dueMs: 5 })
  const b = job('b', { tables: ['u'], dueMs: 3 })
  const c = job('c', { tables: ['v'], dueMs: 4 })
  assert.deepEqual(selectDue([a, b, c], 10), ['b', 'c'])
  assert.deepEqual(selectDue([a, { ...b, running: true }, c], 10), ['c'])
  assert.deepEqual(selectDue([a, { ...b, dueMs: 99 }, c], 10), ['c', 'a'])
})

test('never do two jobs of one table run at once, whatever is due', () => {
  const anyJob = fc.record({
    tables: fc.array(fc.constantFrom('t', 'u', 'v', 'w'), { maxLength: 3 }),
    dueMs: fc.integer({ min: 0, max: 20 }),
    running: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(anyJob, { maxLength: 6 }), (made) => {
      const free = new Set<string>()
      // What runs already was begun by the same rule.
      const jobs = made.map((each, i): JobState => {
        const clash = each.running && each.tables.some((table) => free.has(table))
        const running = each.running && !clash
        if (running) for (const table of each.tables) free.add(table)
        return { ...each, name: `j${i}`, running }
      })
      const begun = new Set(selectDue(jobs, 10))
      const busy = jobs
        .filter(({ name, running }) => running || begun.has(name))
        .flatMap((each) => [...new Set(each.tables)])
      assert.equal(new Set(busy).size, busy.length)
    }),
  )
})

test('rounds go from start to start with up to a tenth more; what was missed is not made up for', () => {
  assert.equal(nextDueMs({ startedMs: 1_000, nowMs: 1_200, everyMs: 60_000, random: 0 }), 61_000)
  assert.equal(nextDueMs({ startedMs: 1_000, nowMs: 1_200, everyMs: 60_000, random: 0.5 }), 64_000)
  assert.equal(nextDueMs({ startedMs: 1_000, nowMs: 500_000, everyMs: 60_000, random: 0 }), 500_000)
  assert.equal(nextDueMs({ startedMs: 1_000, nowMs: 1_000, everyMs: 0, random: 0 }), 1_100)
})
