import type { RegisteredSchema, SchemaRegistry } from '../../ports/schema-registry.ts'
import type { Standing } from './plan-registration.ts'

/** What the registry holds of a subject now. */
export async function readStanding(registry: SchemaRegistry, subject: string): Promise<Standing> {
  const versions: RegisteredSchema[] = []
  for (const version of await registry.versions(subject)) {
    const schema = await registry.version(subject, version)
    if (schema !== null) versions.push(schema)
  }
  return { versions, mode: await registry.compatibility(subject) }
}
