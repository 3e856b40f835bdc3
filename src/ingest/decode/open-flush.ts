import type { BronzeTableSettings } from '../../domain/settings.ts'
import type { ColumnField } from '../../domain/column-batch.ts'
import type { FlushDecoding } from '../../ports/decode-pool.ts'
import type { RegisteredSchema } from '../../ports/schema-registry.ts'
import type { World } from '../../ports/world.ts'

export interface OpenFlush {
  readonly world: Pick<World, 'settings' | 'decodePool' | 'runId'>
  readonly table: BronzeTableSettings
  readonly schema: RegisteredSchema
  /** Null where there is no table yet. */
  readonly snapshot: { readonly metadata: { readonly fields: readonly ColumnField[] } } | null
  readonly batchId: string
  readonly keepLetters: boolean
}

/** A flush of a table as its settings want it judged. */
export function openFlush({ world, table, schema, snapshot, ...rest }: OpenFlush): FlushDecoding {
  const { ingest, errors, privacy } = world.settings
  return world.decodePool.openFlush({
    ...rest,
    table,
    schema,
    tableFields: snapshot?.metadata.fields ?? null,
    hashKey: privacy.hashKey,
    sealKey: errors.sealKey,
    // Who keeps letters judges them again: they were copied when they were refused first.
    copyLetters: errors.copyToTopic && !rest.keepLetters,
    runId: world.runId,
    maxRecordBytes: ingest.maxRecordBytes,
  })
}
