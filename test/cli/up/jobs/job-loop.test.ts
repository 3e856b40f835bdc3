import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import PQueue from 'p-queue'
import { Duties } from '../../../../src/cli/up/duties.ts'
import { runJobs, type Job } from '../../../../src/cli/up/jobs/job-loop.ts'
import { TableTurns } from '../../../../src/cli/up/jobs/table-turns.ts'
import { SluiceError } from '../../../../src/domain/errors.ts'
import { scratchWorld } from '../../../support/scratch-world.ts'

test('a job that fails is told and tried again, and disturbs no other; at the end what runs is waited for', async (t) => {
  const ending = new AbortController()
  const world = await scratchWorld(t, { signal: ending.signal })
  const runs = { good: 0, bad: 0, slow: 0, rival: 0 }
  const folders: string[] = []
  let slowEnded = false
  let together = 0
  const job = (name: string, run: Job['run'], tables: readonly string[] = [name]): Job => ({
    name,
    everyMs: 100,
    tables: () => tables,
    run,
  })
  const jobs = [
    job('good', async (own) => {
      runs.good += 1
      folders.push(await own.stagingFolder('good'))
    }),
    job('bad', async () => {
      runs.bad += 1
      throw new SluiceError('MODEL_INVALID', 'no such thing')
    }),
    job(
      'slow',
      async (own) => {
        runs.slow += 1
        together += 1
        await own.clock.sleep(800)
        together -= 1
        slowEnded = true
      },
      ['shared'],
    ),
    job(
      'rival',
      async () => {
        runs.rival += 1
        assert.equal(together, 0)
      },
      ['shared'],
    ),
  ]
  const duties = new Duties(
    world,
    'up/jobs',
    jobs.map(({ name }) => name),
  )
  const watching = duties.watch()
  const queue = new PQueue({ concurrency: 4 })
  const upkeep = { upkeepQueue: new PQueue({ concurrency: 1 }), turns: new TableTurns() }
  const running = runJobs({ world, jobs, duties, queue, ...upkeep, turned: () => undefined })
  while (runs.good < 3 || runs.bad < 2 || runs.slow < 1) await sleep(20)
  const begun = runs.slow
  ending.abort()
  await running
  await watching
  await duties.leave()
  assert.ok(slowEnded && together === 0)
  assert.equal(runs.slow, begun)
  const failures = world.events.seen.filter((event) => event.type === 'loop.failed')
  assert.ok(failures.length >= 2)
  assert.ok(failures.every((event) => event.type === 'loop.failed' && event.loop === 'bad'))
  // Each run is a run of its own.
  assert.equal(new Set(failures.map(({ runId }) => runId)).size, failures.length)
  // What a run staged does not outlive it.
  assert.deepEqual(folders.filter(existsSync), [])
  assert.equal((await world.assignment.held('up/jobs')).size, 0)
})
