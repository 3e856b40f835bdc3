import { columnsOf } from '../../../domain/expectation.ts'
import type { GateAssertion } from '../../../domain/gate-result.ts'
import type { Counts } from '../../../quality/count-changes.ts'
import { describeFinding, type Finding } from '../../../quality/finding.ts'
import type { GateVerdict } from '../../../quality/verdict.ts'
import type { PrivateColumns } from '../../look/private-columns.ts'

/** What a suite found of a table, and what of it people may see. */
export interface GateJudgement {
  readonly verdict: GateVerdict
  readonly findings: readonly Finding[]
  /** What the next judgement of the same table may count on from here. */
  readonly counts: Counts
  readonly hidden: PrivateColumns | null
}

export function reasonOf({ blocking, bypassed, warnings }: GateVerdict, hidden: PrivateColumns | null): string {
  const told = blocking.length > 0 ? blocking : bypassed.length > 0 ? bypassed : warnings
  return told.map((finding) => describeShown(finding, hidden)).join('; ')
}

export function describeShown(finding: Finding, hidden: PrivateColumns | null): string {
  return describeFinding({ ...finding, actual: shownActual(finding, hidden) })
}

export function toAssertion(finding: Finding, hidden: PrivateColumns | null): GateAssertion {
  const { expectation, success, offending, expected, impossible } = finding
  const mostly = expectation.kwargs['mostly']
  return {
    expectation: expectation.type,
    column: columnsOf(expectation).join(', ') || null,
    severity: expectation.severity,
    success,
    offending,
    expected: expected ?? (typeof mostly === 'number' ? `${mostly} of all` : null),
    actual: impossible ?? shownActual(finding, hidden),
  }
}

const VALUES = new Set(['expect_column_min_to_be_between', 'expect_column_max_to_be_between'])

/** The least or greatest value is a value of a row. */
function shownActual({ expectation, actual }: Finding, hidden: PrivateColumns | null): string | null {
  if (actual === null || !VALUES.has(expectation.type)) return actual
  const [column = ''] = columnsOf(expectation)
  const plain = column.replaceAll('_', '').toLowerCase()
  return hidden !== null && !hidden.fields.has(plain) ? actual : 'a value (hidden: PII)'
}
