import type { ModelDefinition } from '../../domain/model.ts'
import { changeColumns, changesSql, greatestFirst, wholeKey } from './changes.ts'
import type { ResultShape } from './result-shape.ts'

/** The latest change of each key; of a deleted key, its key and change order only. `changes` has `changeColumns`. */
export function latestSql(model: ModelDefinition, shape: ResultShape, changes: string): string {
  const columns = changeColumns(model, shape).map((name) =>
    name.startsWith('_') || model.key.includes(name)
      ? name
      : `case when _deleted then null else ${name} end as ${name}`,
  )
  return `select ${columns.join(', ')} from (${rankedSql(model.key, greatestFirst(model), changes)}) ranked where sluice_rank = 1`
}

export function latestOfSourceSql(model: ModelDefinition, shape: ResultShape, source: string): string {
  return latestSql(model, shape, changesSql(model, shape, source))
}

/**
 * Rows of a merge over tables that hold each key once already. With `sequence_by` the greatest of a key is taken;
 * without, a repeated key is the model's fault, which a probe tells.
 */
export function keyedRowsSql(model: ModelDefinition, shape: ResultShape, source: string): string {
  const columns = shape.own.map((field) => field.name).join(', ')
  const rows = `select ${columns} from ${source} s where ${wholeKey(model.key)}`
  if (model.sequenceBy === null) return rows
  const order = [
    `${model.sequenceBy} desc nulls last`,
    ...model.tieBreak.map((name) => `${name} desc nulls first`),
    ...shape.own.filter(({ name }) => !model.key.includes(name)).map(({ name }) => `${name} desc nulls last`),
  ].join(', ')
  return `select ${columns} from (${rankedSql(model.key, order, rows)}) ranked where sluice_rank = 1`
}

/** The rows with their place among those of the same columns. */
export function rankedSql(by: readonly string[], order: string, rows: string): string {
  return `select numbered.*, row_number() over (partition by ${by.join(', ')} order by ${order}) as sluice_rank from (${rows}) numbered`
}
