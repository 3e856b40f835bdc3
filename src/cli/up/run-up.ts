import { retryDelayMs } from '../../domain/backoff.ts'
import { classifyError, SluiceError } from '../../domain/errors.ts'
import type { Happening } from '../../domain/events.ts'
import type { Health, RunningService, StartService } from '../../ports/service.ts'
import type { World } from '../../ports/world.ts'
import { prepareFlow } from '../pass.ts'
import { drainingMs, endWithin } from './drain.ts'
import { nap } from './nap.ts'
import { PartControls } from './part-controls.ts'
import { planConnectors, planIngest, planJobs, type Loop, type LoopPlan, type PlanRequest } from './plan-loops.ts'

export const UP_PARTS = ['connectors', 'ingest', 'jobs', 'service'] as const
export type UpPart = (typeof UP_PARTS)[number]

export interface UpRequest {
  readonly world: World
  readonly parts: ReadonlySet<UpPart>
  /** The user named its parts: then each of them must be there from the start. */
  readonly named: boolean
  readonly startService: StartService
  readonly started: (url: string | null) => void
}

type Emit = (happening: Happening) => void

const SERVICE_RETRY_MS = 10_000
const CLOSE_MS = 1_500
/** The event loop must come round at least this often, or the process hangs. */
const PROCESS_LIMIT_MS = 60_000

/**
 * The stages, always on, until the world's signal. Then, in this order: nothing new is fetched or begun, and readiness
 * turns; what is held is committed and what runs comes to its end, or is abandoned at the grace time; the service and
 * the leases go. Returns the names of what was abandoned. Throws only before anything has begun.
 */
export async function runUp(request: UpRequest): Promise<readonly string[]> {
  const { world, parts } = request
  const { clock, signal, settings } = world
  const emit: Emit = (happening) =>
    world.events.emit({ runId: world.runId, traceId: world.traceId, jobName: 'up', ...happening })
  const turns = new Turns(world)
  const controls = new PartControls(world)
  const plans = planParts({ world, controls, turned: (name) => turns.mark(name) }, parts)
  const loops = [...plans.flatMap((plan) => plan.loops), { name: 'controls', run: () => controls.watch() }]

  await persist(world, emit, async () => {
    if (plans.length > 0) await prepareFlow(world)
    await controls.look()
  })
  const service = new Service(request, turns)
  if (parts.has('service')) loops.push(...(await service.start(emit)))
  emit({ type: 'up.started', parts: [...parts], url: service.url })
  request.started(service.url)

  const running = new Map(loops.map((loop) => [loop.name, keepUp(world, loop, emit)]))
  while (!signal.aborted) {
    turns.mark(PROCESS)
    await nap(world, Infinity)
  }

  const drainStartedMs = clock.nowMs()
  const { graceMs } = settings.up
  emit({ type: 'up.draining', graceMs })
  const abandoned = await endWithin(clock, drainingMs(graceMs), running)
  const duties = plans.flatMap((plan) => plan.duties)
  const leaving = Promise.all(duties.map((each) => each.leave()))
  const closing = new Map<string, Promise<unknown>>([
    ['leases', leaving],
    ['service', service.close()],
  ])
  await endWithin(clock, CLOSE_MS, closing)
  emit({ type: 'up.drained', abandoned, ms: clock.nowMs() - drainStartedMs })
  return abandoned
}

function planParts(request: PlanRequest, parts: ReadonlySet<UpPart>): LoopPlan[] {
  return [
    ...(parts.has('connectors') ? [planConnectors(request)] : []),
    ...(parts.has('ingest') ? [planIngest(request)] : []),
    ...(parts.has('jobs') ? [planJobs(request)] : []),
  ]
}

const PROCESS = 'process'

/** When each loop last came round. */
class Turns implements Health {
  readonly #world: World
  readonly #last = new Map<string, number | null>([[PROCESS, null]])

  constructor(world: World) {
    this.#world = world
  }

  mark(name: string): void {
    this.#last.set(name, this.#world.clock.nowMs())
  }

  draining(): boolean {
    return this.#world.signal.aborted
  }

  /** A loop may wait for a store or a broker as long as it must; only the process itself can hang. */
  loops(): ReturnType<Health['loops']> {
    const limitMs = (name: string): number | null => (name === PROCESS ? PROCESS_LIMIT_MS : null)
    return [...this.#last].map(([name, lastTurnMs]) => ({ name, lastTurnMs, limitMs: limitMs(name) }))
  }
}

class Service {
  readonly #request: UpRequest
  readonly #health: Health
  #running: RunningService | null = null

  constructor(request: UpRequest, health: Health) {
    this.#request = request
    this.#health = health
  }

  get url(): string | null {
    return this.#running?.url ?? null
  }

  /**
   * Where another process of this machine has the port and nobody asked for the service by name, the work goes on
   * without it: the returned loop serves from here once the port is free.
   */
  async start(emit: Emit): Promise<Loop[]> {
    try {
      await this.#serve()
      return []
    } catch (error) {
      if (this.#request.named || !isTaken(error)) throw error
      emit(failure('service', error, SERVICE_RETRY_MS))
      return [{ name: 'service', run: () => this.#serveLater() }]
    }
  }

  async close(): Promise<void> {
    await this.#running?.close()
  }

  async #serveLater(): Promise<void> {
    const { clock, signal } = this.#request.world
    while (!signal.aborted && this.#running === null) {
      await clock.sleep(SERVICE_RETRY_MS, signal).catch(() => undefined)
      if (signal.aborted) return
      try {
        await this.#serve()
      } catch (error) {
        if (!isTaken(error)) throw error
      }
    }
  }

  async #serve(): Promise<void> {
    const { world, startService } = this.#request
    this.#running = await startService({ world, health: this.#health, ...world.settings.service })
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof SluiceError && error.where.key === 'service.port'
}

/** What must be there before anything begins: what is worth a retry is tried until it is there, the rest is thrown. */
async function persist({ clock, signal }: World, emit: Emit, work: () => Promise<void>): Promise<void> {
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      if (signal.aborted) return
      if (classifyError(error).row.retry !== 'transient') throw error
      const retryMs = retryDelayMs('transient', attempt, clock.random())
      emit(failure('start', error, retryMs))
      await clock.sleep(retryMs, signal).catch(() => undefined)
    }
  }
}

/** A loop that fails as a whole is begun again: none of them may end another, or the process. */
async function keepUp({ clock, signal }: World, { name, run }: Loop, emit: Emit): Promise<void> {
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    try {
      await run()
      return
    } catch (error) {
      const retryMs = retryDelayMs(classifyError(error).row.retry, attempt, clock.random())
      emit(failure(name, error, retryMs))
      await clock.sleep(retryMs, signal).catch(() => undefined)
    }
  }
}

function failure(loop: string, error: unknown, retryMs: number): Happening {
  const { code, message, where } = classifyError(error)
  return { type: 'loop.failed', loop, code, message, where, retryMs }
}
