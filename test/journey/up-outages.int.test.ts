import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { kafkaMissing, startKafka, type Kafka } from '../services/kafka.ts'
import { registryMissing, startRegistry, type Registry } from '../services/registry.ts'
import { s3Missing, startS3, type S3 } from '../services/s3.ts'
import { makeLines, writeLines, type MadeLines } from '../support/retail-lines.ts'
import { REPOSITORY, sluice, sluiceJson, temporaryFolder, type Ended } from '../support/sluice.ts'

/**
 * `up` on Kafka, a registry and S3 while each of them is away: the process stays, says why it is not ready, and goes on by
 * itself. SLUICE_OUTAGE_SECONDS says for how long; by hand, two minutes.
 */

const missing = await Promise.all([kafkaMissing(), registryMissing(), s3Missing('versitygw')])
const skip = missing.find((each) => each !== false) ?? false
const OUTAGE_MS = Number(process.env['SLUICE_OUTAGE_SECONDS'] ?? 4) * 1000
const CONFIG = join(REPOSITORY, 'examples/online-retail/services.yaml')
const SETTINGS = ['ingest.flush_age=300ms', 'service.port=0', 'sources.order_lines.poll_interval=300ms']
const DAYS = 4

interface Readiness {
  readonly ready: boolean
  readonly services: readonly { readonly service: string; readonly ready: boolean; readonly code: string | null }[]
}

describe(`up while a service is away for ${OUTAGE_MS / 1000} s`, { skip }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let kafka: Kafka
  let registry: Registry
  let s3: S3
  let env: Record<string, string>
  let data: string
  let made: MadeLines
  let child: ChildProcess | undefined
  let ended: Promise<Ended>
  let log = ''
  before(async () => {
    folder = await temporaryFolder('outages')
    made = makeLines(23, DAYS, 60)
    data = join(folder.path, 'data')
    ;[kafka, registry, s3] = await Promise.all([startKafka(), startRegistry(), startS3({ kind: 'versitygw' })])
    env = {
      KAFKA_BROKERS: kafka.bootstrap,
      SCHEMA_REGISTRY_URL: registry.url,
      LAKE_BUCKET: await s3.bucket('outages'),
      SLUICE_STATE: join(folder.path, 'state'),
      RETAIL_DATA: data,
      ...s3.env,
    }
    await deliver(0)
    const set = SETTINGS.flatMap((each) => ['--set', each])
    ended = sluice(['up', '--only', 'connectors,ingest,service', '--config', CONFIG, ...set], {
      env,
      started: (one) => {
        child = one
        one.stderr!.on('data', (text: string) => (log += text))
      },
    })
    await until('up has started', () => events('up.started').length === 1)
    await until('the first day is in', () => settled() === linesOf(1))
  })
  after(async () => {
    child?.kill('SIGKILL')
    await Promise.allSettled([kafka?.close(), registry?.close(), s3?.close()])
    await folder?.remove()
  })

  const events = (name: string): Record<string, unknown>[] =>
    log
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ event }) => event === name)

  /** Records that commits have landed or refused so far, by its log. */
  const settled = (): number =>
    events('flush.done').reduce((sum, each) => sum + Number(each['landed']) + Number(each['quarantined']), 0)

  const linesOf = (days: number): number => [...made.files.values()].slice(0, days).flat().length
  const deliver = (day: number): Promise<void> => writeLines(data, new Map([...made.files].slice(day, day + 1)))

  async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
    for (const startMs = performance.now(); performance.now() - startMs < 180_000; await sleep(150)) {
      if (child?.exitCode !== null && child?.exitCode !== undefined) assert.fail(`up ended: ${log.slice(-2000)}`)
      if (await holds()) return
    }
    assert.fail(`never: ${what}\n${log.slice(-3000)}`)
  }

  async function ask(path: string): Promise<{ readonly status: number; readonly body: unknown }> {
    const { url } = events('up.started')[0]! as { url: string }
    const answer = await fetch(new URL(path, url), { signal: AbortSignal.timeout(20_000) })
    return { status: answer.status, body: await answer.json() }
  }

  const unready = async (): Promise<unknown[]> => {
    const { status, body } = await ask('/readyz')
    const away = (body as Readiness).services.filter(({ ready }) => !ready)
    assert.equal(status, away.length === 0 ? 200 : 503)
    return away.map(({ service, code }) => [service, code])
  }

  /** Two days are delivered: one while it is away, one after. */
  async function outage(service: string, code: string, { begin, end, meanwhile }: Outage): Promise<void> {
    const startMs = performance.now()
    await begin()
    await until(`${service} is said to be away`, async () => (await unready()).length > 0)
    assert.deepEqual(await unready(), [[service, code]])
    await meanwhile()
    await sleep(Math.max(0, startMs + OUTAGE_MS - performance.now()))
    assert.deepEqual(await unready(), [[service, code]])
    assert.equal((await ask('/healthz')).status, 200)
    await end()
    await until('all is ready again', async () => (await unready()).length === 0)
  }

  interface Outage {
    readonly begin: () => Promise<void>
    readonly end: () => Promise<void>
    readonly meanwhile: () => Promise<void>
  }

  it('the broker: what was delivered meanwhile comes in by itself', async () => {
    await outage('broker', 'LOG_UNAVAILABLE', {
      begin: () => kafka.stopBroker(1),
      end: () => kafka.startBroker(1),
      meanwhile: () => deliver(1),
    })
    await until('the second day is in', () => settled() === linesOf(2))
  })

  it('the registry: what it knew of flows on without it', async () => {
    await outage('registry', 'REGISTRY_UNAVAILABLE', {
      begin: async () => registry.pause(),
      end: async () => registry.resume(),
      meanwhile: async () => {
        await deliver(2)
        await until('the third day is in', () => settled() === linesOf(3))
      },
    })
  })

  it('S3: what was read and could not be committed is read again; all adds up at the end', async () => {
    await outage('store', 'STORE_UNAVAILABLE', {
      begin: () => s3.stop(),
      end: () => s3.start(),
      meanwhile: () => deliver(3),
    })
    await until('the last day is in', () => settled() >= linesOf(4))
    child!.kill('SIGTERM')
    assert.equal((await ended).code, 0)
    const verify = ['verify', '--against-log', '--config', CONFIG]
    assert.equal((await sluiceJson<{ ok: boolean }>(verify, { env })).ok, true)
    const sql =
      'select count(*)::int as n, count(distinct (_partition, _offset))::int as places from bronze.order_lines'
    const good = [...made.files.values()].flat().filter(({ customerId }) => customerId !== '').length
    assert.deepEqual(await sluiceJson(['query', sql, '--config', CONFIG], { env }), [{ n: good, places: good }])
  })
})
