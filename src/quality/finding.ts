import type { Expectation } from '../domain/expectation.ts'
import { labelOf } from '../domain/expectation.ts'
import type { EngineRow } from '../ports/model-engine.ts'

/** What came of one expectation on one table. */
export interface Finding {
  readonly expectation: Expectation
  readonly success: boolean
  /** Rows that count; null where it is about the table as a whole. */
  readonly considered: number | null
  /** Rows that offend. */
  readonly offending: number | null
  /** Rows that would offend and are too young to: they are told of, and never block. */
  readonly young: number
  readonly expected: string | null
  readonly actual: string | null
  /** Why it could not be asked: it then counts as failed. */
  readonly impossible: string | null
  /** Of one that failed: some of the offending rows, as they are. Whoever shows them masks them. */
  readonly samples: readonly EngineRow[]
}

/** One sentence without any value of a row. */
export function describeFinding(finding: Finding): string {
  const { expectation, considered, offending, young, expected, actual, impossible } = finding
  const label = labelOf(expectation)
  if (impossible !== null) return `${label} cannot be judged: ${impossible}`
  if (offending !== null && considered !== null) {
    const mostly = expectation.kwargs['mostly']
    const asked = typeof mostly === 'number' && mostly < 1 ? `, and ${mostly} must keep it` : ''
    const waiting = young > 0 ? ` (and ${young} younger than the grace)` : ''
    return `${label}: ${offending} of ${considered} rows break it${asked}${waiting}`
  }
  return `${label}: expected ${expected ?? 'it to hold'}, found ${actual ?? 'none'}`
}
