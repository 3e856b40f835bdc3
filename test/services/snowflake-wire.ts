import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'

/** Snowflake's protocol, as far as a login and queries with small results need it: what scripted stubs answer through. */
export interface SnowflakeWire {
  readonly url: string
  close(): Promise<void>
}

export interface WireScript {
  /** The `data` of a login request; by default every login is let in. */
  login?(data: Readonly<Record<string, unknown>>): WireAnswer
  query(asked: WireQuery): WireAnswer | Promise<WireAnswer>
  /** The client asks for its running statements to end. */
  cancel?(): void
  /** A session that is ended in order. */
  logout?(session: string): void
}

export interface WireQuery {
  readonly session: string
  readonly sql: string
  readonly binds: readonly string[]
}

export interface WireColumn {
  readonly name: string
  readonly type: string
  readonly scale?: number
  readonly precision?: number
}

export type WireAnswer =
  | { readonly columns: readonly WireColumn[]; readonly rows: readonly (readonly (string | null)[])[] }
  | { readonly code: string; readonly sqlState: string; readonly message: string }

export const DONE: WireAnswer = { columns: [{ name: 'status', type: 'text' }], rows: [['done']] }

export async function serveSnowflake(script: WireScript): Promise<SnowflakeWire> {
  const answered = new Map<string, unknown>()
  let sessions = 0
  const handle = async (request: IncomingMessage): Promise<unknown> => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://stub')
    const body = (await readJson(request)) as {
      data?: Record<string, unknown>
      sqlText?: string
      bindings?: Record<string, { value: string }>
    }
    if (pathname === '/session/v1/login-request') {
      const refusal = script.login?.(body.data ?? {}) ?? DONE
      if ('code' in refusal) return refused(refusal)
      const token = `session-${++sessions}`
      return { success: true, data: { token, masterToken: token, parameters: [], sessionInfo: {} } }
    }
    const session = /Token="([^"]*)"/.exec(request.headers.authorization ?? '')?.[1] ?? ''
    if (pathname === '/queries/v1/abort-request') script.cancel?.()
    if (pathname === '/session') script.logout?.(session)
    if (pathname !== '/queries/v1/query-request') return { success: true, data: null }
    // What is sent again is not done again.
    const id = searchParams.get('requestId') ?? ''
    if (!answered.has(id)) {
      const binds = Object.values(body.bindings ?? {}).map(({ value }) => value)
      answered.set(id, toBody(await script.query({ session, sql: body.sqlText ?? '', binds })))
    }
    return answered.get(id)
  }
  const server = createServer((request, response) => {
    void handle(request).then((body) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(body))
    })
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const raw = Buffer.concat(chunks)
  const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw).toString()
  return text === '' ? {} : (JSON.parse(text) as unknown)
}

function toBody(answer: WireAnswer): unknown {
  if ('code' in answer) return refused(answer)
  const rowtype = answer.columns.map((column) => ({ nullable: true, scale: null, precision: null, ...column }))
  const { rows } = answer
  const data = { rowtype, rowset: rows, returned: rows.length, total: rows.length, queryId: 'q', version: 1 }
  const parameters = [{ name: 'TIMEZONE', value: 'UTC' }]
  return { success: true, data: { ...data, parameters, queryResultFormat: 'json', statementTypeId: 4096 } }
}

function refused({ code, sqlState, message }: Extract<WireAnswer, { code: string }>): unknown {
  return { success: false, code, message, data: { sqlState, errorCode: code } }
}
