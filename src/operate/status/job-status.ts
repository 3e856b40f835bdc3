import { KEEP_JOBS, type KeepJob } from '../../domain/settings.ts'
import type { World } from '../../ports/world.ts'
import { readJobNote, type JobNote } from './job-note.ts'
import { UP_JOBS_GROUP } from './model-status.ts'
import { pauseKey, type PauseNote } from './pause-note.ts'

/** A job that keeps tables small and fast. */
export interface JobStatus {
  readonly job: KeepJob
  /** `running`: a process of `up` does it when it is due; `off`: the settings say never. */
  readonly state: 'running' | 'idle' | 'paused' | 'off'
  readonly everyMs: number | null
  readonly last: JobNote | null
  /** Null where nobody will run it. */
  readonly nextMs: number | null
  readonly pauseReason: string | null
  readonly nextCommand: string | null
}

export async function jobStatuses(
  world: Pick<World, 'settings' | 'lake' | 'assignment' | 'clock'>,
  pauses: ReadonlyMap<string, PauseNote>,
): Promise<readonly JobStatus[]> {
  const held = await world.assignment.held(UP_JOBS_GROUP)
  return Promise.all(
    KEEP_JOBS.map(async (job): Promise<JobStatus> => {
      const { everyMs } = world.settings.jobs[job]
      const last = await readJobNote(world.lake, job)
      const paused = pauses.get(pauseKey({ kind: 'job', name: job })) ?? null
      const caredFor = held.has(job)
      const due = everyMs === null || last === null ? null : Date.parse(last.started_at) + everyMs
      return {
        job,
        state: everyMs === null ? 'off' : paused !== null ? 'paused' : caredFor ? 'running' : 'idle',
        everyMs,
        last,
        nextMs: caredFor && paused === null && due !== null ? Math.max(due, world.clock.nowMs()) : null,
        pauseReason: paused?.reason ?? null,
        nextCommand: paused !== null ? `sluice resume job.${job}` : null,
      }
    }),
  )
}
