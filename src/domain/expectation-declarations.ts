/** Every expectation that this build has, with its kwargs: what settings accept and what quality knows how to ask. */

export type KwargType =
  | 'column'
  | 'columns'
  /** A number, or a date or time in ISO 8601. */
  | 'bound'
  | 'number'
  /** A whole number of rows, characters or columns. */
  | 'count'
  /** Above 0, at most 1. */
  | 'fraction'
  | 'flag'
  | 'values'
  | 'names'
  | 'pattern'
  | 'type'
  | 'types'
  | 'table'
  | 'duration'
  /** See `quality/row-condition.ts`. */
  | 'condition'
  | 'condition_parser'
  | 'ignored_pairs'
  | 'ignored_rows'

export interface ExpectationDeclaration {
  readonly meaning: string
  readonly required: Readonly<Record<string, KwargType>>
  readonly optional: Readonly<Record<string, KwargType>>
  /** At least one of them must be given. */
  readonly oneOf?: readonly string[]
  /** Not of Great Expectations. */
  readonly ours?: true
  /** Kwargs that Great Expectations does not have. */
  readonly ourKwargs?: readonly string[]
}

const CONDITION = { row_condition: 'condition', condition_parser: 'condition_parser' } as const
const MOSTLY = { mostly: 'fraction', ...CONDITION } as const
const COLUMN = { column: 'column' } as const
const BETWEEN = { min_value: 'bound', max_value: 'bound', strict_min: 'flag', strict_max: 'flag' } as const
const COUNTS = { min_value: 'count', max_value: 'count', strict_min: 'flag', strict_max: 'flag' } as const
const BOUNDS = ['min_value', 'max_value'] as const
const ORDER = { order_by: 'columns' } as const

