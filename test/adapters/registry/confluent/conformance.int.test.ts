import { after, test } from 'node:test'
import { systemClock } from '../../../../src/adapters/clock/system-clock.ts'
import { openConfluentRegistry } from '../../../../src/adapters/registry/confluent/confluent-registry.ts'
import { checkEvolution } from '../../../../src/contract/evolution.ts'
import { schemaRegistryConformance } from '../../../conformance/schema-registry.ts'
import { registryMissing, startRegistry, type Registry } from '../../../services/registry.ts'

const skip = await registryMissing()
if (skip === false) conform()
else test('Apicurio keeps the promises of a schema registry', { skip }, () => undefined)

function conform(): void {
  let server: Promise<Registry> | null = null
  after(async () => (await server)?.close())
  schemaRegistryConformance('a registry with the API of Confluent (Apicurio)', async () => {
    server ??= startRegistry()
    const { url } = await server
    await empty(url)
    const address = { url, username: null, password: null, caFile: null, timeoutMs: 10_000 }
    const open = () => openConfluentRegistry({ address, compatible: checkEvolution, clock: systemClock })
    const [registry, others] = [open(), [] as ReturnType<typeof open>[]]
    return {
      registry,
      reopen: async () => {
        const other = open()
        others.push(other)
        return other
      },
      quirks: { refusesForced: true, racesDouble: true },
      cleanup: async () => {
        for (const each of [registry, ...others]) await each.close()
      },
    }
  })
}

/** Another registry would take longer to start than all the tests together. */
async function empty(url: string): Promise<void> {
  const subjects = (await (await fetch(`${url}/subjects`)).json()) as string[]
  for (const subject of subjects) {
    const path = `${url}/subjects/${encodeURIComponent(subject)}`
    await fetch(path, { method: 'DELETE' })
    await fetch(`${path}?permanent=true`, { method: 'DELETE' })
  }
  await fetch(`${url}/config`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ compatibility: 'BACKWARD' }),
  })
}
