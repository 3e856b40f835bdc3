import { setTimeout as sleep } from 'node:timers/promises'
import { s3Fault, type Fault, type FaultProxy, type SeenRequest } from '../services/fault-proxy.ts'
import type { Kafka } from '../services/kafka.ts'
import type { Registry } from '../services/registry.ts'
import type { IngestProcess } from './ingest-process.ts'
import type { OrderWriter } from './order-writer.ts'
import type { ProcessStrike, RegistryStrike, RoundPlan, StoreStrike } from './plan-round.ts'

/** What a round strikes. The proxies stand between the processes and the store and the registry. */
export interface Struck {
  readonly processes: readonly IngestProcess[]
  readonly kafka: Kafka
  readonly registry: Registry
  readonly storeProxy: FaultProxy
  readonly registryProxy: FaultProxy
  readonly writer: OrderWriter
  readonly random: () => number
}

const SLOW_STORE_MS = 1_500
/** Longer than the processes wait for the registry. */
const SLOW_REGISTRY_MS = 1_500
const CUT_BYTES = 1_500

/** Does all that the plan says and ends when all of it is over and mended. */
export async function strike(struck: Struck, plan: RoundPlan): Promise<void> {
  await Promise.all([
    ...struck.processes.map((process, i) => strikeProcess(process, plan.processes[i]!)),
    strikeBroker(struck, plan),
    strikeStore(struck, plan),
    strikeRegistry(struck, plan),
  ])
}

async function strikeProcess(process: IngestProcess, strikes: readonly ProcessStrike[]): Promise<void> {
  for (const each of strikes) {
    await sleep(each.afterMs)
    if (each.kind === 'pause') {
      process.pause()
      await sleep(each.ms)
      process.resume()
      continue
    }
    await (each.kind === 'kill' ? process.kill() : process.leave())
    await sleep(each.downMs)
    await process.start(each.kind === 'kill' ? each.diesAt : null)
  }
}

async function strikeBroker({ kafka }: Struck, { broker }: RoundPlan): Promise<void> {
  for (const { kind, afterMs, downMs } of broker) {
    await sleep(afterMs)
    if (kind === 'pause') kafka.pause(1)
    else await (kind === 'kill' ? kafka.killBroker(1) : kafka.stopBroker(1))
    await sleep(downMs)
    if (kind === 'pause') kafka.resume(1)
    else await kafka.startBroker(1)
  }
}

async function strikeStore({ storeProxy, random }: Struck, { store }: RoundPlan): Promise<void> {
  for (const { kind, on, share, afterMs, ms } of store) {
    await sleep(afterMs)
    storeProxy.fault = (seen) => (isOn(on, seen) && random() < share ? storeFault(kind, random) : null)
    await sleep(ms)
    storeProxy.fault = () => null
  }
}

function isOn(on: StoreStrike['on'], { method, path }: SeenRequest): boolean {
  switch (on) {
    case 'everything':
      return true
    case 'commits':
      return method === 'PUT' && path.includes('/_delta_log/')
    case 'puts':
      return method === 'PUT' || method === 'POST'
    case 'gets':
      return method === 'GET' || method === 'HEAD'
  }
}

function storeFault(kind: StoreStrike['kind'], random: () => number): Fault {
  switch (kind) {
    case 'error_500':
      return s3Fault(500, 'InternalError')
    case 'error_503':
      return s3Fault(503, 'SlowDown')
    case 'slow':
      return { kind: 'slow', ms: Math.round(random() * SLOW_STORE_MS) }
    case 'cut':
      return { kind: 'cut', afterBytes: Math.floor(random() * CUT_BYTES) }
    case 'lost':
    case 'refused':
      return { kind }
  }
}

async function strikeRegistry({ registry, registryProxy, writer }: Struck, plan: RoundPlan): Promise<void> {
  for (const { kind, afterMs, ms, lateSchemaAfterMs } of plan.registry) {
    await sleep(afterMs)
    if (kind === 'paused') registry.pause()
    else registryProxy.fault = () => registryFault(kind)
    if (lateSchemaAfterMs !== null) {
      await sleep(lateSchemaAfterMs)
      writer.bringLateSchema()
    }
    await sleep(ms - (lateSchemaAfterMs ?? 0))
    registry.resume()
    registryProxy.fault = () => null
  }
}

function registryFault(kind: Exclude<RegistryStrike['kind'], 'paused'>): Fault {
  switch (kind) {
    case 'error_503':
      return { kind: 'status', status: 503 }
    case 'slow':
      return { kind: 'slow', ms: SLOW_REGISTRY_MS }
    case 'refused':
      return { kind }
  }
}
