import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FaultProxy } from '../services/fault-proxy.ts'
import { seededRandom } from '../support/random.ts'
import { writeProject, type ChaosServices } from './chaos-project.ts'
import { IngestProcess } from './ingest-process.ts'
import { OrderWriter } from './order-writer.ts'
import { PROCESSES, type RoundPlan } from './plan-round.ts'
import { proveProject } from './prove-project.ts'
import { PositionReader, topicEnds } from './read-project.ts'
import { strike } from './strike.ts'
import { until } from './until.ts'

export interface RoundReport {
  readonly records: number
  readonly refused: number
  /** Requests to store and registry that went wrong. */
  readonly faults: number
  /** Processes that died at their step. */
  readonly died: number
  readonly commits: number
  /** Flushes that were dropped because another process was faster (I3). */
  readonly conflicts: number
  /** Times that a lane or one of its partitions stopped, to go on later. */
  readonly stops: number
}

/** One round on a topic, a table and a lake of its own: chaos while records come, then peace, then the proof. */
export async function runRound(services: ChaosServices, plan: RoundPlan): Promise<RoundReport> {
  const { kafka, registry, s3, bucket, storeProxy, registryProxy } = services
  const project = await writeProject(services, `orders_${plan.seed}`)
  const { name, config } = project
  const args = ['--config', config, '--set', `ingest.workers=${plan.workers}`]
  const processes = Array.from({ length: PROCESSES }, () => new IngestProcess(args, s3.env))
  const seenBefore = [storeProxy.seen.length, registryProxy.seen.length] as const
  const random = seededRandom(plan.seed ^ 0x5eed)
  const positions = new PositionReader(s3, { bucket, name })
  const writer = new OrderWriter({
    bootstrap: kafka.bootstrap,
    registryUrl: registry.url,
    topic: name,
    seed: plan.seed,
  })
  try {
    await Promise.all([writer.began(), ...processes.map((process) => process.start())])
    await until('the first commit', () => positions.reached([1]))
    await strike({ processes, kafka, registry, storeProxy, registryProxy, writer, random }, plan)
    const written = await writer.end()
    const ends = await topicEnds(kafka.bootstrap, name)
    await until(`positions ${ends.join(', ')}`, () => positions.reached(ends))
    await Promise.all(processes.map((process) => process.leave()))
    const faults = processes.flatMap((process) => process.faults)
    assert.deepEqual(faults, [])
    await proveProject(services, project, written)
    const struck = (proxy: FaultProxy, from: number): number =>
      proxy.seen.slice(from).filter(({ fault }) => fault !== null).length
    const told = (event: string): number =>
      processes.reduce((sum, { log }) => sum + log.split(`"event":"${event}"`).length - 1, 0)
    return {
      records: written.length,
      refused: written.filter(({ fate }) => fate === 'refused').length,
      faults: struck(storeProxy, seenBefore[0]) + struck(registryProxy, seenBefore[1]),
      died: processes.reduce((sum, { died }) => sum + died, 0),
      commits: told('commit.done'),
      conflicts: told('commit.conflicted'),
      stops: told('lane.stopped'),
    }
  } finally {
    positions.close()
    writer.kill()
    await Promise.all(processes.map((process) => process.kill()))
    for (const [i, { log }] of processes.entries()) await writeFile(join(project.folder, `process-${i}.log`), log)
  }
}
