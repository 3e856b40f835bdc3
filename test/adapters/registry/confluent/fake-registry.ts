import { once } from 'node:events'
import { createServer as createHttp, type Server } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo } from 'node:net'

export interface FakeAnswer {
  readonly status: number
  readonly body: string
  readonly location?: string
}

/** A registry whose every answer a test decides; it keeps what was registered, and counts. */
export interface FakeRegistry {
  readonly url: string
  /** The last path and headers of each request. */
  readonly requests: { readonly method: string; readonly path: string; readonly authorization: string | undefined }[]
  /** Answers in place of what is kept: status and body, or null for what is kept. */
  answer: (method: string, path: string) => FakeAnswer | null
  /** What happens to a schema's text on its way back. */
  giveBack: (text: string) => string
  close(): Promise<void>
}

export async function startFakeRegistry(tls?: { readonly key: string; readonly cert: string }): Promise<FakeRegistry> {
  const subjects = new Map<string, { readonly id: number; readonly schema: string; readonly schemaType: string }[]>()
  let ids = 0
  const fake: Omit<FakeRegistry, 'url' | 'close'> = { requests: [], answer: () => null, giveBack: (text) => text }
  const handle = (method: string, path: string, body: string): FakeAnswer => {
    const found = (value: unknown) => ({ status: 200, body: JSON.stringify(value) })
    const absent = { status: 404, body: '{"error_code":40401,"message":"not found"}' }
    const [, kind, name = '', , version] = path.split('/')
    const held = subjects.get(name) ?? []
    if (kind === 'schemas') {
      const all = [...subjects].flatMap(([subject, versions]) =>
        versions.map((each, i) => ({ ...each, subject, version: i + 1 })),
      )
      const match = all.filter(({ id }) => id === Number(path.split('/')[3]))
      if (match.length === 0) return absent
      return found(path.endsWith('/versions') ? match : { ...match[0]!, schema: fake.giveBack(match[0]!.schema) })
    }
    if (kind !== 'subjects') return found({ compatibilityLevel: 'BACKWARD' })
    if (method === 'POST') {
      const { schema, schemaType } = JSON.parse(body) as { schema: string; schemaType: string }
      ids += 1
      subjects.set(name, [...held, { id: ids, schema, schemaType }])
      return found({ id: ids })
    }
    if (name === '') return found([...subjects.keys()])
    if (version === undefined) return held.length === 0 ? absent : found(held.map((_, i) => i + 1))
    const at = version === 'latest' ? held.length : Number(version)
    const one = held[at - 1]
    return one === undefined ? absent : found({ ...one, schema: fake.giveBack(one.schema), subject: name, version: at })
  }
  const server: Server = (tls === undefined ? createHttp() : createHttps(tls)) as Server
  server.on('request', (incoming, outgoing) => {
    let body = ''
    incoming.setEncoding('utf8').on('data', (text: string) => (body += text))
    incoming.on('end', () => {
      const [method, path] = [incoming.method ?? 'GET', (incoming.url ?? '/').split('?')[0]!]
      fake.requests.push({ method, path, authorization: incoming.headers.authorization })
      const answer = fake.answer(method, path) ?? handle(method, path, body)
      const { status, location } = answer
      const headers = { 'content-type': 'application/json', ...(location === undefined ? {} : { location }) }
      outgoing.writeHead(status, headers).end(answer.body)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return Object.assign(fake, {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  })
}
