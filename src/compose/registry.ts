import { openConfluentRegistry } from '../adapters/registry/confluent/confluent-registry.ts'
import { openEmbeddedRegistry } from '../adapters/registry/embedded-registry.ts'
import { checkEvolution } from '../contract/evolution.ts'
import type { RegistrySettings } from '../domain/settings.ts'
import type { Clock } from '../ports/clock.ts'
import type { SchemaRegistry } from '../ports/schema-registry.ts'

export async function openRegistry(settings: RegistrySettings, clock: Clock): Promise<SchemaRegistry> {
  if (settings.kind === 'embedded') {
    return openEmbeddedRegistry({ dir: settings.dir, compatible: checkEvolution, clock })
  }
  return openConfluentRegistry({ address: settings, compatible: checkEvolution, clock })
}
