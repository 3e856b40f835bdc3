import type { ExactJson } from './exact-json.ts'

/** What a table's rows are held to: Great Expectations' names and kwargs, and a few of our own. */

/** `critical` blocks, `warn` tells. */
export type Severity = 'critical' | 'warn'

export interface Expectation {
  /** `expect_column_values_to_not_be_null` */
  readonly type: string
  /** As the declaration of the type has them; thresholds are values already. */
  readonly kwargs: Readonly<Record<string, ExactJson>>
  readonly severity: Severity
  /** Where it was written; null for what every table of a kind is held to. */
  readonly at: { readonly file: string; readonly line: number } | null
}

/** All that one table is held to, critical ones first. */
export interface Suite {
  /** `layer.table` */
  readonly table: string
  readonly expectations: readonly Expectation[]
}

/** `expect_column_values_to_not_be_null(order_id)`: tells it from its likes in one suite. */
export function labelOf({ type, kwargs }: Pick<Expectation, 'type' | 'kwargs'>): string {
  const columns = columnsOf({ kwargs })
  return columns.length === 0 ? type : `${type}(${columns.join(', ')})`
}

/** The columns that it is about, as far as its kwargs name them. */
export function columnsOf({ kwargs }: Pick<Expectation, 'kwargs'>): readonly string[] {
  const named = [kwargs['column'], kwargs['column_A'], kwargs['column_B'], kwargs['column_list']]
  return named.flat().filter((each): each is string => typeof each === 'string')
}

const BRONZE_RULES = new Set([
  'expect_column_values_to_not_be_null',
  'expect_column_values_to_match_regex',
  'expect_column_values_to_be_between',
  'expect_column_values_to_be_in_set',
  'expect_column_values_to_not_be_in_set',
  'expect_column_value_lengths_to_be_between',
  'expect_column_value_lengths_to_equal',
])

/**
 * On a bronze table: a rule that each record alone keeps or breaks is part of the contract check, and a record that
 * breaks it goes to the error lane. All else is judged on the rows that landed.
 */
export function isRecordRule({ type, kwargs, severity }: Expectation): boolean {
  const { column, mostly } = kwargs
  return (
    severity === 'critical' &&
    BRONZE_RULES.has(type) &&
    typeof column === 'string' &&
    !column.startsWith('_') &&
    (mostly === undefined || mostly === null || mostly === 1) &&
    (kwargs['row_condition'] ?? null) === null
  )
}
