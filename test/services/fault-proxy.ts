import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** An HTTP proxy on a loopback port that treats chosen requests badly. */
export interface FaultProxy {
  readonly url: string
  /** What befalls each request from now on; null lets it be. */
  fault: (seen: SeenRequest) => Fault | null
  /** Requests so far, with what befell each. */
  readonly seen: readonly (SeenRequest & { readonly fault: Fault | null })[]
  close(): Promise<void>
}

export interface SeenRequest {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

export type Fault =
  /** Answered by the proxy; the server never hears of it. */
  | { readonly kind: 'status'; readonly status: number; readonly body?: string }
  | { readonly kind: 'slow'; readonly ms: number }
  /** The server's answer breaks off after so many bytes of its body. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** The server did it, and its answer never arrives. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'without'; readonly header: string }

/** S3's own words. */
export function s3Fault(status: number, code: string): Fault {
  return {
    kind: 'status',
    status,
    body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`,
  }
}

export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const { hostname, port, origin } = new URL(target)
  const seen: (SeenRequest & { fault: Fault | null })[] = []
  const proxy: { fault: FaultProxy['fault'] } = { fault: () => null }
  const server = createServer((incoming, outgoing) => {
    const { method = 'GET', url: path = '/', headers } = incoming
    const fault = proxy.fault({ method, path, headers })
    seen.push({ method, path, headers, fault })
    void handle({ incoming, outgoing, fault }, { hostname, port }).catch(() => outgoing.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return Object.assign(proxy, {
    url: target.replace(origin, address),
    seen,
    async close() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  })
}

interface Exchange {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  readonly fault: Fault | null
}

async function handle({ incoming, outgoing, fault }: Exchange, to: { hostname: string; port: string }): Promise<void> {
  if (fault?.kind === 'refused') {
    outgoing.destroy()
    return
  }
  if (fault?.kind === 'status') {
    incoming.resume()
    await once(incoming, 'end')
    outgoing.writeHead(fault.status, { 'content-type': 'application/xml' }).end(fault.body ?? '')
    return
  }
  if (fault?.kind === 'slow') await sleep(fault.ms)
  // Host stays as the client wrote it: it is signed.
  const headers = { ...incoming.headers }
  if (fault?.kind === 'without') delete headers[fault.header]
  const onward = request({ ...to, method: incoming.method, path: incoming.url, headers })
  incoming.pipe(onward)
  const [answer] = (await once(onward, 'response')) as [IncomingMessage]
  if (fault?.kind === 'lost') {
    answer.resume()
    await once(answer, 'end')
    outgoing.destroy()
    return
  }
  outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
  if (fault?.kind !== 'cut') {
    answer.pipe(outgoing)
    return
  }
  let left = fault.afterBytes
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    outgoing.write(chunk.subarray(0, left))
    left -= chunk.length
    if (left <= 0) break
  }
  // What was written is sent before the line breaks.
  await sleep(20)
  outgoing.destroy()
}
