import type { ColumnField, ColumnType } from '../../domain/column-batch.ts'
import { SluiceError } from '../../domain/errors.ts'
import type { PartitionValues } from '../log/action.ts'

/**
 * Columns that a table declares without nulls (PROTOCOL, "Column Invariants" and `nullable` of a field): no commit of
 * ours brings a row without a value in one. Readers rely on it, and take such a column for full without a look.
 */

export interface NullFacts {
  /** Names the table in errors. */
  readonly uri: string
  readonly fields: readonly ColumnField[]
  readonly partitionColumns: readonly string[]
}

export interface CountedFile {
  readonly partitionValues: PartitionValues
  /** How many rows have no value there; undefined where that is not known. */
  readonly nulls: (column: string) => number | undefined
}

/** Whether there is anything to look at: tables of our own making take nulls everywhere. */
export function hasNotNull(fields: readonly ColumnField[]): boolean {
  return fields.some(({ nullable }) => !nullable)
}

/**
 * Throws COLUMN_NOT_NULL where a file is known to hold a row without a value in a top-level column that takes no nulls.
 * Non-guarantee: columns whose nulls nobody counted pass; our own writer of files refuses those itself.
 */
export function refuseNulls({ uri, fields, partitionColumns }: NullFacts, file: CountedFile): void {
  for (const { name, nullable } of fields) {
    if (nullable) continue
    const isNull = partitionColumns.includes(name)
      ? (file.partitionValues[name] ?? '') === ''
      : (file.nulls(name) ?? 0) > 0
    if (!isNull) continue
    throw new SluiceError(
      'COLUMN_NOT_NULL',
      `column ${name} of ${uri} takes no nulls, and rows to be written have one`,
      {
        where: { table: uri, key: name },
      },
    )
  }
}

/**
 * The columns that a result brings, with the NOT NULL of those that the table has already: a new result drops none.
 * Throws TABLE_UNSUPPORTED where a column inside another takes no nulls, for nobody counts those of an engine's files.
 */
export function keepNotNull(
  uri: string,
  standing: readonly ColumnField[],
  fields: readonly ColumnField[],
): ColumnField[] {
  const before = new Map(standing.map((field) => [field.name, field]))
  return fields.map((field) => {
    const old = before.get(field.name)
    if (old === undefined) return field
    if (takesNoNulls(old.type)) {
      const message = `column ${field.name} of ${uri} takes no nulls in a column inside it, which Sluice does not check in a model's rows`
      throw new SluiceError('TABLE_UNSUPPORTED', message, {
        where: { table: uri, key: field.name },
        hint: 'Drop the NOT NULL inside it with the engine that made the table, or build into another table.',
      })
    }
    return { ...field, nullable: field.nullable && old.nullable }
  })
}

/** Somewhere inside. */
function takesNoNulls(type: ColumnType): boolean {
  switch (type.kind) {
    case 'struct':
      return type.fields.some((field) => !field.nullable || takesNoNulls(field.type))
    case 'list':
      return !type.elementNullable || takesNoNulls(type.element)
    case 'map':
      return !type.valueNullable || takesNoNulls(type.value)
    default:
      return false
  }
}
