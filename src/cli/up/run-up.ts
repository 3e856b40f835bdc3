import PQueue from 'p-queue'
import { retryDelayMs } from '../../domain/backoff.ts'
import { classifyError, SluiceError } from '../../domain/errors.ts'
import type { Happening } from '../../domain/events.ts'
import { formatTableName } from '../../domain/identifier.ts'
import { HeldBytes } from '../../ingest/follow/held-bytes.ts'
import { expireLetters } from '../../operate/expire-letters.ts'
import { BUILD_JOB, UP_JOBS_GROUP } from '../../operate/status/model-status.ts'
import { UP_SOURCES_GROUP } from '../../operate/status/source-status.ts'
import type { LoopHealth, RunningService, StartService } from '../../ports/service.ts'
import type { World } from '../../ports/world.ts'
import { loadModels } from '../../settings/model-file.ts'
import { buildPass, prepareFlow } from '../pass.ts'
import { followSource } from './connector-loop.ts'
import { drainingMs, endWithin } from './drain.ts'
import { Duties } from './duties.ts'
import { ingestLane } from './ingest-loop.ts'
import { runJobs, type Job } from './job-loop.ts'
import { nap } from './nap.ts'
import { PartControls } from './part-controls.ts'

export const UP_PARTS = ['connectors', 'ingest', 'jobs', 'service'] as const
export type UpPart = (typeof UP_PARTS)[number]

export interface UpRequest {
  readonly world: World
  readonly parts: ReadonlySet<UpPart>
  /** The user named its parts: then each of them must be there. */
  readonly named: boolean
  readonly startService: StartService
  readonly started: (url: string | null) => void
}

/** Sources read at once; each holds one append. */
const SOURCES_AT_ONCE = 4
/** One engine serves all jobs, call by call. */
const JOBS_AT_ONCE = 2
const EXPIRE_EVERY_MS = 3_600_000
const SERVICE_RETRY_MS = 10_000
const CLOSE_MS = 1_500
/** The event loop must come round at least this often, or the process hangs. */
const PROCESS_LIMIT_MS = 60_000

/**
 * The stages, always on, until the world's signal. Then, in this order: nothing new is fetched or begun and readiness
 * turns; what is held is committed and what runs comes to its end, or is abandoned at the grace time; the service and
 * the leases go. Returns the names of what was abandoned. Throws only before anything has begun.
 */
export async function runUp({ world, parts, named, startService, started }: UpRequest): Promise<readonly string[]> {
  const { clock, signal, settings } = world
  const emit = (happening: Happening): void =>
    world.events.emit({ runId: world.runId, traceId: world.traceId, jobName: 'up', ...happening })
  const turns = new Map<string, number | null>()
  const turn = (name: string) => () => void turns.set(name, clock.nowMs())
  const controls = new PartControls(world)
  const heldBytes = new HeldBytes()
  const loops: { readonly name: string; readonly run: () => Promise<void> }[] = []
  const leaving: Duties[] = []

  await persist(world, emit, async () => {
    await prepareFlow(world)
    await controls.look()
  })
  if (parts.has('connectors') && settings.sources.size > 0) {
    const duties = await Duties.join(world, UP_SOURCES_GROUP, [...settings.sources.keys()])
    leaving.push(duties)
    loops.push({ name: 'duties of sources', run: () => duties.watch(world, signal) })
    const queue = new PQueue({ concurrency: SOURCES_AT_ONCE })
    for (const source of settings.sources.values()) {
      const name = `source ${source.name}`
      const control = controls.add({ kind: 'source', name: source.name })
      loops.push({ name, run: () => followSource({ world, source, duties, control, queue, turned: turn(name) }) })
    }
  }
  if (parts.has('ingest')) {
    for (const table of settings.tables.values()) {
      const name = `lane bronze.${table.table}`
      const control = controls.add({ kind: 'lane', name: `bronze.${table.table}` })
      loops.push({ name, run: () => ingestLane({ world, table, control, heldBytes, turned: turn(name) }) })
    }
  }
  if (parts.has('jobs')) {
    const jobs = declareJobs(world)
    const duties = await Duties.join(
      world,
      UP_JOBS_GROUP,
      jobs.map(({ name }) => name),
    )
    leaving.push(duties)
    loops.push({ name: 'duties of jobs', run: () => duties.watch(world, signal) })
    const queue = new PQueue({ concurrency: JOBS_AT_ONCE })
    loops.push({ name: 'jobs', run: () => runJobs({ world, jobs, duties, queue, turned: turn('jobs') }) })
  }
  await persist(world, emit, () => controls.look())
  for (const { name } of loops) turns.set(name, null)
  turn('process')()

  let service: RunningService | null = null
  const health = {
    draining: () => signal.aborted,
    loops: (): readonly LoopHealth[] =>
      [...turns].map(([name, lastTurnMs]) => ({
        name,
        lastTurnMs,
        limitMs: name === 'process' ? PROCESS_LIMIT_MS : null,
      })),
  }
  const serve = async (): Promise<void> => {
    service = await startService({ world, health, ...settings.service })
  }
  if (parts.has('service')) {
    try {
      await serve()
    } catch (error) {
      if (named || !isTaken(error)) throw error
      emit(failure('service', error, SERVICE_RETRY_MS))
      loops.push({ name: 'service', run: () => retryService(world, serve) })
    }
  }
  loops.push({ name: 'controls', run: () => controls.watch() })
  const url = (service as RunningService | null)?.url ?? null
  emit({ type: 'up.started', parts: [...parts], url })
  started(url)

  const running = new Map(loops.map(({ name, run }) => [name, keepUp({ world, name, run, emit })]))
  while (!signal.aborted) {
    turn('process')()
    await nap(world, Infinity)
  }

  const drainStartedMs = clock.nowMs()
  const { graceMs } = settings.up
  emit({ type: 'up.draining', graceMs })
  const abandoned = await endWithin(clock, drainingMs(graceMs), running)
  const closing = new Map<string, Promise<unknown>>(leaving.map((duties, i) => [`leases ${i}`, duties.leave()]))
  closing.set('service', (service as RunningService | null)?.close() ?? Promise.resolve())
  await endWithin(clock, CLOSE_MS, closing)
  emit({ type: 'up.drained', abandoned, ms: clock.nowMs() - drainStartedMs })
  return abandoned
}

