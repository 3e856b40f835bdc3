import { SluiceError } from '../../../domain/errors.ts'
import { canonicalContent } from '../../../domain/schema-content.ts'
import type { SchemaText } from '../../../ports/schema-registry.ts'
import { checkSchema } from './check-schema.ts'
import { field } from './registry-http.ts'
import type { RegistryHttp } from './registry-http.ts'

/** One subject a format, made once and never changed: a later start reads it alone. */
const PROBES: Readonly<Record<string, SchemaText>> = {
  'sluice-probe-avro': {
    format: 'avro',
    text: '{"type":"record","name":"SluiceProbe","fields":[{"name":"code","type":"string","constraints":{"pattern":"^[A-Z]{3}$","minLength":3},"pii":"email","on_ingest":"hash"}]}',
  },
  'sluice-probe-json': {
    format: 'json',
    text: '{"type":"object","properties":{"code":{"type":"string","maxLength":9,"pii":"email","on_ingest":"hash"}},"additionalProperties":false}',
  },
}

export function isProbe(subject: unknown): boolean {
  return typeof subject === 'string' && Object.hasOwn(PROBES, subject)
}

/** Throws REGISTRY_UNSAFE where a schema does not come back with its attributes. */
export async function probeAttributes(http: RegistryHttp, url: string): Promise<void> {
  await Promise.all(Object.entries(PROBES).map(([subject, probe]) => probeFormat(http, { url, subject, probe })))
}

interface Probing {
  readonly url: string
  readonly subject: string
  readonly probe: SchemaText
}

async function probeFormat(http: RegistryHttp, { url, subject, probe }: Probing): Promise<void> {
  const path = ['subjects', subject, 'versions', 'latest']
  let answer = await http.send({ method: 'GET', path })
  if (answer.status === 404) {
    const body = { schema: probe.text, schemaType: probe.format === 'avro' ? 'AVRO' : 'JSON' }
    const made = await http.send({ method: 'POST', path: ['subjects', subject, 'versions'], body })
    // 409: another process made it first; what stands is judged all the same.
    if (made.status >= 400 && made.status !== 409) throw refusedProbe(url, subject, made)
    answer = await http.send({ method: 'GET', path })
  }
  if (answer.status >= 400) throw refusedProbe(url, subject, answer)
  const back = checkSchema(answer.body, subject)
  if (canonicalContent(back) === canonicalContent(probe)) return
  throw new SluiceError(
    'REGISTRY_UNSAFE',
    `${url} does not give ${probe.format} schemas back as they were registered (${subject}, schema ${JSON.stringify(field(answer.body, 'id'))}): rules and privacy of contracts would be lost`,
  )
}

function refusedProbe(url: string, subject: string, answer: { readonly status: number; readonly message: string }) {
  return new SluiceError('REGISTRY_REFUSED', `${url} refused ${subject} with ${answer.status}: ${answer.message}`, {
    hint: 'Name an account in registry.username that may read, and register this subject once.',
  })
}
