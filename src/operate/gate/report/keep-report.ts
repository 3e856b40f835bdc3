import type { JsonValue } from '../../../domain/dead-letter.ts'
import { labelOf, type Expectation } from '../../../domain/expectation.ts'
import { formatTableName, type TableName } from '../../../domain/identifier.ts'
import type { World } from '../../../ports/world.ts'
import { shownRow } from '../gate-letters.ts'
import { toAssertion, type GateJudgement } from './judgement.ts'
import { writeGateReport, type GateReport, type JudgedRange, type SampledRows } from './gate-report.ts'

/** Rows that block are kept as letters too, so there are more of them. */
const CRITICAL_ROWS = 20
const WARNING_ROWS = 5
/** Expectations whose rows a report keeps, and rows of each. */
const REPORTED_EXPECTATIONS = 20
const REPORTED_ROWS = 5
/** A warning that stands is looked up no more often than this: each look reads the table once more. */
const RESAMPLE_MS = 60 * 60 * 1000
const MAX_TEXT = 200

export type SampleBounds = (expectation: Expectation) => number

/** How many offending rows to ask for, of an expectation that failed. Pure. */
export function sampleBounds(before: GateReport | null, nowMs: number): SampleBounds {
  const known = new Set(
    before?.samples.filter(({ at }) => isRecent(at, nowMs)).map(({ expectation }) => expectation) ?? [],
  )
  let warnings = REPORTED_EXPECTATIONS
  return (expectation) => {
    if (expectation.severity === 'critical') return CRITICAL_ROWS
    if (known.has(labelOf(expectation)) || warnings === 0) return 0
    warnings -= 1
    return WARNING_ROWS
  }
}

function isRecent(at: string, nowMs: number): boolean {
  return nowMs - Date.parse(at) < RESAMPLE_MS
}

export interface ReportRequest {
  readonly world: Pick<World, 'lake' | 'clock' | 'runId'>
  readonly table: TableName
  readonly judgement: GateJudgement
  readonly before: GateReport | null
  readonly landed: JudgedRange | null
}

export async function keepReport(request: ReportRequest): Promise<GateReport> {
  const report = reportOf(request)
  await writeGateReport(request.world.lake, report)
  return report
}

function reportOf({ world, table, judgement, before, landed }: ReportRequest): GateReport {
  const { verdict, findings, hidden } = judgement
  const nowMs = world.clock.nowMs()
  const now = new Date(nowMs).toISOString()
  return {
    form: 1,
    table: formatTableName(table),
    outcome: verdict.outcome,
    reason: verdict.reason,
    since: before?.outcome === verdict.outcome ? before.since : now,
    judged_at: now,
    run_id: world.runId,
    assertions: findings.map((finding) => toAssertion(finding, hidden)),
    samples: samplesOf(judgement, before, now),
    landed,
  }
}

/** Those taken now; of a warning that still stands and was not asked again, those of the last time. */
function samplesOf({ findings, hidden }: GateJudgement, before: GateReport | null, now: string): SampledRows[] {
  const known = new Map(before?.samples.map((each) => [each.expectation, each]) ?? [])
  const samples = findings.flatMap(({ expectation, success, samples: rows }): SampledRows[] => {
    if (success) return []
    const label = labelOf(expectation)
    const kept = expectation.severity === 'warn' ? known.get(label) : undefined
    if (rows.length === 0) return kept === undefined ? [] : [kept]
    const shown = rows.slice(0, REPORTED_ROWS).map((row) => cut(shownRow(row, hidden)))
    return [{ expectation: label, at: now, rows: shown }]
  })
  return samples.slice(0, REPORTED_EXPECTATIONS)
}

/** Long texts are cut: a report is read whole at every look. */
function cut(value: JsonValue): JsonValue {
  if (typeof value === 'string') return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.slice(0, MAX_TEXT).map(cut)
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, cut(each)]))
}
