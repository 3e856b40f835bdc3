import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { test, type TestContext } from 'node:test'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { SluiceError } from '../../src/domain/errors.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { runIngest } from '../../src/ingest/run-ingest.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { Health } from '../../src/ports/service.ts'
import { startService } from '../../src/service/start-service.ts'
import { faultyStore } from '../support/faulty-store.ts'
import { message, orders, produce, registerOrders } from '../support/orders.ts'
import { temporaryFolder } from '../support/sluice.ts'
import { openTestWorld, type TestWorld } from '../support/world.ts'

const HEALTHY: Health = { draining: () => false, loops: () => [] }

interface Served {
  readonly url: string
  readonly world: TestWorld
  readonly get: (path: string, headers?: Readonly<Record<string, string>>) => Promise<Got>
}

interface Got {
  readonly status: number
  readonly headers: Headers
  readonly body: string
  readonly json: () => Record<string, unknown>
}

interface Setup {
  readonly health?: Health
  readonly token?: string
  readonly host?: string
  readonly lake?: Parameters<typeof openTestWorld>[0]['lake']
  readonly log?: Parameters<typeof openTestWorld>[0]['log']
  readonly clock?: Clock
}

/** Three orders landed, one refused, one that is still to be read. */
async function serve(t: TestContext, setup: Setup = {}): Promise<Served> {
  const folder = await temporaryFolder('service')
  t.after(() => folder.remove())
  const { lake, log, clock } = setup
  const world = await openTestWorld({
    folder: folder.path,
    ...(lake === undefined ? {} : { lake }),
    ...(log === undefined ? {} : { log }),
    ...(clock === undefined ? {} : { clock }),
  })
  t.after(() => world.close())
  const metrics = createMetrics({ process: false })
  const told = {
    ...world,
    events: { ...world.events, emit: (event: Parameters<typeof metrics.emit>[0]) => metrics.emit(event) },
  }
  const schema = await registerOrders(world)
  await produce(world, [...orders(schema, 3), message(Buffer.from('<script>alert(1)</script>'))])
  await runIngest(told, [...world.settings.tables.values()])
  await produce(world, orders(schema, 1, 3))
  const service = await startService({
    world,
    metrics,
    health: setup.health ?? HEALTHY,
    host: setup.host ?? '127.0.0.1',
    port: 0,
    token: setup.token ?? null,
  })
  t.after(() => service.close())
  return {
    url: service.url,
    world,
    async get(path, headers = {}) {
      const response = await fetch(`${service.url.replace('0.0.0.0', '127.0.0.1')}${path}`, { headers })
      const body = await response.text()
      const json = (): Record<string, unknown> => JSON.parse(body) as Record<string, unknown>
      return { status: response.status, headers: response.headers, body, json }
    },
  }
}

