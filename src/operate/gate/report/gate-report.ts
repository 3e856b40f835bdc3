import type { JsonValue } from '../../../domain/dead-letter.ts'
import type { GateAssertion, GateOutcome } from '../../../domain/gate-result.ts'
import { formatTableName, parseTableName } from '../../../domain/identifier.ts'
import type { ObjectStore } from '../../../ports/object-store.ts'

/**
 * What the last judgement of a table found, in `_gate/<layer.table>.json`: one file a table, replaced whole. Of a
 * bronze table it is also the verdict that decides whether models may read the rows (`landed`). Stored, so its form is
 * only ever extended.
 */
export interface GateReport {
  readonly form: 1
  /** `layer.table` */
  readonly table: string
  readonly outcome: GateOutcome
  readonly reason: string
  /** ISO 8601: since when the outcome is this. */
  readonly since: string
  readonly judged_at: string
  readonly run_id: string
  readonly assertions: readonly GateAssertion[]
  /** Of expectations that failed, warnings too: some of the offending rows, PII masked. */
  readonly samples: readonly SampledRows[]
  /** Null but of bronze tables. */
  readonly landed: JudgedRange | null
}

export interface SampledRows {
  /** `expect_…(column)` */
  readonly expectation: string
  /** ISO 8601: when they were taken. */
  readonly at: string
  readonly rows: readonly JsonValue[]
}

/** The rows that the verdict is about: those that versions after `after`, up to and with `to`, brought. */
export interface JudgedRange {
  readonly table_id: string
  /** Null: from the table's beginning. */
  readonly after: number | null
  readonly to: number
  /** Tells the suite that judged from another. */
  readonly suite: string
}

const FOLDER = '_gate/'

/** Null where nothing was judged yet; a file that cannot be read as a report counts as none. */
export async function readGateReport(lake: ObjectStore, table: string): Promise<GateReport | null> {
  const bytes = await lake.read(reportPath(table))
  const report = bytes === null ? null : parseReport(Buffer.from(bytes).toString('utf8'))
  return report?.table === table ? report : null
}

/** All of them, by table. */
export async function listGateReports(lake: ObjectStore): Promise<readonly GateReport[]> {
  const reports: GateReport[] = []
  for await (const { path } of lake.list(FOLDER)) {
    const bytes = path.endsWith('.json') ? await lake.read(path) : null
    const report = bytes === null ? null : parseReport(Buffer.from(bytes).toString('utf8'))
    if (report !== null) reports.push(report)
  }
  return reports
}

/** By table: critical expectations that failed when it was judged last. */
export async function criticalFailures(lake: ObjectStore): Promise<ReadonlyMap<string, number>> {
  const reports = await listGateReports(lake)
  return new Map(
    reports.map(({ table, assertions }) => [
      table,
      assertions.filter(({ severity, success }) => severity === 'critical' && !success).length,
    ]),
  )
}

/** Of two writers the last stands: a verdict is only ever trusted as far as its own range goes. */
export async function writeGateReport(lake: ObjectStore, report: GateReport): Promise<void> {
  await lake.put(reportPath(report.table), Buffer.from(`${JSON.stringify(report)}\n`, 'utf8'))
}

function reportPath(table: string): string {
  return `${FOLDER}${formatTableName(parseTableName(table))}.json`
}

const OUTCOMES: ReadonlySet<unknown> = new Set<GateOutcome>(['passed', 'warned', 'blocked', 'bypassed'])

function parseReport(text: string): GateReport | null {
  try {
    const report = JSON.parse(text) as GateReport
    const whole =
      report.form === 1 &&
      OUTCOMES.has(report.outcome) &&
      typeof report.table === 'string' &&
      Array.isArray(report.assertions) &&
      Array.isArray(report.samples) &&
      (report.landed === null || Number.isSafeInteger(report.landed.to))
    return whole ? report : null
  } catch {
    return null
  }
}
