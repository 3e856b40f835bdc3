import { SluiceError } from '../../../domain/errors.ts'
import { labelOf } from '../../../domain/expectation.ts'
import { formatTableName, type TableName } from '../../../domain/identifier.ts'
import { decideGate, isNamed } from '../../../quality/verdict.ts'
import type { Bypass } from '../../../transform/build.ts'
import type { Suites } from '../expectations-of.ts'
import type { GateWorld } from '../judge-staged.ts'
import { toAssertion } from '../report/judgement.ts'
import { checkBypass, type ReleaseOutcome } from '../release-staged.ts'
import { readGateReport } from '../report/gate-report.ts'
import { keepBypassNote } from '../report/bypass-note.ts'
import { acceptRows } from './accept-rows.ts'
import { BronzeGate, openBronze } from './bronze-gate.ts'

export interface BronzeRequest {
  readonly world: GateWorld
  readonly suites: Suites
  readonly bypass: Bypass | null
  readonly dryRun: boolean
}

/**
 * Judges again the rows of a bronze table that were not let through yet, by the suite as it is now. What passes, or what
 * a person lets pass, is open to the models from here on.
 */
export async function gateBronze(request: BronzeRequest, table: TableName): Promise<ReleaseOutcome> {
  const { world, suites, bypass, dryRun } = request
  const name = formatTableName(table)
  const input = await openBronze(world, table)
  if (input === null) throw new SluiceError('TABLE_UNKNOWN', `${name} has no rows yet`, { where: { table: name } })
  const gate = new BronzeGate(world, suites)
  const before = await readGateReport(world.lake, name)
  const judgement = await gate.look(input, before)
  const { findings, verdict, hidden } = judgement
  const assertions = findings.map((finding) => toAssertion(finding, hidden))
  const base = { table: name, rows: 0, reason: verdict.reason, bypassed: [], version: null, assertions, error: null }
  if (bypass !== null) checkBypass(name, bypass, findings)
  const named = bypass === null ? [] : verdict.blocking.filter((each) => isNamed(each, bypass.expectations))
  if (verdict.blocking.length > named.length) {
    if (!dryRun) await gate.keep(input, before, judgement)
    const error = new SluiceError('GATE_BLOCKED', `${name}: ${verdict.reason}`, { where: { table: name } })
    return { ...base, outcome: 'blocked', error }
  }
  if (bypass === null || named.length === 0) {
    if (!dryRun) await gate.keep(input, before, judgement)
    return { ...base, outcome: 'passed' }
  }
  const bypassed = named.map(({ expectation }) => labelOf(expectation))
  if (dryRun) return { ...base, outcome: 'would_commit', bypassed }
  const accepted = { expectations: named.map(({ expectation }) => expectation), bypass }
  const version = await acceptRows(world, input, accepted)
  const at = new Date(world.clock.nowMs()).toISOString()
  const note = { form: 1, table: name, version, at, expectations: bypassed, reason: bypass.reason } as const
  await keepBypassNote(world.lake, { ...note, run_id: world.runId })
  const reason = `${verdict.reason}; let pass: ${bypass.reason}`
  await gate.keep(input, before, { ...judgement, verdict: { ...decideGate(findings, bypassed), reason } })
  return { ...base, outcome: 'committed', bypassed, version }
}
