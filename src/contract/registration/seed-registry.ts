import type { RegisteredSchema, SchemaRegistry } from '../../ports/schema-registry.ts'
import { checkProposal } from './plan-registration.ts'
import type { Proposal } from '../../domain/proposal.ts'

/**
 * Registers the subjects that the registry does not have, for the embedded registry at start. A file of a subject that
 * it has is not looked at: only `contract register` gives a changed file force. Safe to race with itself.
 */
export async function seedRegistry(
  registry: SchemaRegistry,
  proposals: readonly Proposal[],
): Promise<RegisteredSchema[]> {
  const held = new Set(await registry.subjects())
  const seeded: RegisteredSchema[] = []
  for (const proposal of proposals) {
    if (held.has(proposal.subject)) continue
    checkProposal(proposal)
    seeded.push(await registry.register(proposal.subject, { format: proposal.format, text: proposal.text }))
  }
  return seeded
}
