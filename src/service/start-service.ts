import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { classifyError, reportError, SluiceError } from '../domain/errors.ts'
import type { Metrics } from '../observe/metrics.ts'
import { criticalFailures } from '../operate/gate/report/gate-report.ts'
import { measureLag } from '../operate/lag.ts'
import type { RunningService, ServiceRequest } from '../ports/service.ts'
import { jsonAnswer, textAnswer, type Answer, type Route } from './answer.ts'
import { costSample } from './cost-sample.ts'
import { keepFor } from './kept.ts'
import { isLoopback, refuseRequest, refuseWithoutToken, type GuardPolicy, type Refusal } from './request-guard.ts'
import { errorsRoute, refusalsRoute } from './routes/errors.ts'
import { healthzRoute } from './routes/healthz.ts'
import { lagRoute } from './routes/lag.ts'
import { metricsRoute } from './routes/metrics.ts'
import { pageRoutes } from './routes/page.ts'
import { readyzRoute } from './routes/readyz.ts'
import { statusRoute } from './routes/status.ts'

/** Measuring costs requests to the broker and the store; a scrape or page load within this time takes the last answer. */
const KEEP_MS = 5_000
const GRACE_MS = 1_000

export interface StartRequest extends ServiceRequest {
  /** A listener of this process's domain events. */
  readonly metrics: Metrics
}

/**
 * Serves /metrics, /healthz, /readyz, a page at / and JSON below /api. Resolves once it listens; throws
 * SETTINGS_INVALID where the address cannot be had.
 *
 * Guarantees: only reads (but for the probe of /readyz); GET alone; without the token nobody off this machine sees more
 * than metrics and health. A route that fails answers 500 or 503 and disturbs nothing else.
 */
export async function startService(request: StartRequest): Promise<RunningService> {
  const { host, port, token } = request
  const policy: GuardPolicy = { loopback: isLoopback(host), token }
  const routes = new Map(createRoutes(request).map((route) => [route.path, route]))
  const server = createServer(
    { requestTimeout: 10_000, headersTimeout: 5_000, keepAliveTimeout: 5_000, maxHeaderSize: 16_384 },
    (incoming, response) => void serve({ incoming, response, routes, policy }),
  )
  await listen(server, host, port)
  return {
    url: urlOf(server.address() as AddressInfo, host),
    close: () => closeServer(server),
  }
}

function createRoutes({ world, metrics, health }: StartRequest): Route[] {
  const lag = keepFor(world.clock, KEEP_MS, () => measureLag(world))
  return [
    metricsRoute(metrics, [
      async () => metrics.setLag(await lag()),
      async () => metrics.setFailures(await criticalFailures(world.lake)),
      async () => metrics.setRequests(world.storeRequests),
      async () => {
        const cost = await costSample(world.lake)
        if (cost !== null) metrics.setCost(cost)
      },
    ]),
    healthzRoute(health, world.clock, world.clock.nowMs()),
    readyzRoute(world, health),
    statusRoute(world, KEEP_MS),
    lagRoute(lag),
    errorsRoute(world),
    refusalsRoute(world, KEEP_MS),
    ...pageRoutes(),
  ]
}

interface Serving {
  readonly incoming: IncomingMessage
  readonly response: ServerResponse
  readonly routes: ReadonlyMap<string, Route>
  readonly policy: GuardPolicy
}

async function serve({ incoming, response, routes, policy }: Serving): Promise<void> {
  const { method = '', url = '', headers } = incoming
  const facts = { method, url, host: headers.host, authorization: headers.authorization }
  const refusal = refuseRequest(facts, policy)
  if (refusal !== null) return send(response, method, refused(refusal))
  const [path = '', query = ''] = url.split(/\?(.*)/s)
  const route = routes.get(path)
  // Whether a path exists is also nobody's business without the token.
  const locked = route?.access === 'open' ? null : refuseWithoutToken(facts, policy)
  if (locked !== null) return send(response, method, refused(locked))
  if (route === undefined) return send(response, method, textAnswer('there is nothing here', 404))
  try {
    send(response, method, await route.answer(new URLSearchParams(query)))
  } catch (error) {
    const known = classifyError(error)
    const status = known.row.exit === 2 ? 400 : known.row.retry === 'transient' ? 503 : 500
    send(response, method, jsonAnswer({ error: reportError(known) }, status))
  }
}

const HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

function send(response: ServerResponse, method: string, { status, type, body, headers }: Answer): void {
  const bytes = Buffer.from(body, 'utf8')
  response.writeHead(status, { ...HEADERS, 'content-type': type, 'content-length': bytes.length, ...headers })
  response.end(method === 'HEAD' ? undefined : bytes)
}

function refused({ status, message, headers }: Refusal): Answer {
  return { ...textAnswer(message, status), ...(headers === undefined ? {} : { headers }) }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      const why =
        error.code === 'EADDRINUSE' ? 'is taken by another process' : `cannot be listened on: ${error.message}`
      reject(
        new SluiceError('SETTINGS_INVALID', `${host}:${port} ${why}`, {
          where: { key: error.code === 'EADDRINUSE' ? 'service.port' : 'service.host' },
          hint: 'Choose another with `--set service.port=…`; 0 takes a free one.',
          cause: error,
        }),
      )
    }
    server.once('error', fail)
    server.listen({ host: host.replace(/^\[(.*)\]$/, '$1'), port }, () => {
      server.off('error', fail)
      // What one connection does must not end the process.
      server.on('error', () => undefined)
      resolve()
    })
  })
}

function urlOf({ port, family }: AddressInfo, host: string): string {
  const name = family === 'IPv6' && !host.startsWith('[') && host.includes(':') ? `[${host}]` : host
  return `http://${name}:${port}`
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeIdleConnections()
    setTimeout(() => server.closeAllConnections(), GRACE_MS).unref()
  })
}
