import type PQueue from 'p-queue'
import { retryDelayMs } from '../../../domain/backoff.ts'
import { classifyError } from '../../../domain/errors.ts'
import type { World } from '../../../ports/world.ts'
import type { Duties } from '../duties.ts'
import { nap } from '../nap.ts'
import { withOwnStaging } from './own-staging.ts'
import { nextDueMs, selectDue } from './schedule.ts'
import type { TableTurns } from './table-turns.ts'

export interface Job {
  readonly name: string
  readonly everyMs: number
  /** Tables that it writes, as they are when it is due. */
  readonly tables: () => readonly string[]
  /** `world` is that of one run of the job. */
  readonly run: (world: World) => Promise<void>
  /** Of low priority: it runs beside no other such job, and takes the tables that `turns` lets it have. */
  readonly isUpkeep?: true
  /** When it is due by what any process noted; null where it never ran. */
  readonly dueMs?: (world: World) => Promise<number | null>
  /** How long it waits after the start of the process where it never ran; 0 if not said. */
  readonly firstMs?: number
  /** An operator has paused it. */
  readonly isPaused?: (world: World) => Promise<boolean>
}

export interface JobLoop {
  readonly world: World
  readonly jobs: readonly Job[]
  readonly duties: Duties
  /** Bounds how many jobs run at once; never holds more than each job once. */
  readonly queue: PQueue
  /** The same for upkeep, which never takes another job's place. */
  readonly upkeepQueue: PQueue
  readonly turns: TableTurns
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
export async function runJobs(loop: JobLoop): Promise<void> {
  const { world, jobs, duties, queue, turned } = loop
  const { clock, signal } = world
  const turns = new Map<string, Turn>()
  for (const job of jobs) turns.set(job.name, await firstTurn(world, job))
  const underWay = new Set<Promise<void>>()
  while (!signal.aborted) {
    turned()
    const mine = [...turns.values()].filter(({ job, running }) => running || duties.holds(job.name))
    for (const turn of mine) if (!turn.running && turn.dueMs <= clock.nowMs()) turn.tables = tablesOf(turn.job)
    const states = mine.map((turn) => ({ ...turn, name: turn.job.name }))
    const chosen = selectDue(states, clock.nowMs(), loop.turns.kept())
    for (const name of chosen) {
      const turn = turns.get(name)!
      turn.running = true
      const slots = turn.job.isUpkeep === true ? loop.upkeepQueue : queue
      const work: Promise<void> = slots.add(() => runTurn(world, turn)).finally(() => underWay.delete(work))
      underWay.add(work)
    }
    const claiming = mine.filter(({ running, dueMs }) => running || dueMs <= clock.nowMs())
    loop.turns.claim(new Set(claiming.flatMap(({ tables }) => tables)))
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
    const laterMs = await notNow(world, turn.job)
    if (laterMs !== null) {
      turn.dueMs = laterMs
      return
    }
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

const PAUSE_LOOK_MS = 5_000

/** When to look again at a job that is paused, or that another process did a moment ago; null: it may run. */
async function notNow(world: World, { dueMs, isPaused }: Job): Promise<number | null> {
  const nowMs = world.clock.nowMs()
  if ((await isPaused?.(world)) === true) return nowMs + PAUSE_LOOK_MS
  const due = (await dueMs?.(world)) ?? null
  return due !== null && due > nowMs ? due : null
}

/** A note that cannot be read now is read again when the job is due. */
async function firstTurn(world: World, job: Job): Promise<Turn> {
  const noted = (await job.dueMs?.(world).catch(() => null)) ?? null
  const dueMs = noted ?? world.clock.nowMs() + (job.firstMs ?? 0)
  return { job, tables: [], dueMs, running: false, attempt: 0 }
}

/** A job whose tables cannot be told says why when it runs. */
function tablesOf({ tables }: Job): readonly string[] {
  try {
    return tables()
  } catch {
    return []
  }
}
