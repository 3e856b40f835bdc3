import { formatTableName } from '../../../domain/identifier.ts'
import { KEEP_JOBS, type KeepJob, type Settings } from '../../../domain/settings.ts'
import { measureLake, readCostNote } from '../../../operate/cost/lake-cost.ts'
import { expireLetters } from '../../../operate/expire-letters.ts'
import { optimizeTable } from '../../../operate/optimize/optimize-table.ts'
import { readJobNote } from '../../../operate/status/job-note.ts'
import { BUILD_JOB } from '../../../operate/status/model-status.ts'
import { pauseKey, readPauseNotes } from '../../../operate/status/pause-note.ts'
import { prepareVacuum } from '../../../operate/vacuum/prepare-vacuum.ts'
import { vacuumTable } from '../../../operate/vacuum/vacuum-table.ts'
import type { World } from '../../../ports/world.ts'
import { loadModels } from '../../../settings/model-file.ts'
import { buildPass } from '../../pass.ts'
import type { Job } from './job-loop.ts'
import { keepTables, type KeepBudget, type Kept } from './keep-tables.ts'
import type { TableTurns } from './table-turns.ts'

const EXPIRE_EVERY_MS = 3_600_000
/** It lists every table whole. */
const COST_EVERY_MS = 6 * 3_600_000
/** A job that never ran waits for this part of its interval: a process that begins has other things to do. */
const FIRST_PART = 0.1

/** What `up` does by interval. */
export function declareJobs({ settings }: World, turns: TableTurns): Job[] {
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
    {
      name: 'cost',
      everyMs: COST_EVERY_MS,
      isUpkeep: true,
      tables: () => [],
      firstMs: COST_EVERY_MS * FIRST_PART,
      dueMs: async ({ lake }) => {
        const note = await readCostNote(lake)
        return note === null ? null : Date.parse(note.at) + COST_EVERY_MS
      },
      run: async (world) => void (await measureLake(world)),
    },
    ...KEEP_JOBS.flatMap((job) => declareUpkeep(settings, job, turns)),
  ]
}

function declareUpkeep({ jobs }: Settings, job: KeepJob, turns: TableTurns): Job[] {
  const { everyMs, maxMs, maxBytes } = jobs[job]
  if (everyMs === null) return []
  const keep = job === 'optimize' ? optimizeOne : vacuumOne
  return [
    {
      name: job,
      everyMs,
      isUpkeep: true,
      // It takes them one by one, by their turn.
      tables: () => [],
      dueMs: async (world) => {
        const last = await readJobNote(world.lake, job)
        if (last === null) return null
        return Date.parse(last.started_at) + everyMs
      },
      firstMs: everyMs * FIRST_PART,
      isPaused: async ({ lake }) => (await readPauseNotes(lake)).has(pauseKey({ kind: 'job', name: job })),
      run: async (world) =>
        void (await keepTables({
          world,
          job,
          maxMs,
          maxBytes,
          turns,
          keep: (table, budget) => keep(world, table, budget),
        })),
    },
  ]
}

async function optimizeOne(world: World, table: string, { untilMs, bytes }: KeepBudget): Promise<Kept> {
  const { outcome, filesRemoved, bytesRemoved } = await optimizeTable(world, {
    table,
    zorder: [],
    budget: { maxBytes: bytes, untilMs },
  })
  return { files: filesRemoved, bytes: bytesRemoved, isWhole: outcome !== 'partly' }
}

async function vacuumOne(world: World, table: string, { untilMs, bytes }: KeepBudget): Promise<Kept> {
  const { retainMs, allowShort } = world.settings.jobs.vacuum
  const prepared = await prepareVacuum(world, { table, retainMs, allowShort })
  const { outcome, gone } = await vacuumTable(world, prepared, { ms: untilMs - world.clock.nowMs(), bytes })
  return { ...gone, isWhole: outcome !== 'partial' }
}
