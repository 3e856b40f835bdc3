import type { EngineName } from '../services/delta-engine.ts'

/** What another engine may do to a table beside its rows, and what becomes of our next append. */
export interface ForeignFeature {
  readonly name: string
  readonly engine: EngineName
  /** SQL of Spark with `{t}` for the table; Python over `dt` for deltalake. */
  readonly statements: readonly string[]
  /** The feature by which we refuse to write, or null where we go on. */
  readonly refused: RegExp | null
  /** The values of `n` that are left of 1, 2, 3; what we append is 4. */
  readonly left?: readonly number[]
}

const property = (name: string, value: string): string =>
  `alter table {t} set tblproperties ('delta.${name}' = '${value}')`
const spark = (name: string, refused: RegExp | null, ...statements: string[]): ForeignFeature => ({
  name,
  engine: 'spark',
  statements,
  refused,
})
const deltalake = (name: string, refused: RegExp | null, ...statements: string[]): ForeignFeature => ({
  name,
  engine: 'deltalake',
  statements,
  refused,
})
const dtProperty = (name: string, value: string): string =>
  `dt.alter.set_table_properties({'delta.${name}': '${value}'}, raise_if_not_exists=False)`

export const FOREIGN_FEATURES: readonly ForeignFeature[] = [
  spark('appendOnly', null, property('appendOnly', 'true')),
  spark(
    'how often checkpoints come, and how long the log is kept',
    null,
    property('checkpointInterval', '3'),
    property('logRetentionDuration', 'interval 1 day'),
  ),
  spark('a column more', null, 'alter table {t} add columns (extra string)'),
  {
    ...spark('deletion vectors', null, property('enableDeletionVectors', 'true'), 'delete from {t} where n = 2'),
    left: [1, 3],
  },
  spark('a change data feed', /changeDataFeed/, property('enableChangeDataFeed', 'true')),
  spark('column mapping', /columnMapping/, property('columnMapping.mode', 'name')),
  spark('a constraint', /checkConstraints/, 'alter table {t} add constraint few check (n < 100)'),
  spark('commit timestamps', /inCommitTimestamp/, property('enableInCommitTimestamps', 'true')),
  spark('checkpoints of version 2', /v2Checkpoint/, property('checkpointPolicy', 'v2')),
  spark('row tracking', /domainMetadata|rowTracking/, property('enableRowTracking', 'true')),
  spark('type widening', /typeWidening/, property('enableTypeWidening', 'true')),
  spark(
    'a vacuum that checks the protocol',
    /vacuumProtocolCheck/,
    property('feature.vacuumProtocolCheck', 'supported'),
  ),
  deltalake('appendOnly', null, dtProperty('appendOnly', 'true')),
  deltalake('a column more', null, `dt.alter.add_columns(deltalake.Field('extra', 'string', nullable=True))`),
  deltalake(
    'a name and a description',
    null,
    `dt.alter.set_table_name('race'); dt.update_incremental(); dt.alter.set_table_description('a race')`,
  ),
  deltalake('a change data feed', /changeDataFeed/, dtProperty('enableChangeDataFeed', 'true')),
  deltalake('a constraint', /checkConstraints/, `dt.alter.add_constraint({'few': 'n < 100'})`),
]
