import type { LineageTransport } from '../../ports/lineage-transport.ts'

export interface HttpTransportOptions {
  readonly url: string
  readonly apiKey: string | null
}

/** One POST an event, in order, as OpenLineage's HTTP API takes them. */
export function openHttpTransport({ url, apiKey }: HttpTransportOptions): LineageTransport {
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (apiKey !== null) headers['authorization'] = `Bearer ${apiKey}`
  return {
    async send(events, signal) {
      for (const body of events) {
        // A redirect is not followed: the key must not reach another host.
        const response = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'error' })
        await response.body?.cancel()
        if (!response.ok) throw new Error(`the lineage endpoint answered ${response.status}`)
      }
    },
  }
}