function declareJobs({ settings }: World): Job[] {
  return [
    {
      name: BUILD_JOB,
      everyMs: settings.jobs.build.everyMs,
      tables: () => loadModels(settings.paths.models).map(formatTableName),
      run: async (world) => void (await buildPass(world, { select: [], fullRefresh: false, dryRun: false })),
    },
    {
      name: 'expire letters',
      everyMs: EXPIRE_EVERY_MS,
      tables: () => [],
      run: async (world) => {
        for (const table of settings.tables.keys()) if (!world.signal.aborted) await expireLetters(world, table)
      },
    },
  ]
}

type Emit = (happening: Happening) => void

/** What must be there before anything begins: what is worth a retry is tried until it is there, the rest is thrown. */
async function persist({ clock, signal }: World, emit: Emit, work: () => Promise<void>): Promise<void> {
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      if (classifyError(error).row.retry !== 'transient') throw error
      const retryMs = retryDelayMs('transient', attempt, clock.random())
      emit(failure('start', error, retryMs))
      await clock.sleep(retryMs, signal).catch(() => undefined)
    }
  }
}

interface Kept {
  readonly world: World
  readonly name: string
  readonly run: () => Promise<void>
  readonly emit: Emit
}

/** A loop that fails as a whole is begun again: none of them may end another, or the process. */
async function keepUp({ world, name, run, emit }: Kept): Promise<void> {
  const { clock, signal } = world
  for (let attempt = 0; ; attempt += 1) {
    try {
      await run()
      return
    } catch (error) {
      if (signal.aborted) return
      const retryMs = retryDelayMs(classifyError(error).row.retry, attempt, clock.random())
      emit(failure(name, error, retryMs))
      await clock.sleep(retryMs, signal).catch(() => undefined)
    }
  }
}

/** Another process on this machine has the port: served from here once it is free. */
async function retryService(world: World, serve: () => Promise<void>): Promise<void> {
  while (!world.signal.aborted) {
    await world.clock.sleep(SERVICE_RETRY_MS, world.signal).catch(() => undefined)
    if (world.signal.aborted) return
    try {
      return await serve()
    } catch (error) {
      if (!isTaken(error)) throw error
    }
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof SluiceError && error.where.key === 'service.port'
}

function failure(loop: string, error: unknown, retryMs: number): Happening {
  const { code, message, where } = classifyError(error)
  return { type: 'loop.failed', loop, code, message, where, retryMs }
}