export const EXPECTATIONS: Readonly<Record<string, ExpectationDeclaration>> = {
  expect_column_to_exist: { meaning: 'The column is there.', required: COLUMN, optional: {} },
  expect_table_columns_to_match_set: {
    meaning: 'The columns are these, in any order; with exact_match false there may be others.',
    required: { column_set: 'names' },
    optional: { exact_match: 'flag' },
  },
  expect_table_columns_to_match_ordered_list: {
    meaning: 'The columns are these, in this order.',
    required: { column_list: 'names' },
    optional: {},
  },
  expect_table_column_count_to_equal: {
    meaning: 'There are so many columns.',
    required: { value: 'count' },
    optional: {},
  },
  expect_table_column_count_to_be_between: {
    meaning: 'The number of columns is within bounds.',
    required: {},
    optional: { min_value: 'count', max_value: 'count' },
    oneOf: BOUNDS,
  },
  expect_table_row_count_to_be_between: {
    meaning: 'The number of rows is within bounds.',
    required: {},
    optional: { ...COUNTS, ...CONDITION },
    oneOf: BOUNDS,
  },
  expect_table_row_count_to_equal: {
    meaning: 'There are so many rows.',
    required: { value: 'count' },
    optional: CONDITION,
  },
  expect_column_values_to_not_be_null: { meaning: 'No value is null.', required: COLUMN, optional: MOSTLY },
  expect_column_values_to_be_null: { meaning: 'Every value is null.', required: COLUMN, optional: MOSTLY },
  expect_column_values_to_be_unique: {
    meaning: 'No value but null is there twice.',
    required: COLUMN,
    optional: MOSTLY,
  },
  expect_compound_columns_to_be_unique: {
    meaning: 'No combination of these values is there twice.',
    required: { column_list: 'columns' },
    optional: { ignore_row_if: 'ignored_rows', ...MOSTLY },
  },
  expect_column_values_to_be_in_set: {
    meaning: 'Every value is one of these.',
    required: { ...COLUMN, value_set: 'values' },
    optional: MOSTLY,
  },
  expect_column_values_to_not_be_in_set: {
    meaning: 'No value is one of these.',
    required: { ...COLUMN, value_set: 'values' },
    optional: MOSTLY,
  },
  expect_column_values_to_be_between: {
    meaning: 'Every value is within bounds.',
    required: COLUMN,
    optional: { ...BETWEEN, ...MOSTLY },
    oneOf: BOUNDS,
  },
  expect_column_values_to_match_regex: {
    meaning: 'The pattern is found in every value.',
    required: { ...COLUMN, regex: 'pattern' },
    optional: MOSTLY,
  },
  expect_column_values_to_not_match_regex: {
    meaning: 'The pattern is found in no value.',
    required: { ...COLUMN, regex: 'pattern' },
    optional: MOSTLY,
  },
  expect_column_value_lengths_to_be_between: {
    meaning: 'Every text has so many characters.',
    required: COLUMN,
    optional: { ...COUNTS, ...MOSTLY },
    oneOf: BOUNDS,
  },
  expect_column_value_lengths_to_equal: {
    meaning: 'Every text has exactly so many characters.',
    required: { ...COLUMN, value: 'count' },
    optional: MOSTLY,
  },
  expect_column_values_to_be_of_type: {
    meaning: 'The column is of this type.',
    required: { ...COLUMN, type_: 'type' },
    optional: MOSTLY,
  },
  expect_column_values_to_be_in_type_list: {
    meaning: 'The column is of one of these types.',
    required: { ...COLUMN, type_list: 'types' },
    optional: MOSTLY,
  },
  expect_column_mean_to_be_between: figure('mean'),
  expect_column_median_to_be_between: figure('median'),
  expect_column_sum_to_be_between: figure('sum'),
  expect_column_min_to_be_between: figure('least value'),
  expect_column_max_to_be_between: figure('greatest value'),
  expect_column_stdev_to_be_between: figure('standard deviation (of a sample)'),
  expect_column_unique_value_count_to_be_between: {
    meaning: 'The number of different values but null is within bounds.',
    required: COLUMN,
    optional: { ...COUNTS, ...CONDITION },
    oneOf: BOUNDS,
  },
  expect_column_proportion_of_unique_values_to_be_between: figure('share of different values among all but null'),
  expect_column_proportion_of_non_null_values_to_be_between: figure('share of values that are not null'),
  expect_average_sum_per_group_to_be_between: {
    meaning: 'Summed up in each group, such as the lines of an order, the column comes to this on average.',
    required: { ...COLUMN, group_by: 'columns' },
    optional: { ...BETWEEN, ...CONDITION },
    oneOf: BOUNDS,
    ours: true,
  },
  expect_column_distinct_values_to_be_in_set: {
    meaning: 'The column holds no value but these.',
    required: { ...COLUMN, value_set: 'values' },
    optional: CONDITION,
  },
  expect_column_distinct_values_to_contain_set: {
    meaning: 'The column holds each of these values.',
    required: { ...COLUMN, value_set: 'values' },
    optional: CONDITION,
  },
  expect_column_distinct_values_to_equal_set: {
    meaning: 'The column holds each of these values and no other.',
    required: { ...COLUMN, value_set: 'values' },
    optional: CONDITION,
  },
  expect_column_pair_values_a_to_be_greater_than_b: {
    meaning: 'In every row the one column is greater than the other.',
    required: { column_A: 'column', column_B: 'column' },
    optional: { or_equal: 'flag', ignore_row_if: 'ignored_pairs', ...MOSTLY },
  },
  expect_column_pair_values_to_be_equal: {
    meaning: 'In every row the two columns are equal.',
    required: { column_A: 'column', column_B: 'column' },
    optional: { ignore_row_if: 'ignored_pairs', ...MOSTLY },
  },
  expect_multicolumn_sum_to_equal: {
    meaning: 'In every row these columns add up to this, a missing value being 0.',
    required: { column_list: 'columns', sum_total: 'number' },
    optional: { ignore_row_if: 'ignored_rows', ...MOSTLY },
  },
  expect_column_values_to_be_increasing: ordered('less'),
  expect_column_values_to_be_decreasing: ordered('greater'),
  expect_referential_integrity: {
    meaning: 'Every value but null is in the parent; one that is missing is critical only past the grace.',
    required: { ...COLUMN, parent: 'table', parent_column: 'column' },
    optional: { grace: 'duration', age_column: 'column', ...MOSTLY },
    ours: true,
  },
  expect_freshness: {
    meaning: 'The latest time in the column is not older than this.',
    required: { ...COLUMN, max_age: 'duration' },
    optional: CONDITION,
    ours: true,
  },
  expect_scd2_no_gaps: {
    meaning: 'A version begins where the one before it ends, or after a deletion.',
    required: {},
    optional: { key: 'columns', valid_from: 'column', valid_to: 'column' },
    ours: true,
  },
  expect_scd2_no_overlaps: {
    meaning: 'No two versions of a key stand at one time, and each ends after it begins.',
    required: {},
    optional: { key: 'columns', valid_from: 'column', valid_to: 'column' },
    ours: true,
  },
}

/** Where neither the suite nor the thresholds say otherwise. */
export const DEFAULT_GRACE = '1h'

function figure(what: string): ExpectationDeclaration {
  return {
    meaning: `The ${what} is within bounds; a column without values is not.`,
    required: COLUMN,
    optional: { ...BETWEEN, ...CONDITION },
    oneOf: BOUNDS,
  }
}

function ordered(than: string): ExpectationDeclaration {
  return {
    meaning: `In the order of order_by no value is ${than} than the one before it; strictly: nor equal to it.`,
    required: { ...COLUMN, ...ORDER },
    optional: { group_by: 'columns', strictly: 'flag', ...MOSTLY },
    ourKwargs: ['order_by', 'group_by'],
  }
}
