import { formatTableName } from '../../domain/identifier.ts'
import type { TableName } from '../../domain/identifier.ts'
import type { ModelNode } from '../graph.ts'
import { hasChanges } from '../rows/result-shape.ts'
import { timestampSql } from './as-of-time.ts'

/**
 * What a model reads, cut at a time in the data. Pure; a node without a time is left as it is.
 * - Changes (merge over bronze, scd2) are cut by `sequence_by`, and by the record's own time where that is null or not named.
 * - Other merges are cut by `sequence_by` and by the times of their lookups; a row without such a time stays.
 * - Bronze tables read beside changes, or by models of another kind, are cut by the record's own time.
 * Silver and gold inputs need no cut: they are built as of that time themselves.
 */
export function sourceAsOf(node: ModelNode, source: string): string {
  const { beforeMicros, model, sql } = node
  if (beforeMicros === undefined) return source
  const before = timestampSql(beforeMicros)
  const conditions: string[] = []
  if (hasChanges(model, sql?.main?.layer ?? null)) {
    const time =
      model.sequenceBy === null ? '_record_ts' : `coalesce(${timeOf(model.sequenceBy)}, ${timeOf('_record_ts')})`
    conditions.push(`${time} < ${before}`)
  } else if (model.kind === 'merge') {
    const times = [model.sequenceBy, ...node.lookups.map((lookup) => lookup.at)]
    for (const time of new Set(times)) {
      if (time !== null) conditions.push(`coalesce(${timeOf(time)} < ${before}, true)`)
    }
  }
  return conditions.length === 0 ? source : `(select s.* from ${source} s where ${conditions.join(' and ')})`
}

/** The condition on an input itself; null where its rows are not cut there. */
export function inputAsOf(node: ModelNode, table: string): string | null {
  if (node.beforeMicros === undefined || !isCutByRecord(node, table)) return null
  return `_record_ts < ${timestampSql(node.beforeMicros)}`
}

/** The days of a calendar, cut where its input is not as of the time already. */
export function calendarAsOf({ beforeMicros }: ModelNode, input: TableName, column: string): string | null {
  if (beforeMicros === undefined || input.layer !== 'bronze') return null
  return `${timeOf(column)} < ${timestampSql(beforeMicros)}`
}

/** Bronze inputs of the model that only the record's own time can cut. */
export function cutByRecord(node: ModelNode): readonly string[] {
  return node.inputs
    .map(formatTableName)
    .filter((table) => node.model.kind !== 'calendar' && isCutByRecord(node, table))
}

function isCutByRecord({ model, sql }: ModelNode, table: string): boolean {
  if (!table.startsWith('bronze.')) return false
  const main = sql?.main ?? null
  return main === null || formatTableName(main) !== table || !hasChanges(model, main.layer)
}

function timeOf(column: string): string {
  return `cast(${column} as timestamp)`
}
