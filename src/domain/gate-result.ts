/** What a gate found, one line an expectation; never a value of a row. */

/** `bypassed`: critical ones failed, and a person committed it once all the same. */
export type GateOutcome = 'passed' | 'warned' | 'blocked' | 'bypassed'

export interface GateAssertion {
  /** As in the suite: `expect_column_values_to_not_be_null`. */
  readonly expectation: string
  readonly column: string | null
  readonly severity: 'critical' | 'warn'
  readonly success: boolean
  /** Rows that offend; null for an expectation of the whole table. */
  readonly offending: number | null
  /** What the suite asks and what was found, where that is a figure: `>= 1`, `0.3`. */
  readonly expected: string | null
  readonly actual: string | null
}
