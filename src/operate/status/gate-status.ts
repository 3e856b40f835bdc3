import { formatTableName, parseTableName } from '../../domain/identifier.ts'
import type { GateOutcome } from '../../domain/gate-result.ts'
import { openSnapshot } from '../../lake/snapshot.ts'
import type { World } from '../../ports/world.ts'
import { tableStore } from '../../transform/model-inputs.ts'
import { landedExpectations } from '../gate/expectations-of.ts'
import { readManifest } from '../gate/staged-manifest.ts'
import { listGateReports, type GateReport } from '../gate/report/gate-report.ts'

/** What a table's suite said last. */
export interface GateStatus {
  readonly table: string
  /** Null: it is asked something and was not judged yet. */
  readonly outcome: GateOutcome | null
  /** Since when the outcome is this; ISO 8601. */
  readonly since: string | null
  readonly judgedAt: string | null
  readonly reason: string
  /** Of a bronze table: the versions whose rows the verdict is about, `after` exclusive. */
  readonly after: number | null
  readonly to: number | null
  /** Of a bronze table: it has versions that no verdict covers yet; a build judges them before it reads them. */
  readonly unjudged: boolean
  readonly nextCommand: string | null
}

export type GatesWorld = Pick<World, 'settings' | 'lake' | 'clock'>

/** Tables that were judged, and bronze tables that are to be. */
export async function gateStatuses(world: GatesWorld): Promise<readonly GateStatus[]> {
  const reports = new Map((await listGateReports(world.lake)).map((report) => [report.table, report]))
  const found: GateStatus[] = []
  for (const name of world.settings.tables.keys()) {
    const table = formatTableName({ layer: 'bronze', table: name })
    const report = reports.get(table) ?? null
    reports.delete(table)
    if (landedExpectations(name, world.settings.suites).length > 0) found.push(await bronzeStatus(world, table, report))
  }
  for (const report of reports.values()) {
    if (!report.table.startsWith('bronze.')) found.push(await modelGateStatus(world, report))
  }
  return found
}

async function bronzeStatus({ lake }: GatesWorld, table: string, report: GateReport | null): Promise<GateStatus> {
  const version = (await openSnapshot(tableStore(lake, parseTableName(table))))?.version ?? null
  const to = report?.landed?.to ?? null
  return {
    ...told(table, report),
    after: report?.landed?.after ?? null,
    to,
    unjudged: version !== null && (to === null || to < version),
    nextCommand: report?.outcome === 'blocked' ? `sluice gate ${table}` : null,
  }
}

async function modelGateStatus({ lake, clock }: GatesWorld, report: GateReport): Promise<GateStatus> {
  const { table, outcome } = report
  const waits = outcome === 'blocked' && (await readManifest(lake, table, clock.nowMs())) !== null
  const nextCommand = outcome === 'blocked' ? `sluice ${waits ? 'gate' : 'build'} ${table}` : null
  return { ...told(table, report), after: null, to: null, unjudged: false, nextCommand }
}

function told(
  table: string,
  report: GateReport | null,
): Pick<GateStatus, 'table' | 'outcome' | 'since' | 'judgedAt' | 'reason'> {
  return {
    table,
    outcome: report?.outcome ?? null,
    since: report?.since ?? null,
    judgedAt: report?.judged_at ?? null,
    reason: report?.reason ?? '',
  }
}
