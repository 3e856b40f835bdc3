import { SluiceError } from '../domain/errors.ts'
import type { Expectation } from '../domain/expectation.ts'
import { Impossible, type Check } from './check.ts'
import {
  averageSumPerGroup,
  columnFigure,
  distinctValues,
  fresh,
  rowCountBetween,
  rowCountEqual,
} from './checks/figure-checks.ts'
import { decreasing, increasing, unique, uniqueTogether } from './checks/group-checks.ts'
import { Asked } from './checks/kwargs.ts'
import { referential } from './checks/relation-checks.ts'
import {
  columnCount,
  columnCountBetween,
  columnExists,
  columnsInOrder,
  columnsMatch,
  inTypeList,
  ofType,
} from './checks/shape-checks.ts'
import {
  between,
  inSet,
  isNull,
  lengthBetween,
  lengthEqual,
  matches,
  matchesNot,
  notInSet,
  notNull,
  pairEqual,
  pairGreater,
  sumEqual,
} from './checks/value-checks.ts'
import { noGaps, noOverlaps } from './checks/version-checks.ts'
import type { JudgedTable } from './judged-table.ts'

type Compile = (asked: Asked) => Check

const COMPILERS: Readonly<Record<string, Compile>> = {
  expect_column_to_exist: columnExists,
  expect_table_columns_to_match_set: columnsMatch,
  expect_table_columns_to_match_ordered_list: columnsInOrder,
  expect_table_column_count_to_equal: columnCount,
  expect_table_column_count_to_be_between: columnCountBetween,
  expect_table_row_count_to_be_between: rowCountBetween,
  expect_table_row_count_to_equal: rowCountEqual,
  expect_column_values_to_not_be_null: notNull,
  expect_column_values_to_be_null: isNull,
  expect_column_values_to_be_unique: unique,
  expect_compound_columns_to_be_unique: uniqueTogether,
  expect_column_values_to_be_in_set: inSet,
  expect_column_values_to_not_be_in_set: notInSet,
  expect_column_values_to_be_between: between,
  expect_column_values_to_match_regex: matches,
  expect_column_values_to_not_match_regex: matchesNot,
  expect_column_value_lengths_to_be_between: lengthBetween,
  expect_column_value_lengths_to_equal: lengthEqual,
  expect_column_values_to_be_of_type: ofType,
  expect_column_values_to_be_in_type_list: inTypeList,
  expect_column_mean_to_be_between: columnFigure,
  expect_column_median_to_be_between: columnFigure,
  expect_column_sum_to_be_between: columnFigure,
  expect_column_min_to_be_between: columnFigure,
  expect_column_max_to_be_between: columnFigure,
  expect_column_stdev_to_be_between: columnFigure,
  expect_column_unique_value_count_to_be_between: columnFigure,
  expect_column_proportion_of_unique_values_to_be_between: columnFigure,
  expect_column_proportion_of_non_null_values_to_be_between: columnFigure,
  expect_average_sum_per_group_to_be_between: averageSumPerGroup,
  expect_column_distinct_values_to_be_in_set: (asked) => distinctValues(asked, { missing: false, other: true }),
  expect_column_distinct_values_to_contain_set: (asked) => distinctValues(asked, { missing: true, other: false }),
  expect_column_distinct_values_to_equal_set: (asked) => distinctValues(asked, { missing: true, other: true }),
  expect_column_pair_values_a_to_be_greater_than_b: pairGreater,
  expect_column_pair_values_to_be_equal: pairEqual,
  expect_multicolumn_sum_to_equal: sumEqual,
  expect_column_values_to_be_increasing: increasing,
  expect_column_values_to_be_decreasing: decreasing,
  expect_referential_integrity: referential,
  expect_freshness: fresh,
  expect_scd2_no_gaps: noGaps,
  expect_scd2_no_overlaps: noOverlaps,
}

/** What to ask about a table to know whether it keeps an expectation. Pure. */
export function compileCheck(table: JudgedTable, expectation: Expectation): Check {
  const compile = Object.hasOwn(COMPILERS, expectation.type) ? COMPILERS[expectation.type] : undefined
  if (compile === undefined) throw new SluiceError('BUG', `${expectation.type} is declared and cannot be asked`)
  try {
    return compile(new Asked(table, expectation))
  } catch (error) {
    if (error instanceof Impossible) return { kind: 'impossible', reason: error.message }
    throw error
  }
}

/** The SELECT of what offends, with the table's own columns; null where no rows do, but the table as a whole. */
export function offendingRowsSql(table: JudgedTable, check: Check): string | null {
  if (check.kind === 'query') return check.rows
  if (check.kind !== 'rows') return null
  const where = check.considered === null ? check.offends : `${check.considered} and (${check.offends})`
  return `select r.* from ${table.view} r where ${where}`
}
