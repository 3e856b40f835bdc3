import PQueue from 'p-queue'
import { formatTableName } from '../../domain/identifier.ts'
import { HeldBytes } from '../../ingest/follow/held-bytes.ts'
import { expireLetters } from '../../operate/expire-letters.ts'
import { BUILD_JOB, UP_JOBS_GROUP } from '../../operate/status/model-status.ts'
import { UP_SOURCES_GROUP } from '../../operate/status/source-status.ts'
import type { World } from '../../ports/world.ts'
import { landedExpectations } from '../../operate/gate/expectations-of.ts'
import { loadModels } from '../../settings/model-file.ts'
import { buildPass } from '../pass.ts'
import { followSource } from './connector-loop.ts'
import { Duties } from './duties.ts'
import { followGate } from './gate-loop.ts'
import { ingestLane } from './ingest-loop.ts'
import { runJobs, type Job } from './job-loop.ts'
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
const EXPIRE_EVERY_MS = 3_600_000

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
  const jobs = declareJobs(world)
  const duties = new Duties(
    world,
    UP_JOBS_GROUP,
    jobs.map(({ name }) => name),
  )
  const queue = new PQueue({ concurrency: JOBS_AT_ONCE })
  const loop = { name: 'jobs', run: () => runJobs({ world, jobs, duties, queue, turned: () => turned('jobs') }) }
  return { loops: [loop, { name: 'duties of jobs', run: () => duties.watch() }], duties: [duties] }
}

function declareJobs({ settings }: World): Job[] {
  return [
    {
      name: BUILD_JOB,
      everyMs: settings.jobs.build.everyMs,
      tables: () => loadModels(settings.paths.models).map(formatTableName),
      run: async (world) => void (await buildPass(world, { select: [], fullRefresh: false, dryRun: false })),
    },
    {
      name: 'expire letters',
      everyMs: EXPIRE_EVERY_MS,
      tables: () => [],
      run: async (world) => {
        for (const table of settings.tables.keys()) if (!world.signal.aborted) await expireLetters(world, table)
      },
    },
  ]
}