test('/metrics tells what the run did, how far lanes are behind and how old tables are', async (t) => {
  const { get } = await serve(t)
  const { status, headers, body } = await get('/metrics')
  assert.equal(status, 200)
  assert.match(headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
  assert.match(body, /^records_processed_total\{stage="ingest",table="bronze\.orders"\} 4$/m)
  assert.match(body, /^dq_quarantined_total\{stage="ingest",table="bronze\.orders"\} 1$/m)
  assert.match(body, /^kafka_consumergroup_lag\{consumergroup="ingest\/orders",topic="orders",partition="0"\} 1$/m)
  assert.match(body, /^sluice_freshness_seconds\{table="bronze\.orders"\} \d+$/m)
})

test('/metrics tells critical failures of tables that another process judged', async (t) => {
  const { get, world } = await serve(t)
  const assertion = { expectation: 'e', column: null, severity: 'critical', success: false, offending: 1 }
  const report = {
    form: 1,
    table: 'bronze.orders',
    outcome: 'blocked',
    assertions: [assertion],
    samples: [],
    landed: null,
  }
  await world.lake.put('_gate/bronze.orders.json', Buffer.from(JSON.stringify(report)))
  assert.match((await get('/metrics')).body, /^dq_critical_failures\{table="bronze\.orders"\} 1$/m)
})

test('/api answers with the forms of the verbs', async (t) => {
  const { get, world } = await serve(t)
  const status = (await get('/api/status')).json()
  const [lane] = status['lanes'] as Record<string, unknown>[]
  assert.deepEqual(
    [lane?.['lane'], lane?.['next'], lane?.['end'], lane?.['lag']],
    ['orders/0 → bronze.orders', '4', '5', 1],
  )
  assert.equal(status['run_id'], world.runId)
  const lag = (await get('/api/lag')).json()
  assert.deepEqual(
    (lag['partitions'] as Record<string, unknown>[]).map((each) => [each['end'], each['next'], each['lag']]),
    [['5', '4', 1]],
  )
  const errors = (await get('/api/errors?table=orders')).json()
  const [letter] = errors['records'] as Record<string, unknown>[]
  assert.deepEqual([letter?.['offset'], letter?.['state'], errors['cut']], ['3', 'open', false])
  assert.equal('raw' in (letter ?? {}), false)
  const refusals = (await get('/api/refusals')).json()
  assert.equal(refusals['letters'], 1)
  assert.equal((refusals['refusals'] as { letters: number }[])[0]?.letters, 1)
})

test('wrong questions are 400 and 404, and say why', async (t) => {
  const { get } = await serve(t)
  assert.equal((await get('/api/errors?limit=0')).status, 400)
  assert.equal((await get('/api/errors?limit=1e3')).status, 400)
  const unknown = await get('/api/errors?table=nothing')
  assert.equal(unknown.status, 400)
  assert.equal((unknown.json()['error'] as { code: string }).code, 'TABLE_UNKNOWN')
  for (const path of ['/api', '/api/', '/page', '/../package.json', '/page/page.js'])
    assert.equal((await get(path)).status, 404, path)
})

test('the page brings its own parts, asks no other host and is never framed', async (t) => {
  const { get } = await serve(t)
  for (const [path, type] of [
    ['/', 'text/html'],
    ['/page.js', 'text/javascript'],
    ['/page.css', 'text/css'],
  ] as const) {
    const { status, headers, body } = await get(path)
    assert.equal(status, 200)
    assert.match(headers.get('content-type') ?? '', new RegExp(`^${type}`))
    assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'.*frame-ancestors 'none'/)
    assert.equal(headers.get('x-content-type-options'), 'nosniff')
    assert.doesNotMatch(body, /https?:\/\//)
  }
  // All text of the page goes in as text: nothing that came from data is ever read as markup.
  assert.doesNotMatch((await get('/page.js')).body, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(/)
})

test('other methods and other hosts are refused', async (t) => {
  const { url } = await serve(t)
  assert.equal(await rawStatus(url, {}), 200)
  assert.equal(await rawStatus(url, { method: 'POST' }), 405)
  assert.equal(await rawStatus(url, { headers: { host: 'evil.example' } }), 421)
})

test('off loopback the page and /api need the token; metrics and health do not', async (t) => {
  const { get } = await serve(t, { host: '0.0.0.0', token: 's3cret' })
  for (const path of ['/metrics', '/healthz', '/readyz']) assert.equal((await get(path)).status, 200, path)
  for (const path of ['/', '/page.js', '/api/status', '/api/nothing']) {
    assert.equal((await get(path)).status, 401, path)
    assert.equal((await get(path, { authorization: 'Bearer wrong' })).status, 401, path)
  }
  assert.match((await get('/')).headers.get('www-authenticate') ?? '', /Basic realm="sluice".*Bearer/)
  assert.equal((await get('/api/lag', { authorization: 'Bearer s3cret' })).status, 200)
  assert.equal((await get('/', { authorization: `Basic ${Buffer.from('me:s3cret').toString('base64')}` })).status, 200)
})

test('/readyz names the service that does not answer, without its places; /healthz stays 200', async (t) => {
  const down = { store: false, log: false }
  const later = { ms: 0 }
  const { get } = await serve(t, {
    clock: { ...systemClock, nowMs: () => systemClock.nowMs() + later.ms },
    lake: (real) =>
      faultyStore(real, (_call, path) =>
        down.store && path.startsWith('_status/ready')
          ? { error: new SluiceError('STORE_UNAVAILABLE', 'cannot write /secret/place'), done: false }
          : null,
      ),
    log: (real) => ({
      ...methodsOf(real),
      describe: async (topic) => {
        if (down.log) throw new SluiceError('LOG_UNAVAILABLE', 'no answer')
        return real.describe(topic)
      },
    }),
  })
  const ready = await get('/readyz')
  assert.deepEqual([ready.status, ready.json()['ready']], [200, true])
  down.store = true
  down.log = true
  later.ms = 10_000
  const not = await get('/readyz')
  assert.equal(not.status, 503)
  assert.deepEqual(
    (not.json()['services'] as { service: string; ready: boolean; code: string | null }[]).map(
      ({ service, ready: ok, code }) => [service, ok, code],
    ),
    [
      ['broker', false, 'LOG_UNAVAILABLE'],
      ['registry', true, null],
      ['store', false, 'STORE_UNAVAILABLE'],
    ],
  )
  assert.doesNotMatch(not.body, /secret/)
  assert.equal((await get('/healthz')).status, 200)
})

test('a process that is ending is not ready; one whose loop hangs is not healthy', async (t) => {
  const state = { draining: false, lastTurnMs: Date.now() }
  const health: Health = {
    draining: () => state.draining,
    loops: () => [
      { name: 'ingest', lastTurnMs: state.lastTurnMs, limitMs: 60_000 },
      { name: 'jobs', lastTurnMs: null, limitMs: null },
    ],
  }
  const { get } = await serve(t, { health })
  assert.deepEqual([(await get('/readyz')).status, (await get('/healthz')).status], [200, 200])
  state.draining = true
  state.lastTurnMs -= 61_000
  const ready = await get('/readyz')
  assert.deepEqual([ready.status, ready.json()['draining']], [503, true])
  const healthz = await get('/healthz')
  assert.equal(healthz.status, 503)
  assert.deepEqual(
    (healthz.json()['loops'] as { loop: string; hangs: boolean }[]).map(({ loop, hangs }) => [loop, hangs]),
    [
      ['ingest', true],
      ['jobs', false],
    ],
  )
})

test('a port that is taken is a matter of settings', async (t) => {
  const { world } = await serve(t)
  const request = { world, metrics: createMetrics({ process: false }), health: HEALTHY, host: '127.0.0.1', token: null }
  const first = await startService({ ...request, port: 0 })
  t.after(() => first.close())
  const port = Number(new URL(first.url).port)
  await assert.rejects(startService({ ...request, port }), (error: SluiceError) => {
    assert.deepEqual([error.code, error.where.key], ['SETTINGS_INVALID', 'service.port'])
    return true
  })
})

/** fetch sets Host and takes no other; this asks as any client may. */
function rawStatus(
  url: string,
  { method = 'GET', headers = {} }: { readonly method?: string; readonly headers?: Readonly<Record<string, string>> },
): Promise<number | undefined> {
  const { port } = new URL(url)
  return new Promise((resolve, reject) => {
    const asked = httpRequest({ host: '127.0.0.1', port, path: '/', method, headers }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    asked.on('error', reject)
    asked.end()
  })
}

/** The log's methods, bound to it. */
function methodsOf(real: TestWorld['embedded']): TestWorld['log'] {
  return {
    topics: () => real.topics(),
    describe: (topic) => real.describe(topic),
    create: (topic, options) => real.create(topic, options),
    fetch: (request) => real.fetch(request),
    append: (request) => real.append(request),
    sourceState: (source) => real.sourceState(source),
    offsetAtTime: (at, timeMs) => real.offsetAtTime(at, timeMs),
    close: () => real.close(),
  }
}
