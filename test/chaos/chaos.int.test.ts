import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startFaultProxy } from '../services/fault-proxy.ts'
import { kafkaMissing, startKafka } from '../services/kafka.ts'
import { findPython } from '../services/python.ts'
import { registryMissing, startRegistry } from '../services/registry.ts'
import { s3Missing, startS3 } from '../services/s3.ts'
import { runSeed } from '../support/random.ts'
import { temporaryFolder } from '../support/sluice.ts'
import { describePlan, planRound } from './plan-round.ts'
import type { ChaosServices } from './chaos-project.ts'
import { runRound } from './run-round.ts'
import { Sleeper } from './sleeper.ts'

/**
 * Three processes share four partitions of a topic on Kafka into a table on S3, while records come and processes are
 * killed, paused and sent away, the broker restarts, and the store and the registry fail. `npm run test:chaos` runs
 * fifty rounds; SLUICE_CHAOS_ROUNDS says otherwise. A round is a function of its seed: SLUICE_SEED=<of the round>
 * SLUICE_CHAOS_ROUNDS=1 strikes the same again.
 */
const seed = runSeed()
const rounds = Number(process.env['SLUICE_CHAOS_ROUNDS'] ?? 5)

const missing = (await kafkaMissing()) || (await registryMissing()) || (await s3Missing('versitygw'))
const found = missing === false ? await findPython() : ({ skip: missing } as const)

describe('chaos on Kafka, a registry and S3', { skip: found.skip }, () => {
  const closing: (() => Promise<unknown>)[] = []
  let services: ChaosServices
  let sleeping: Promise<Sleeper>
  let failed = false
  const keep = async <T extends { close(): Promise<unknown> }>(starting: Promise<T>): Promise<T> => {
    const started = await starting
    closing.push(() => started.close())
    return started
  }
  before(async () => {
    if (found.skip !== false) return
    const folder = await temporaryFolder('chaos')
    // The processes' logs stay where a round failed.
    closing.push(async () =>
      failed ? process.stdout.write(`logs of the processes: ${folder.path}\n`) : folder.remove(),
    )
    // Sessions as short as a round needs them.
    const properties = { 'group.min.session.timeout.ms': '1000' }
    const starting = [
      keep(startKafka({ properties })),
      keep(startRegistry()),
      keep(startS3({ kind: 'versitygw' })),
    ] as const
    await Promise.allSettled(starting)
    const [kafka, registry, s3] = await Promise.all(starting)
    const [storeProxy, registryProxy] = await Promise.all([
      keep(startFaultProxy(s3.endpoint)),
      keep(startFaultProxy(registry.url)),
    ])
    const bucket = await s3.bucket('chaos')
    services = { folder: folder.path, kafka, registry, s3, bucket, storeProxy, registryProxy, python: found.python }
    sleeping = keep(Sleeper.fallAsleep(services, seed))
    // Whoever asks for it hears why it could not.
    sleeping.catch(() => undefined)
  })
  after(async () => {
    // What cannot be closed keeps nothing else open.
    const failures: unknown[] = []
    for (const close of closing.toReversed()) await close().catch((error: unknown) => failures.push(error))
    assert.deepEqual(failures, [])
  })

  for (let round = 0; round < rounds; round += 1) {
    const plan = planRound(seed + round)
    it(`I1, I3, I4, I5, I7, I17: nothing is missing, nothing is there twice (SLUICE_SEED=${plan.seed})`, async () => {
      const startedMs = performance.now()
      const say = (what: string): boolean =>
        process.stdout.write(
          `chaos round ${round + 1} of ${rounds}, seed ${plan.seed}: ${what}, ${((performance.now() - startedMs) / 1_000).toFixed(1)} s; ${describePlan(plan)}\n`,
        )
      try {
        const { records, refused, commits, conflicts, stops, faults, died } = await runRound(services, plan)
        say(
          `${records} records, ${refused} refused, ${commits} commits, ${conflicts} flushes dropped, ${stops} stops, ${faults} requests struck, ${died} died at a step`,
        )
      } catch (error) {
        failed = true
        say('FAILED')
        throw error
      }
    })
  }

  it('I3: one that fell asleep in the middle of a flush, and slept for a minute through the rounds, wakes and abandons it', async () => {
    await (await sleeping).wake()
  })
})
