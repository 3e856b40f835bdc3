import type { Proposal } from '../../domain/proposal.ts'
import { readProposals } from '../../settings/read-proposals.ts'
import { canonicalContent } from '../../domain/schema-content.ts'
import type { RegisteredSchema } from '../../ports/schema-registry.ts'
import type { World } from '../../ports/world.ts'
import { fail, ok, warn, type Finding } from './check.ts'

const ATTRIBUTE = /"(constraints|pii|on_ingest)"\s*:/g

/**
 * The registry answers and gives schemas back as they were registered: a contract's rules and privacy are attributes,
 * and a registry that drops them would let every record pass.
 */
export async function checkRegistry(world: Pick<World, 'registry' | 'settings'>): Promise<Finding> {
  const { registry, settings } = world
  const subjects = await registry.subjects()
  const proposals = await readProposals({ folder: settings.paths.schemas, named: [], cwd: '.' })
  const changed: string[] = []
  let same = 0
  for (const proposal of proposals) {
    const versions = await registeredVersions(world, proposal.subject)
    if (versions.some((version) => canonicalContent(version) === canonicalContent(proposal))) same += 1
    else if (versions.length > 0) changed.push(proposal.subject)
    if (dropsAttributes(proposal, versions)) {
      return fail(
        `the registry gives ${proposal.subject} back without its rules (constraints, pii, on_ingest)`,
        'Use a registry that keeps unknown attributes of a schema.',
      )
    }
  }
  const found = `${subjects.length} subjects; ${same} of ${proposals.length} schema files come back unchanged`
  if (changed.length === 0) return ok(found)
  return warn(
    `${found}; changed since they were registered: ${changed.join(', ')}`,
    'Let them take force with `sluice contract register`, or take the change back.',
  )
}

async function registeredVersions({ registry }: Pick<World, 'registry'>, subject: string): Promise<RegisteredSchema[]> {
  const schemas: RegisteredSchema[] = []
  for (const version of await registry.versions(subject)) {
    const schema = await registry.version(subject, version)
    if (schema !== null) schemas.push(schema)
  }
  return schemas
}

function dropsAttributes(proposal: Proposal, versions: readonly RegisteredSchema[]): boolean {
  const count = (text: string): number => text.match(ATTRIBUTE)?.length ?? 0
  return versions.length > 0 && count(proposal.text) > 0 && versions.every(({ text }) => count(text) === 0)
}
