import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultProxy } from '../services/fault-proxy.ts'
import type { Kafka } from '../services/kafka.ts'
import type { Python } from '../services/python.ts'
import type { Registry } from '../services/registry.ts'
import type { S3 } from '../services/s3.ts'
import { seededRandom } from '../support/random.ts'
import { sluiceJson } from '../support/sluice.ts'
import { CONTRACT } from './chaos-topic.ts'
import { IngestProcess } from './ingest-process.ts'
import { PARTITIONS, PROCESSES, SESSION_MS, type RoundPlan } from './plan-round.ts'
import { OrderWriter } from './order-writer.ts'
import { PositionReader, tableSeen, topicEnds, topicRecords } from './read-round.ts'
import { strike } from './strike.ts'

/** The services that all rounds share. */
export interface ChaosServices {
  readonly folder: string
  readonly kafka: Kafka
  readonly registry: Registry
  readonly s3: S3
  readonly bucket: string
  readonly storeProxy: FaultProxy
  readonly registryProxy: FaultProxy
  readonly python: Python
}

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

const PATIENCE_MS = 120_000
const POLL_MS = 100

/** One round on a topic, a table and a lake of its own: chaos while records come, then peace, then the proof. */
export async function runRound(services: ChaosServices, plan: RoundPlan): Promise<RoundReport> {
  const { folder, kafka, registry, s3, bucket, storeProxy, registryProxy, python } = services
  const topic = `orders_${plan.seed}`
  const lake = `round-${plan.seed}`
  const home = join(folder, lake)
  const config = await writeProject(home, topic, services)
  const args = ['--config', config, '--set', `ingest.workers=${plan.workers}`]
  const processes = Array.from({ length: PROCESSES }, () => new IngestProcess(args, s3.env))
  const seenBefore = [storeProxy.seen.length, registryProxy.seen.length] as const
  const random = seededRandom(plan.seed ^ 0x5eed)
  const positions = new PositionReader(s3, { bucket, table: `${lake}/bronze/${topic}`, topic })
  const writer = new OrderWriter({ bootstrap: kafka.bootstrap, registryUrl: registry.url, topic, seed: plan.seed })
  try {
    await Promise.all([writer.began(), ...processes.map((process) => process.start())])
    await until('the first commit', async () => (await positions.positions()).some((next) => next > 0))
    await strike({ processes, kafka, registry, storeProxy, registryProxy, writer, random }, plan)
    const written = await writer.end()
    const ends = await topicEnds(kafka.bootstrap, topic)
    await until(`positions ${ends.join(', ')}`, async () => {
      const found = await positions.positions()
      return found.every((position, partition) => position >= ends[partition]!)
    })
    await Promise.all(processes.map((process) => process.leave()))
    assert.deepEqual(
      processes.flatMap((process) => process.faults),
      [],
    )
    const verify = ['verify', '--against-log', '--config', config]
    const [proof, records, seen] = await Promise.all([
      sluiceJson<{ ok: boolean }>(verify, { env: s3.env }),
      topicRecords(kafka.bootstrap, topic),
      tableSeen(python, s3, { bucket, lake, topic }),
    ])
    assert.equal(proof.ok, true, JSON.stringify(proof))

    const byPlace = (all: readonly Place[]): Place[] => all.toSorted(comparePlaces)
    const log = written.map(({ partition, offset, key, value }) => ({ partition, offset, key, value }))
    assert.deepEqual(byPlace(records), byPlace(log), 'the topic holds what was acknowledged, once')
    const landing = written.flatMap(({ partition, offset, fate }) =>
      fate === 'refused' ? [] : [{ partition, offset, ...fate }],
    )
    assert.deepEqual(byPlace(seen.rows), byPlace(landing), 'what is good landed once, with its values')
    const refused = written.filter(({ fate }) => fate === 'refused')
    assert.deepEqual(
      new Set(seen.letters.map(textOf)),
      new Set(refused.map(textOf)),
      'what is bad is in the error lane, and nothing else',
    )
    assert.equal(new Set(seen.letters.map(({ rowId }) => rowId)).size, refused.length, 'one row id a refused record')
    assert.deepEqual(seen.positions, ends)

    const struck = (proxy: FaultProxy, from: number): number =>
      proxy.seen.slice(from).filter(({ fault }) => fault !== null).length
    const told = (event: string): number =>
      processes.reduce((sum, { log }) => sum + log.split(`"event":"${event}"`).length - 1, 0)
    return {
      records: written.length,
      refused: refused.length,
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
    for (const [i, { log }] of processes.entries()) await writeFile(join(home, `process-${i}.log`), log)
  }
}

interface Place {
  readonly partition: number
  readonly offset: number
}

function comparePlaces(a: Place, b: Place): number {
  return a.partition - b.partition || a.offset - b.offset
}

function textOf({ partition, offset }: Place): string {
  return `${partition}/${offset}`
}

async function writeProject(home: string, topic: string, services: ChaosServices): Promise<string> {
  const { kafka, s3, bucket, storeProxy, registryProxy } = services
  await mkdir(join(home, 'schemas'), { recursive: true })
  await writeFile(join(home, 'schemas', `${topic}-value.avsc`), JSON.stringify(CONTRACT))
  const config = join(home, 'sluice.yaml')
  const settings = {
    lake: {
      uri: `s3://${bucket}/round-${topic.slice('orders_'.length)}`,
      endpoint: storeProxy.url,
      region: s3.region,
      force_path_style: true,
      work_dir: 'work',
    },
    broker: { kind: 'kafka', brokers: kafka.bootstrap, session_timeout: `${SESSION_MS}ms` },
    registry: { kind: 'confluent', url: registryProxy.url, timeout: '1s' },
    paths: { schemas: 'schemas' },
    topics: { [topic]: { partitions: PARTITIONS, retention: 'forever' } },
    tables: { bronze: { [topic]: { topic, key: ['id'] } } },
    ingest: { flush_age: '300ms', flush_mb: 0.05, fetch_mb: 0.02 },
  }
  // JSON is YAML.
  await writeFile(config, JSON.stringify(settings, null, 2))
  return config
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!(await holds())) {
    if (performance.now() > deadline) assert.fail(`never: ${what}`)
    await sleep(POLL_MS)
  }
}
