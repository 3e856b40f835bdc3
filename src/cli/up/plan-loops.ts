import PQueue from 'p-queue'
import { HeldBytes } from '../../ingest/follow/held-bytes.ts'
import { UP_JOBS_GROUP } from '../../operate/status/model-status.ts'
import { UP_SOURCES_GROUP } from '../../operate/status/source-status.ts'
import type { World } from '../../ports/world.ts'
import { landedExpectations } from '../../operate/gate/expectations-of.ts'
import { followSource } from './connector-loop.ts'
import { Duties } from './duties.ts'
import { followGate } from './gate-loop.ts'
import { ingestLane } from './ingest-loop.ts'
import { declareJobs } from './jobs/declare-jobs.ts'
import { runJobs } from './jobs/job-loop.ts'
import { TableTurns } from './jobs/table-turns.ts'
import type { PartControls } from './part-controls.ts'

export interface Loop {
  readonly name: string
  /** Ends soon after the world's signal, with what it holds committed. */
  readonly run: () => Promise<void>
}

export interface LoopPlan {
  readonly loops: readonly Loop[]
  /** Left once the loops have ended. */
  readonly duties: readonly Duties[]
}

export interface PlanRequest {
  readonly world: World
  readonly controls: PartControls
  /** Called whenever the named loop comes round. */
  readonly turned: (name: string) => void
}

/** Sources read at once; each holds one append. */
const SOURCES_AT_ONCE = 4
/** One engine serves all jobs, call by call. */
const JOBS_AT_ONCE = 2
const UP_GATES_GROUP = 'up/gates'
/** Upkeep is of low priority: one table at a time. */
const UPKEEP_AT_ONCE = 1

/** One loop a source. Beyond the lease under which a source is read, one tells whose task it is to read it again. */
export function planConnectors({ world, controls, turned }: PlanRequest): LoopPlan {
  const { sources } = world.settings
  const duties = new Duties(world, UP_SOURCES_GROUP, [...sources.keys()])
  const queue = new PQueue({ concurrency: SOURCES_AT_ONCE })
  const loops = [...sources.values()].map((source): Loop => {
    const name = `source ${source.name}`
    const control = controls.add({ kind: 'source', name: source.name })
    return { name, run: () => followSource({ world, source, duties, control, queue, turned: () => turned(name) }) }
  })
  return { loops: [...loops, { name: 'duties of sources', run: () => duties.watch() }], duties: [duties] }
}

/** One loop a bronze table, which all share the memory limit, and one that judges what they commit. */
export function planIngest({ world, controls, turned }: PlanRequest): LoopPlan {
  const heldBytes = new HeldBytes()
  const loops = [...world.settings.tables.values()].map((table): Loop => {
    const name = `lane bronze.${table.table}`
    const control = controls.add({ kind: 'lane', name: `bronze.${table.table}` })
    return { name, run: () => ingestLane({ world, table, control, heldBytes, turned: () => turned(name) }) }
  })
  const judged = [...world.settings.tables.keys()].filter((table) => isJudged(world, table))
  if (judged.length === 0) return { loops, duties: [] }
  const name = 'gate of bronze'
  const duties = new Duties(world, UP_GATES_GROUP, judged)
  const gate = { name, run: () => followGate({ world, tables: judged, duties, turned: () => turned(name) }) }
  return { loops: [...loops, gate, { name: 'duties of gates', run: () => duties.watch() }], duties: [duties] }
}

function isJudged({ settings }: World, table: string): boolean {
  return landedExpectations(table, settings.suites).length > 0
}

export function planJobs({ world, turned }: PlanRequest): LoopPlan {
  const turns = new TableTurns()
  const jobs = declareJobs(world, turns)
  const duties = new Duties(
    world,
    UP_JOBS_GROUP,
    jobs.map(({ name }) => name),
  )
  const queue = new PQueue({ concurrency: JOBS_AT_ONCE })
  const upkeepQueue = new PQueue({ concurrency: UPKEEP_AT_ONCE })
  const run = { world, jobs, duties, queue, upkeepQueue, turns, turned: () => turned('jobs') }
  const loop = { name: 'jobs', run: () => runJobs(run) }
  return { loops: [loop, { name: 'duties of jobs', run: () => duties.watch() }], duties: [duties] }
}
