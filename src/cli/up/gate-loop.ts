import { hasUnjudged } from '../../operate/gate/bronze/bronze-gate.ts'
import { judgeLanded } from '../../operate/gate/bronze/judge-landed.ts'
import type { World } from '../../ports/world.ts'
import type { Duties } from './duties.ts'

export interface GateLoop {
  readonly world: World
  /** Bronze tables whose suites ask something of rows that landed. */
  readonly tables: readonly string[]
  readonly duties: Duties
  readonly turned: () => void
}

const LOOK_MS = 1_000
/** After a judgement that did not come about: the build's own judges in the meantime. */
const RETRY_MS = 30_000

/**
 * Judges what lanes commit, soon after, beside them: ingest never waits for a verdict. What the end of the process
 * leaves unjudged is judged by the next, or by the build that wants to read it.
 */
export async function followGate({ world, tables, duties, turned }: GateLoop): Promise<void> {
  const { clock, signal } = world
  const dueMs = new Map<string, number>()
  while (!signal.aborted) {
    turned()
    for (const table of tables) {
      const name = { layer: 'bronze', table } as const
      if (signal.aborted || !duties.holds(table) || (dueMs.get(table) ?? 0) > clock.nowMs()) continue
      if (!(await hasUnjudged(world, name))) continue
      const run = { runId: clock.newId(), traceId: clock.newId().replaceAll('-', '') }
      const report = await judgeLanded({ ...world, ...run }, name)
      if (report === null) dueMs.set(table, clock.nowMs() + RETRY_MS)
    }
    await clock.sleep(LOOK_MS, signal).catch(() => undefined)
  }
}
