import { readFileSync } from 'node:fs'
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { rootCertificates } from 'node:tls'
import { SluiceError } from '../../../domain/errors.ts'
import type { Clock } from '../../../ports/clock.ts'

/**
 * Requests to a registry with Confluent's REST API. An answer is JSON, no larger than its cap; whatever the server is
 * not asked about the same way twice (down, slow, 5xx, 429, a 404 that is none of a registry's own) is asked again within
 * the time of one request. Redirects are not followed: a login would go to where the address does not say.
 */
export interface RegistryHttp {
  send(request: RegistryRequest): Promise<RegistryAnswer>
  close(): void
}

export interface RegistryRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Segments, not yet encoded. */
  readonly path: readonly string[]
  readonly query?: string
  readonly body?: unknown
}

export interface RegistryAnswer {
  readonly status: number
  readonly body: unknown
  /** Confluent's own code (`40403`), or null. */
  readonly errorCode: number | null
  readonly message: string
}

export interface RegistryAddress {
  readonly url: string
  readonly username: string | null
  readonly password: string | null
  readonly caFile: string | null
  readonly timeoutMs: number
}

/** A schema is capped far below this; a list of subjects is not. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024
const FIRST_PAUSE_MS = 50
const CONNECTIONS = 8

export function openRegistryHttp(address: RegistryAddress, clock: Clock): RegistryHttp {
  const secure = address.url.startsWith('https:')
  const agent = secure
    ? new HttpsAgent({ keepAlive: true, maxSockets: CONNECTIONS, ...trusted(address.caFile) })
    : new HttpAgent({ keepAlive: true, maxSockets: CONNECTIONS })
  const { username, password } = address
  const headers: Record<string, string> = {
    accept: 'application/vnd.schemaregistry.v1+json, application/json',
    'content-type': 'application/vnd.schemaregistry.v1+json',
  }
  if (username !== null) {
    headers['authorization'] = `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}`
  }

  async function once(request: RegistryRequest, leftMs: number): Promise<RegistryAnswer> {
    const query = request.query === undefined ? '' : `?${request.query}`
    const url = `${address.url}/${request.path.map(encodeURIComponent).join('/')}${query}`
    const body = request.body === undefined ? null : Buffer.from(JSON.stringify(request.body))
    const length = body === null ? {} : { 'content-length': String(body.length) }
    const signal = AbortSignal.timeout(leftMs)
    const options = { method: request.method, agent, signal, headers: { ...headers, ...length } }
    try {
      const answer = await new Promise<IncomingMessage>((done, fail) => {
        const sent = secure ? httpsRequest(url, options, done) : httpRequest(url, options, done)
        sent.on('error', fail).end(body)
      })
      if ((answer.statusCode ?? 0) >= 300 && (answer.statusCode ?? 0) < 400) {
        answer.resume()
        throw leadsElsewhere(address.url, answer)
      }
      return await readAnswer(answer)
    } catch (error) {
      throw signal.aborted ? new Error(`no answer within ${address.timeoutMs} ms`, { cause: error }) : error
    }
  }

  return {
    async send(request) {
      const deadlineMs = clock.nowMs() + address.timeoutMs
      for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
        const outcome = await once(request, Math.max(1, deadlineMs - clock.nowMs())).catch((error: unknown) => {
          // An answer that is too long, or leads elsewhere, will be so again.
          if (error instanceof SluiceError) throw error
          return { failed: error }
        })
        if (!('failed' in outcome) && !isPassing(outcome)) return outcome
        if (clock.nowMs() + pauseMs >= deadlineMs) throw unavailable(address.url, outcome)
        await clock.sleep(pauseMs / 2 + (clock.random() * pauseMs) / 2)
      }
    },
    close: () => agent.destroy(),
  }
}

function trusted(caFile: string | null): { ca?: string[] } {
  if (caFile === null) return {}
  try {
    return { ca: [...rootCertificates, readFileSync(caFile, 'utf8')] }
  } catch (error) {
    throw new SluiceError('FILE_UNREADABLE', `registry.ca_file ${caFile} cannot be read`, {
      where: { file: caFile, key: 'registry.ca_file' },
      cause: error,
    })
  }
}

function isPassing({ status, errorCode }: RegistryAnswer): boolean {
  return status >= 500 || status === 429 || status === 408 || (status === 404 && !saysAbsent(errorCode))
}

/** Codes of Confluent's by which a registry says that it has no such subject, version, schema or setting. */
function saysAbsent(errorCode: number | null): boolean {
  return errorCode !== null && errorCode >= 40_400 && errorCode < 40_500
}

/** Without its query, which may hold a secret. */
function leadsElsewhere(url: string, { statusCode = 0, headers }: IncomingMessage): SluiceError {
  const [to = ''] = (headers.location ?? '').split('?')
  return new SluiceError(
    'REGISTRY_REFUSED',
    `the registry ${url} answered ${statusCode}: it is at ${to || 'another address'}`,
    {
      where: { key: 'registry.url' },
      hint: 'Set registry.url to where it is.',
    },
  )
}

async function readAnswer(answer: IncomingMessage): Promise<RegistryAnswer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_ANSWER_BYTES) {
      answer.destroy()
      throw new SluiceError('CONTRACT_INVALID', `the registry answered with more than ${MAX_ANSWER_BYTES} bytes`)
    }
    chunks.push(chunk)
  }
  const text = Buffer.concat(chunks).toString()
  const status = answer.statusCode ?? 0
  let body: unknown = null
  try {
    body = text === '' ? null : (JSON.parse(text) as unknown)
  } catch {
    // An error page of what stands before the registry; a success that is no JSON is no registry.
    if (status < 400) throw new Error('the answer is no JSON: the address is not that of a schema registry')
  }
  const code = field(body, 'error_code')
  const message = field(body, 'message')
  return {
    status,
    body,
    errorCode: typeof code === 'number' ? code : null,
    message: typeof message === 'string' ? message : `HTTP ${status}`,
  }
}

function unavailable(url: string, outcome: RegistryAnswer | { readonly failed: unknown }): SluiceError {
  const why =
    'failed' in outcome
      ? describe(outcome.failed)
      : outcome.status === 404
        ? `it answered 404 as no schema registry does (${outcome.message}); look at the path of registry.url`
        : `it answered ${outcome.status}${outcome.message === '' ? '' : `: ${outcome.message}`}`
  const cause = 'failed' in outcome ? { cause: outcome.failed } : {}
  return new SluiceError('REGISTRY_UNAVAILABLE', `the registry ${url} did not serve a request: ${why}`, cause)
}

function describe(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(describe).join(', ')
  return error instanceof Error ? error.message : String(error)
}

export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && name in value
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined
}
