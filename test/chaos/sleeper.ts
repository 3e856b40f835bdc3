import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { writeProject, type ChaosProject, type ChaosServices } from './chaos-project.ts'
import type { Written } from './chaos-topic.ts'
import { IngestProcess } from './ingest-process.ts'
import { OrderWriter } from './order-writer.ts'
import { proveProject } from './prove-project.ts'
import { PositionReader, topicEnds } from './read-project.ts'
import { until } from './until.ts'

/** In the middle of a flush: its data file is written, its commit is not. */
const FALLS_ASLEEP_AT = 'data_file.written:2'
const MORE_MS = 1_000
const LEAST_SLEEP_MS = 60_000

/**
 * A process that falls asleep (SIGSTOP) in the middle of a flush, on a project of its own, while another takes over and
 * brings all of it to its end.
 */
export class Sleeper {
  readonly #services: ChaosServices
  readonly #project: ChaosProject
  readonly #process: IngestProcess
  readonly #written: readonly Written[]
  readonly #sinceMs: number

  private constructor(services: ChaosServices, fallen: Fallen) {
    this.#services = services
    this.#project = fallen.project
    this.#process = fallen.process
    this.#written = fallen.written
    this.#sinceMs = fallen.sinceMs
  }

  static async fallAsleep(services: ChaosServices, seed: number): Promise<Sleeper> {
    const { kafka, registry, s3, bucket } = services
    const project = await writeProject(services, `sleeper_${seed}`)
    const { name } = project
    const args = ['--config', project.config]
    const process = new IngestProcess(args, { ...s3.env, SLUICE_KILL_SIGNAL: 'SIGSTOP' })
    const other = new IngestProcess(args, s3.env)
    const writer = new OrderWriter({ bootstrap: kafka.bootstrap, registryUrl: registry.url, topic: name, seed })
    const positions = new PositionReader(s3, { bucket, name })
    try {
      await process.start(FALLS_ASLEEP_AT)
      await until('it sleeps', () => process.isStopped())
      const sinceMs = performance.now()
      await other.start()
      await sleep(MORE_MS)
      const written = await writer.end()
      const ends = await topicEnds(kafka.bootstrap, name)
      await until(`the other reached ${ends.join(', ')}`, () => positions.reached(ends))
      await other.leave()
      assert.deepEqual(other.faults, [])
      return new Sleeper(services, { project, process, written, sinceMs })
    } catch (error) {
      await process.kill()
      throw error
    } finally {
      positions.close()
      writer.kill()
      await other.kill()
    }
  }

  /** After a minute at the least. It must find that its flush was done by another, drop it and go on. */
  async wake(): Promise<void> {
    await sleep(Math.max(0, this.#sinceMs + LEAST_SLEEP_MS - performance.now()))
    assert.ok(await this.#process.isStopped(), 'it slept all the while')
    this.#process.resume()
    await until('it drops its flush', async () => this.#process.log.includes('"commit.conflicted"'))
    await this.#process.leave()
    assert.deepEqual(this.#process.faults, [])
    await proveProject(this.#services, this.#project, this.#written)
  }

  async close(): Promise<void> {
    await this.#process.kill()
  }
}

interface Fallen {
  readonly project: ChaosProject
  readonly process: IngestProcess
  readonly written: readonly Written[]
  readonly sinceMs: number
}
