import type { ModelOutcome } from '../../../transform/build.ts'
import { formatTable } from '../../format-table.ts'
import type { GateReport } from '../../../operate/gate/report/gate-report.ts'
import type { LaneReport, SourceReport } from '../../pass.ts'

/** What a pass did, in the forms that `--json` fixes (DESIGN §1) and as tables for people. */

export function sourceForm(outcome: SourceReport): object {
  return {
    source: outcome.source,
    outcome: outcome.outcome,
    read: outcome.read,
    appended: outcome.appended,
    refused: outcome.refused,
  }
}

export function tableForm(report: LaneReport): object {
  const { table, read, landed, quarantined, skipped, version, paused, gate } = report
  return {
    table,
    read,
    landed,
    quarantined,
    skipped,
    version,
    ...(paused === true ? { paused } : {}),
    ...(gate === undefined ? {} : { gate: gateForm(gate) }),
  }
}

export function gateForm({ outcome, assertions, reason }: GateReport): object {
  return { outcome, expectations: assertions.length, reason }
}

export function modelForm({ model, outcome, mode, reason, rows, version, gate }: ModelOutcome): object {
  const judged =
    gate === undefined ? null : { outcome: gate.outcome, expectations: gate.expectations, reason: gate.reason }
  return { model, outcome, rows, version, mode, reason, gate: judged }
}

export function sourceText(outcomes: readonly SourceReport[]): string {
  if (outcomes.length === 0) return 'no sources'
  return formatTable({
    heads: ['source', 'outcome', 'read', 'appended', 'refused'],
    rows: outcomes.map((each) => [each.source, each.outcome, each.read, each.appended, each.refused]),
  })
}

export function tableText(reports: readonly LaneReport[]): string {
  if (reports.length === 0) return 'no bronze tables'
  const table = formatTable({
    heads: ['table', 'read', 'landed', 'quarantined', 'skipped', 'version'],
    rows: reports.map((each) => [each.table, each.read, each.landed, each.quarantined, each.skipped, each.version]),
  })
  const told = reports.flatMap(({ gate }) => gateText(gate))
  return [table, ...told].join('\n')
}

export function gateText(gate: GateReport | undefined): readonly string[] {
  if (gate === undefined || gate.outcome === 'passed') return []
  const { table, outcome, reason } = gate
  const next = outcome === 'blocked' ? `; models that read it wait. next: sluice gate ${table}` : ''
  return [`${table}: gate ${outcome}: ${reason}${next}`]
}

/** Why, and what the gate tells of. */
function reasonText({ reason, gate }: ModelOutcome): string {
  return gate?.outcome === 'warned' ? `${reason}; warned: ${gate.reason}` : reason
}

export function modelText(outcomes: readonly ModelOutcome[]): string {
  if (outcomes.length === 0) return 'no models'
  return formatTable({
    heads: ['model', 'outcome', 'mode', 'rows', 'version', 'reason'],
    rows: outcomes.map((each) => [each.model, each.outcome, each.mode, each.rows, each.version, reasonText(each)]),
    maxCell: 80,
  })
}
