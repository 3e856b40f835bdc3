import type { GateOutcome } from '../domain/gate-result.ts'
import { labelOf } from '../domain/expectation.ts'
import { describeFinding, type Finding } from './finding.ts'

/** What a gate decides about a table. */
export interface GateVerdict {
  readonly outcome: GateOutcome
  /** Critical ones that failed and that nobody let pass. */
  readonly blocking: readonly Finding[]
  /** Critical ones that failed and that a person let pass. */
  readonly bypassed: readonly Finding[]
  /** Warnings that failed, and critical ones of which only young rows would. */
  readonly warnings: readonly Finding[]
  /** One sentence: why it is blocked, or what is told of. */
  readonly reason: string
}

/** Pure. `bypass` names expectations, as `expect_…` or `expect_…(column)`. */
export function decideGate(findings: readonly Finding[], bypass: readonly string[] = []): GateVerdict {
  const failed = findings.filter((each) => !each.success && each.expectation.severity === 'critical')
  const bypassed = failed.filter((each) => isNamed(each, bypass))
  const blocking = failed.filter((each) => !isNamed(each, bypass))
  const warnings = findings.filter(
    (each) => !failed.includes(each) && (!each.success || (each.young > 0 && each.expectation.severity === 'critical')),
  )
  const outcome =
    blocking.length > 0 ? 'blocked' : bypassed.length > 0 ? 'bypassed' : warnings.length > 0 ? 'warned' : 'passed'
  const told = blocking.length > 0 ? blocking : bypassed.length > 0 ? bypassed : warnings
  return { outcome, blocking, bypassed, warnings, reason: told.map(describeFinding).join('; ') }
}

export function isNamed({ expectation }: Finding, names: readonly string[]): boolean {
  return names.some((name) => name === expectation.type || name === labelOf(expectation))
}
