import type { ColumnField } from '../../domain/column-batch.ts'
import type { ColumnLineage, ColumnOrigin } from '../../domain/dataset.ts'
import { formatTableName } from '../../domain/identifier.ts'
import type { ModelDefinition } from '../../domain/model.ts'
import { columnOrigins, type Relation } from '../sql/column-origins.ts'

export interface LineageFacts {
  readonly model: ModelDefinition
  /** Surrogate keys of the dimensions that the model looks up, in the order of its lookups. */
  readonly dimensionKeys: readonly string[]
  /** Of the table that came out. */
  readonly fields: readonly ColumnField[]
  /** By `layer.table`. */
  readonly inputs: ReadonlyMap<string, readonly ColumnField[]>
}

/**
 * Column lineage of a model's table: what its SELECT says (`columnOrigins`), and what its kind adds: surrogate keys,
 * validity, columns taken from other tables and what is worked out from them. Our own columns (`_…`) are left out.
 */
export function modelLineage({ model, dimensionKeys, fields, inputs }: LineageFacts): ColumnLineage {
  const tables = new Map([...inputs].map(([table, columns]) => [table, columns.map(({ name }) => name)]))
  const select: Relation =
    model.kind === 'calendar' ? { columns: new Map(), rows: [] } : columnOrigins(model.sql, model.sqlFile, tables)
  const row = withTaken(model, select.columns)
  const of = (column: string): readonly ColumnOrigin[] => row.get(column.toLowerCase()) ?? []
  const made = (columns: readonly string[]): ColumnOrigin[] =>
    columns.flatMap((column) => of(column).map((origin): ColumnOrigin => ({ ...origin, how: 'transformation' })))
  const sequence = model.sequenceBy === null ? [] : [model.sequenceBy]
  const lookups = new Map(
    model.lookups.map(({ as, dimension }, at): [string, ColumnOrigin] => [
      as,
      { table: formatTableName(dimension), column: dimensionKeys[at] ?? as, how: 'identity' },
    ]),
  )
  const originsOf = ({ name }: ColumnField): readonly ColumnOrigin[] => {
    const looked = lookups.get(name)
    if (looked !== undefined) return [looked]
    if (model.over !== null) {
      return [{ table: formatTableName(model.over.table), column: model.over.column, how: 'transformation' }]
    }
    if (name === model.surrogateKey) return made([...model.key, ...(model.kind === 'scd2' ? sequence : [])])
    const own = of(name)
    return own.length === 0 && model.kind === 'scd2' && VALIDITY.has(name) ? made(sequence) : own
  }
  const keyed = model.lookups.flatMap(({ on, at, dimension }) => [
    ...on.map(({ dimension: column }) => ({ table: formatTableName(dimension), column })),
    ...on.flatMap(({ fact }) => of(fact)),
    ...(at === null ? [] : of(at)),
  ])
  const taken = model.rowLookups.flatMap(({ table, on, at }) =>
    [...on, ...(at === null ? [] : [at])].flatMap(({ own, other }) => [
      { table: formatTableName(table), column: other },
      ...of(own),
    ]),
  )
  return {
    columns: new Map(
      fields.filter(({ name }) => !name.startsWith('_')).map((field) => [field.name, originsOf(field)] as const),
    ),
    rows: [
      ...select.rows,
      ...[...taken, ...keyed].map(({ table, column }): ColumnOrigin => ({ table, column, how: 'join' })),
    ],
  }
}

/** The SELECT's columns, those taken from rows of other tables, and those worked out from both. */
function withTaken(
  model: ModelDefinition,
  selected: Relation['columns'],
): ReadonlyMap<string, readonly ColumnOrigin[]> {
  const row = new Map(selected)
  for (const { table, take } of model.rowLookups) {
    for (const { column, as } of take) {
      row.set(as.toLowerCase(), [{ table: formatTableName(table), column, how: 'identity' }])
    }
  }
  const own = 'silver.own_row'
  for (const { name, sql } of model.derive) {
    const tables = new Map([[own, [...row.keys()]]])
    const read = columnOrigins(`select (${sql}) as ${name} from ${own}`, model.yamlFile, tables)
    const origins = (read.columns.get(name.toLowerCase()) ?? []).flatMap(({ column }) => row.get(column) ?? [])
    row.set(
      name.toLowerCase(),
      origins.map((origin): ColumnOrigin =>
        origin.how === 'identity' ? { ...origin, how: 'transformation' } : origin,
      ),
    )
  }
  return row
}

const VALIDITY = new Set(['valid_from', 'valid_to', 'is_current'])
