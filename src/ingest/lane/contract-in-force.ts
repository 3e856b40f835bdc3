import { SluiceError } from '../../domain/errors.ts'
import type { BronzeTableSettings } from '../../domain/settings.ts'
import type { RegisteredSchema, SchemaRegistry } from '../../ports/schema-registry.ts'

/** What a table's records are judged by now: the latest version of its subject, or the version that the settings pin. */
export async function contractInForce(registry: SchemaRegistry, table: BronzeTableSettings): Promise<RegisteredSchema> {
  const { subject, pinnedVersion } = table
  const schema =
    pinnedVersion === null ? await registry.latest(subject) : await registry.version(subject, pinnedVersion)
  if (schema !== null) return schema
  const version = pinnedVersion === null ? '' : `@${pinnedVersion}`
  throw new SluiceError(
    'CONTRACT_MISSING',
    `bronze.${table.table} has no contract: the registry has no ${subject}${version}`,
    {
      where: { table: `bronze.${table.table}`, subject },
    },
  )
}
