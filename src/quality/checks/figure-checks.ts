import { formatDuration, parseDuration } from '../../domain/duration.ts'
import type { Check } from '../check.ts'
import { Impossible } from '../check.ts'
import { sqlInstant } from '../sql-literal.ts'
import { boundsSql, countBounds, numberLiteral, plainText, type Bounds } from './bounds.ts'
import type { Asked } from './kwargs.ts'

/** Checks of one figure of the whole table. A figure that is not there, since there are no values, is within no bounds. */

const OF_NUMBERS: Readonly<Record<string, (column: string) => string>> = {
  expect_column_mean_to_be_between: (column) => `avg(cast(${column} as double))`,
  expect_column_median_to_be_between: (column) => `median(cast(${column} as double))`,
  expect_column_stdev_to_be_between: (column) => `stddev_samp(cast(${column} as double))`,
  expect_column_sum_to_be_between: (column) => `sum(${column})`,
}
const OF_VALUES: Readonly<Record<string, (column: string) => string>> = {
  expect_column_min_to_be_between: (column) => `min(${column})`,
  expect_column_max_to_be_between: (column) => `max(${column})`,
}
const OF_COUNTS: Readonly<Record<string, (column: string) => string>> = {
  expect_column_unique_value_count_to_be_between: (column) => `count(distinct ${column})`,
  expect_column_proportion_of_unique_values_to_be_between: (column) =>
    `cast(count(distinct ${column}) as double) / nullif(count(${column}), 0)`,
  expect_column_proportion_of_non_null_values_to_be_between: (column) =>
    `cast(count(${column}) as double) / nullif(count(*), 0)`,
}

export function columnFigure(asked: Asked): Check {
  const { type: name } = asked.expectation
  const { type } = asked.field()
  const column = asked.column()
  const ofNumbers = OF_NUMBERS[name]
  if (ofNumbers !== undefined) {
    if (!/^(int|float|decimal)/.test(type.kind))
      throw new Impossible(`${asked.field().name} is ${type.kind}, and no number`)
    return figure(asked, ofNumbers(column), countBounds(asked, 'f.v'))
  }
  const ofValues = OF_VALUES[name]
  if (ofValues !== undefined) {
    return figure(
      asked,
      ofValues(column),
      boundsSql(asked, 'f.v', (value, kwarg) => asked.literal(value, type, kwarg)),
    )
  }
  const ofCounts = OF_COUNTS[name]
  if (ofCounts === undefined) throw new Impossible(`${name} is not known`)
  return figure(asked, ofCounts(column), countBounds(asked, 'f.v'))
}

/** Such as the average order value: the lines of each order summed up, and of those sums the mean. */
export function averageSumPerGroup(asked: Asked): Check {
  const { name, type } = asked.field()
  if (!/^(int|float|decimal)/.test(type.kind)) throw new Impossible(`${name} is ${type.kind}, and no number`)
  const sums = `select sum(${asked.column()}) as v ${asked.from()} group by ${asked.columns('group_by').join(', ')}`
  return figureOf(`select avg(cast(g.v as double)) as v from (${sums}) g`, countBounds(asked, 'f.v'))
}

export function rowCountBetween(asked: Asked): Check {
  return figure(asked, 'count(*)', countBounds(asked, 'f.v'))
}

export function rowCountEqual(asked: Asked): Check {
  const value = asked.value('value')
  return figure(asked, 'count(*)', { sql: `f.v = ${numberLiteral(value, 'value')}`, expected: `= ${plainText(value)}` })
}

export function fresh(asked: Asked): Check {
  const { name, type } = asked.field()
  if (type.kind !== 'timestamp' && type.kind !== 'date') throw new Impossible(`${name} is ${type.kind}, and no time`)
  const maxAgeMs = parseDuration(asked.text('max_age') ?? '') ?? 0
  return figure(asked, `max(cast(${asked.column()} as timestamp))`, {
    sql: `f.v >= ${sqlInstant(asked.table.nowMs - maxAgeMs)}`,
    expected: `not older than ${formatDuration(maxAgeMs)}`,
  })
}

function figure(asked: Asked, value: string, bounds: Bounds): Check {
  return figureOf(`select ${value} as v ${asked.from()}`, bounds)
}

function figureOf(sql: string, bounds: Bounds): Check {
  return {
    kind: 'figure',
    sql: `select cast(f.v as string) as observed, coalesce(${bounds.sql}, false) as ok from (${sql}) f`,
    expected: bounds.expected,
  }
}

/** `missing` values of the set that no row holds; `other` values of rows that are not in it. */
export function distinctValues(asked: Asked, wants: { readonly missing: boolean; readonly other: boolean }): Check {
  const { type } = asked.field()
  const column = asked.column()
  const set = asked.literals('value_set', type)
  if (set.length === 0) throw new Impossible('value_set holds nothing but null')
  const other = `select count(distinct ${column}) ${asked.from(`${column} is not null`, `not (${column} in (${set.join(', ')}))`)}`
  const held = `select count(distinct ${column}) ${asked.from(`${column} in (${set.join(', ')})`)}`
  const size = `select count(distinct v) from (${set.map((each) => `select ${each} as v`).join(' union all ')}) s`
  const counts = `select (${other}) as others, (${size}) - (${held}) as missing`
  const ok = [...(wants.other ? ['f.others = 0'] : []), ...(wants.missing ? ['f.missing = 0'] : [])].join(' and ')
  return {
    kind: 'figure',
    sql: `select concat(cast(f.missing as string), ' missing, ', cast(f.others as string), ' others') as observed, ${ok} as ok from (${counts}) f`,
    expected: `${wants.missing ? 'each of' : 'only'} ${set.length} values${wants.missing && wants.other ? ' and no other' : ''}`,
  }
}
