import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedRegistry } from '../../../src/adapters/registry/embedded-registry.ts'
import { checkEvolution } from '../../../src/contract/evolution.ts'
import { schemaRegistryConformance } from '../../conformance/schema-registry.ts'

schemaRegistryConformance('the embedded registry', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-registry-'))
  const reopen = () => openEmbeddedRegistry({ dir, compatible: checkEvolution, clock: { newId: randomUUID } })
  return { registry: await reopen(), reopen, cleanup: () => rm(dir, { recursive: true, force: true }) }
})
