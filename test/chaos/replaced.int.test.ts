import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { openEmbeddedRegistry } from '../../src/adapters/registry/embedded-registry.ts'
import { checkEvolution } from '../../src/contract/evolution.ts'
import type { RegisteredSchema } from '../../src/ports/schema-registry.ts'
import { deleteTopics, openLog } from '../adapters/kafka/open-log.ts'
import { kafkaMissing, startKafka, type Kafka } from '../services/kafka.ts'
import { orders, orderSchema } from '../support/orders.ts'
import { activeFiles, rawRows } from '../support/raw-delta.ts'
import { sluice, sluiceJson, temporaryFolder } from '../support/sluice.ts'
import { IngestProcess } from './ingest-process.ts'
import { until } from './until.ts'

/** What a topic or a cluster that is another one under an old name does to its lanes, as an operator sees and mends it. */

const skip = await kafkaMissing()
const PARTITIONS = 2

interface Lane {
  readonly topic: string
  readonly partition: number
  readonly state: string
  readonly code: string | null
  readonly message: string | null
  readonly next_command: string | null
  readonly lag: number | null
}

describe('another topic, another cluster under the old name', { skip }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let kafka: Kafka
  let schema: RegisteredSchema
  let args: readonly string[]
  let up: IngestProcess
  /** Rows that each table must hold. */
  const expected = new Map<string, number>()
  before(async () => {
    folder = await temporaryFolder('replaced')
    kafka = await startKafka()
    await mkdir(join(folder.path, 'schemas'))
    const dir = join(folder.path, 'registry')
    const registry = await openEmbeddedRegistry({ dir, compatible: checkEvolution, clock: systemClock })
    for (const topic of ['a', 'b']) schema = await registry.register(`${topic}-value`, orderSchema())
    await writeFile(
      join(folder.path, 'sluice.yaml'),
      JSON.stringify({
        lake: { uri: 'lake' },
        broker: { kind: 'kafka', brokers: kafka.bootstrap },
        registry: { kind: 'embedded', dir: 'registry' },
        paths: { schemas: 'schemas' },
        // The records' own times are long ago.
        topics: Object.fromEntries(
          ['a', 'b'].map((topic) => [topic, { partitions: PARTITIONS, retention: 'forever' }]),
        ),
        tables: { bronze: { a: { topic: 'a', key: ['id'] }, b: { topic: 'b', key: ['id'] } } },
        ingest: { flush_age: '200ms' },
      }),
    )
    args = ['--config', join(folder.path, 'sluice.yaml')]
    up = new IngestProcess(args, {})
    await up.start()
  })
  after(async () => {
    await up.kill()
    await kafka.close()
    await folder.remove()
  })

  /** Into every partition of a topic, which is made where it is not there. */
  async function append(topic: string, each: number): Promise<void> {
    const log = openLog(kafka.bootstrap, { retryMs: 60_000 })
    try {
      await log.create(topic, { partitions: PARTITIONS, retentionMs: null })
      for (let partition = 0; partition < PARTITIONS; partition += 1)
        await log.append({ batches: [{ topic, partition, records: orders(schema, each) }], state: null })
      expected.set(topic, (expected.get(topic) ?? 0) + each * PARTITIONS)
    } finally {
      await log.close()
    }
  }

  async function remove(topic: string): Promise<void> {
    await deleteTopics(kafka.bootstrap, [topic])
    const log = openLog(kafka.bootstrap)
    while ((await log.describe(topic)) !== null) await sleep(20)
    await log.close()
  }

  async function landed(topic: string): Promise<number> {
    const table = join(folder.path, 'lake/bronze', topic)
    if ((await activeFiles(table).catch(() => [])).length === 0) return 0
    const places = 'select count(*)::int as n, count(distinct (_epoch, _partition, _offset))::int as places from rows'
    const [row] = await rawRows(table, places)
    assert.equal(row!['n'], row!['places'])
    return Number(row!['n'])
  }

  const allLanded = async (topic: string): Promise<void> =>
    until(`all of ${topic}`, async () => (await landed(topic)) === expected.get(topic))

  const lanes = async (topic: string, exit: number): Promise<Lane[]> => {
    const status = await sluiceJson<{ lanes: Lane[] }>(['status', ...args], { exit })
    return status.lanes.filter((lane) => lane.topic === topic)
  }

  function assertStopped(found: readonly Lane[], { upTo, holds }: { upTo: number; holds: number }): void {
    assert.equal(found.length, PARTITIONS)
    for (const lane of found) {
      assert.deepEqual([lane.state, lane.code, lane.lag], ['stopped', 'SOURCE_CHANGED', null])
      assert.match(lane.message!, new RegExp(`up to offset ${upTo}: .* it holds \\[0,${holds}\\), all of it unread`))
      assert.equal(lane.next_command, `sluice checkpoint reset --topic ${lane.topic} --accept-new-topic`)
    }
  }

  const accept = (topic: string): Promise<unknown> =>
    sluiceJson(['checkpoint', 'reset', '--topic', topic, '--accept-new-topic', '--yes', ...args])

  async function proveWhole(): Promise<void> {
    const proof = await sluiceJson<{ ok: boolean }>(['verify', '--against-log', ...args])
    assert.equal(proof.ok, true, JSON.stringify(proof))
    for (const topic of expected.keys()) assert.equal(await landed(topic), expected.get(topic))
  }

  it('I8, I18: a topic that is made again while it is read stops its lane and no other; accepted, it goes on as the next epoch', async () => {
    await append('a', 50)
    await append('b', 30)
    await allLanded('a')
    await allLanded('b')
    await remove('a')
    await append('a', 20)
    await until('both partitions stop', async () => up.log.split('"lane.stopped"').length > PARTITIONS)
    assertStopped(await lanes('a', 6), { upTo: 50, holds: 20 })
    await append('b', 10)
    await allLanded('b')
    const refused = await sluice(['checkpoint', 'reset', '--topic', 'a', '--earliest', '--yes', ...args])
    assert.equal(refused.code, 6)
    assert.match(refused.stderr, /--accept-new-topic/)
    await accept('a')
    await allLanded('a')
    await proveWhole()
    await until('all is well', async () => (await sluice(['status', ...args])).code === 0)
  })

  it('I18: made again between two runs, it stops the next one', async () => {
    await up.leave()
    assert.deepEqual(up.faults, [])
    await remove('a')
    await append('a', 15)
    await append('b', 5)
    const ended = await sluice(['ingest', ...args, '--json'])
    assert.equal(ended.code, 6)
    assert.match(ended.stdout, /"SOURCE_CHANGED".*up to offset 20.*it holds \[0,15\)/)
    assert.equal(await landed('b'), expected.get('b'), 'the other lane went on')
    await accept('a')
    await sluiceJson(['ingest', ...args])
    await allLanded('a')
    await proveWhole()
  })

  it('I18: another cluster in the place of the old one stops every lane; accepted, all go on', async () => {
    up = new IngestProcess(args, {})
    await up.start()
    await kafka.replace()
    await append('a', 7)
    await append('b', 8)
    await until('all stop', async () => {
      const all = await Promise.all(['a', 'b'].map((topic) => lanes(topic, 6)))
      return all.flat().every(({ state }) => state === 'stopped')
    })
    assertStopped(await lanes('a', 6), { upTo: 15, holds: 7 })
    assertStopped(await lanes('b', 6), { upTo: 45, holds: 8 })
    for (const topic of ['a', 'b']) await accept(topic)
    for (const topic of ['a', 'b']) await allLanded(topic)
    await up.leave()
    assert.deepEqual(up.faults, [])
    await proveWhole()
  })
})
