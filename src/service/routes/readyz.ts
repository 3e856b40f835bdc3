import { classifyError, SluiceError, type ErrorCode } from '../../domain/errors.ts'
import type { Health, ServiceWorld } from '../../ports/service.ts'
import { jsonAnswer, type Route } from '../answer.ts'
import { keepFor } from '../kept.ts'

export type ReadyWorld = Pick<ServiceWorld, 'clock' | 'log' | 'registry' | 'lake' | 'runId'>

export interface Readiness {
  readonly service: 'broker' | 'registry' | 'store'
  readonly ready: boolean
  /** Why not. */
  readonly code: ErrorCode | null
  /** What the code means; the error's own words may name places that are nobody's business here. */
  readonly reason: string | null
}

const PROBE_MS = 3_000
const PROBED_TOPIC = 'sluice.ready'
const KEEP_MS = 2_000

/** 503 with reasons while a service that work needs does not answer, or the process is ending. */
export function readyzRoute(world: ReadyWorld, health: Health): Route {
  const probe = keepFor(world.clock, KEEP_MS, () => probeServices(world))
  return {
    path: '/readyz',
    access: 'open',
    async answer() {
      const services = await probe()
      const draining = health.draining()
      const ready = !draining && services.every((service) => service.ready)
      return jsonAnswer({ ready, draining, services }, ready ? 200 : 503)
    },
  }
}

/** Never throws. The store is written to: a lake that can only be read would stop every commit. */
export async function probeServices(world: ReadyWorld): Promise<Readiness[]> {
  const { clock, log, registry, lake, runId } = world
  const path = `_status/ready-${runId}`
  return Promise.all([
    // Of one topic, there or not: all of them are many on a broker that others use too.
    probe(clock, 'broker', () => log.describe(PROBED_TOPIC)),
    probe(clock, 'registry', () => registry.subjects()),
    probe(clock, 'store', async () => {
      await lake.put(path, Buffer.from('\n'))
      await lake.delete([path])
    }),
  ])
}

async function probe(
  clock: ReadyWorld['clock'],
  service: Readiness['service'],
  act: () => Promise<unknown>,
): Promise<Readiness> {
  const done = new AbortController()
  const late = async (): Promise<never> => {
    await clock.sleep(PROBE_MS, done.signal)
    throw new SluiceError(LATE[service], `the ${service} did not answer within ${PROBE_MS / 1000} s`)
  }
  try {
    await Promise.race([act(), late()])
    return { service, ready: true, code: null, reason: null }
  } catch (error) {
    const { code, row } = classifyError(error)
    return { service, ready: false, code, reason: row.meaning }
  } finally {
    done.abort()
  }
}

const LATE = { broker: 'LOG_UNAVAILABLE', registry: 'REGISTRY_UNAVAILABLE', store: 'STORE_UNAVAILABLE' } as const
