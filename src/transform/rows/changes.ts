import type { ModelDefinition } from '../../domain/model.ts'
import { tieColumn } from './result-shape.ts'
import type { ResultShape } from './result-shape.ts'

/**
 * The SELECT's rows as changes: its own columns, `_deleted`, and the change order (DESIGN §1): `_sequence`, the
 * tie-breaks, epoch, partition, offset. A deletion without a time of its own takes the record's. Rows without a whole
 * key are no changes of anything and are left out.
 */
export function changesSql(model: ModelDefinition, shape: ResultShape, source: string): string {
  const columns = [
    ...shape.own.map((field) => field.name),
    `case when _op = 'd' then true else false end as _deleted`,
    ...(model.sequenceBy === null ? [] : [`${sequenceSql(model.sequenceBy)} as _sequence`]),
    ...model.tieBreak.map((name, index) => `${name} as ${tieColumn(index)}`),
    'cast(_epoch as int) as _epoch',
    'cast(_partition as int) as _partition',
    'cast(_offset as bigint) as _offset',
  ]
  return `select ${columns.join(', ')} from ${source} s where ${wholeKey(model.key)}`
}

/** The columns of `changesSql` by name, as a merge table keeps them. */
export function changeColumns(model: ModelDefinition, shape: ResultShape): readonly string[] {
  return [
    ...shape.own.map((field) => field.name),
    '_deleted',
    ...(model.sequenceBy === null ? [] : ['_sequence']),
    ...model.tieBreak.map((_, index) => tieColumn(index)),
    '_epoch',
    '_partition',
    '_offset',
  ]
}

/** The change order, greatest first. A null tie-break is the greatest; a change without a time never beats one with. */
export function greatestFirst(model: ModelDefinition): string {
  return [
    ...(model.sequenceBy === null ? [] : ['_sequence desc nulls last']),
    ...model.tieBreak.map((_, index) => `${tieColumn(index)} desc nulls first`),
    '_epoch desc nulls last',
    '_partition desc nulls last',
    '_offset desc nulls last',
  ].join(', ')
}

export function wholeKey(key: readonly string[], prefix = ''): string {
  return key.map((column) => `${prefix}${column} is not null`).join(' and ')
}

/** `a.k1 = b.k1 and a.k2 = b.k2` */
export function sameKey(key: readonly string[], a: string, b: string): string {
  return key.map((column) => `${a}.${column} = ${b}.${column}`).join(' and ')
}

function sequenceSql(sequenceBy: string): string {
  return `coalesce(cast(${sequenceBy} as timestamp), case when _op = 'd' then cast(_record_ts as timestamp) end)`
}
