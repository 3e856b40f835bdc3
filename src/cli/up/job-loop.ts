import type PQueue from 'p-queue'
import { retryDelayMs } from '../../domain/backoff.ts'
import { classifyError } from '../../domain/errors.ts'
import type { World } from '../../ports/world.ts'
import type { Duties } from './duties.ts'
import { nap } from './nap.ts'
import { withOwnStaging } from './own-staging.ts'
import { nextDueMs, selectDue } from './schedule.ts'

export interface Job {
  readonly name: string
  readonly everyMs: number
  /** Tables that it writes, as they are when it is due. */
  readonly tables: () => readonly string[]
  /** `world` is that of one run of the job. */
  readonly run: (world: World) => Promise<void>
}

export interface JobLoop {
  readonly world: World
  readonly jobs: readonly Job[]
  readonly duties: Duties
  /** Bounds how many jobs run at once; never holds more than each job once. */
  readonly queue: PQueue
  readonly turned: () => void
}

interface Turn {
  readonly job: Job
  tables: readonly string[]
  dueMs: number
  running: boolean
  attempt: number
}

/**
 * Runs each job by its interval, one at a time a table. A job that fails is told and tried again; it disturbs no
 * other. At the end nothing is begun, and what runs is waited for. Never throws.
 */
export async function runJobs({ world, jobs, duties, queue, turned }: JobLoop): Promise<void> {
  const { clock, signal } = world
  const turns = new Map(jobs.map((job) => [job.name, firstTurn(job, clock.nowMs())]))
  const underWay = new Set<Promise<void>>()
  while (!signal.aborted) {
    turned()
    const mine = [...turns.values()].filter(({ job, running }) => running || duties.holds(job.name))
    for (const turn of mine) if (!turn.running && turn.dueMs <= clock.nowMs()) turn.tables = tablesOf(turn.job)
    const states = mine.map((turn) => ({ ...turn, name: turn.job.name }))
    for (const name of selectDue(states, clock.nowMs())) {
      const turn = turns.get(name)!
      turn.running = true
      const work: Promise<void> = queue.add(() => runTurn(world, turn)).finally(() => underWay.delete(work))
      underWay.add(work)
    }
    await nap(world, Infinity)
  }
  await Promise.all(underWay)
}

async function runTurn(world: World, turn: Turn): Promise<void> {
  const { clock, events, signal } = world
  const { name, everyMs, run } = turn.job
  const startedMs = clock.nowMs()
  const context = { runId: clock.newId(), traceId: clock.newId().replaceAll('-', '') }
  try {
    if (!signal.aborted) await withOwnStaging({ ...world, ...context }, run)
    turn.attempt = 0
    turn.dueMs = nextDueMs({ startedMs, nowMs: clock.nowMs(), everyMs, random: clock.random() })
  } catch (thrown) {
    const { code, message, where, row } = classifyError(thrown)
    const retryMs = Math.min(everyMs, retryDelayMs(row.retry, turn.attempt, clock.random()))
    turn.attempt += 1
    turn.dueMs = clock.nowMs() + retryMs
    events.emit({ ...context, jobName: name, type: 'loop.failed', loop: name, code, message, where, retryMs })
  } finally {
    turn.running = false
  }
}

function firstTurn(job: Job, nowMs: number): Turn {
  return { job, tables: [], dueMs: nowMs, running: false, attempt: 0 }
}

/** A job whose tables cannot be told says why when it runs. */
function tablesOf({ tables }: Job): readonly string[] {
  try {
    return tables()
  } catch {
    return []
  }
}
