import { openEmbeddedRegistry } from '../adapters/registry/embedded-registry.ts'
import { checkEvolution } from '../contract/evolution.ts'
import type { RegistrySettings } from '../domain/settings.ts'
import type { Clock } from '../ports/clock.ts'
import type { SchemaRegistry } from '../ports/schema-registry.ts'

export async function openRegistry(settings: RegistrySettings, clock: Clock): Promise<SchemaRegistry> {
  if (settings.kind === 'embedded') {
    return openEmbeddedRegistry({ dir: settings.dir, compatible: checkEvolution, clock })
  }
  // Node's HTTP client is a tenth of what a start costs where no registry is asked over it.
  const { openConfluentRegistry } = await import('../adapters/registry/confluent/confluent-registry.ts')
  return openConfluentRegistry({ address: settings, compatible: checkEvolution, clock })
}
