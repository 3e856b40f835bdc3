import { classifyError } from '../../../domain/errors.ts'
import { formatTableName, type TableName } from '../../../domain/identifier.ts'
import type { GateReport } from '../report/gate-report.ts'
import { landedExpectations } from '../expectations-of.ts'
import type { GateWorld } from '../judge-staged.ts'

/**
 * Judges what landed in a bronze table and no verdict covers, after its commit. Never throws and never keeps ingest from
 * anything: rows that could not be judged are judged before a model reads them. Null where nothing is asked of the table,
 * or it has no rows, or it could not be judged.
 */
export async function judgeLanded(world: GateWorld, table: TableName): Promise<GateReport | null> {
  // The gate brings what judges models along: loaded only where there is something to judge.
  if (landedExpectations(table.table, world.settings.suites).length === 0) return null
  try {
    const { BronzeGate, openBronze } = await import('./bronze-gate.ts')
    const gate = new BronzeGate(world, world.settings.suites)
    const input = await openBronze(world, table)
    return input === null ? null : await gate.verdict(input)
  } catch (error) {
    const { message, where } = classifyError(error)
    const { runId, traceId, events } = world
    const name = formatTableName(table)
    events.emit({
      runId,
      traceId,
      jobName: `gate:${name}`,
      type: 'warning',
      message: `${name} could not be judged after its commit, and is before a model reads it: ${message}`,
      where: { ...where, table: name },
    })
    return null
  }
}
