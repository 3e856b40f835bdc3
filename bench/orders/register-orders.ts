import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { openEmbeddedRegistry } from '../../src/adapters/registry/embedded-registry.ts'
import { checkEvolution } from '../../src/contract/evolution.ts'
import { ORDERS_SCHEMA } from './order-schema.ts'

/** Puts the orders' contract into the registry of this folder, and answers the id that it has there. */
export async function registerOrders(folder: string): Promise<number> {
  const registry = await openEmbeddedRegistry({ dir: folder, compatible: checkEvolution, clock: systemClock })
  const { subject, format, text } = ORDERS_SCHEMA
  const { id } = await registry.register(subject, { format, text })
  await registry.close()
  return id
}
