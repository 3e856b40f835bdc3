import { createHash } from 'node:crypto'
import { formatTableName } from '../domain/identifier.ts'
import type { TableName } from '../domain/identifier.ts'
import type { ModelDefinition } from '../domain/model.ts'

/** What a model's table states about how it came to be, as Delta `txn` actions of the commit that brought the rows. */

export const DEFINITION_APP = 'sluice/model/definition'

/** No model's hash: a table that a restore took back past what it says of its inputs is rebuilt. */
export const RESTORED_DEFINITION = 0n

/** The version of an input that the table was built from, by the input's table id. */
export function inputApp(input: TableName, tableId: string): string {
  return `${inputPrefix(input)}${tableId}`
}

export function inputPrefix(input: TableName): string {
  return `sluice/input/${formatTableName(input)}/`
}

/** Raised when the SQL that we write around a model changes what comes out: every model then rebuilds. */
const FRAMEWORK = 1

/**
 * A 63-bit hash of what decides a model's rows: the SQL without comments and spacing, and the YAML without what only
 * describes. `dimensions` are the models that it looks up: their key's name and kind decide too.
 */
export function definitionHash(
  model: ModelDefinition,
  canonicalSql: string,
  dimensions: readonly ModelDefinition[],
): bigint {
  const meaning = JSON.stringify(
    [
      FRAMEWORK,
      model.kind,
      canonicalSql,
      model.key,
      model.sequenceBy,
      model.tieBreak,
      model.track,
      model.surrogateKey,
      model.lookups,
      model.partitionBy,
      model.over,
      dimensions.map((dimension) => [dimension.kind, dimension.surrogateKey]),
      ...(model.rowLookups.length + model.derive.length === 0 ? [] : [model.rowLookups, model.derive]),
    ],
    // how a table is read decides no rows
    (key, value: unknown) => (key === 'broadcast' ? undefined : value),
  )
  return createHash('sha256').update(meaning).digest().readBigUInt64BE(0) >> 1n
}
