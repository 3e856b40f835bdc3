import { classifyError, type SluiceError } from '../../../domain/errors.ts'
import { formatTableName } from '../../../domain/identifier.ts'
import type { KeepJob } from '../../../domain/settings.ts'
import { listTables } from '../../../operate/list-tables.ts'
import { readJobNote, writeJobNote, type JobNote } from '../../../operate/status/job-note.ts'
import { pauseKey, readPauseNotes } from '../../../operate/status/pause-note.ts'
import type { World } from '../../../ports/world.ts'
import { nap } from '../nap.ts'
import type { TableTurns } from './table-turns.ts'

/** What is left of a run's budget as a table is begun. */
export interface KeepBudget {
  readonly untilMs: number
  readonly bytes: number
}

export interface Kept {
  /** Files that went, and their bytes: what counts against the budget. */
  readonly files: number
  readonly bytes: number
  /** False where the budget ended it. */
  readonly isWhole: boolean
}

export interface KeepRequest {
  readonly world: World
  readonly job: KeepJob
  readonly maxMs: number
  readonly maxBytes: number
  readonly turns: TableTurns
  readonly keep: (table: string, budget: KeepBudget) => Promise<Kept>
}

/**
 * One run over the lake's tables, one after the other, within a budget of time and bytes; the next run begins where
 * this one ended. A table whose lane is paused is left alone, one that a build has or waits for is waited for. A table
 * that fails is told, noted, and keeps no other from its turn.
 */
export async function keepTables(request: KeepRequest): Promise<JobNote> {
  const { world, job, maxBytes } = request
  const { clock, lake, events, runId, traceId, signal } = world
  const startedMs = clock.nowMs()
  const untilMs = startedMs + request.maxMs
  const before = await readJobNote(lake, job)
  const pauses = await readPauseNotes(lake)
  const names = (await listTables(lake)).map(formatTableName)
  const tables = rotate(names, before?.next_table ?? null).filter(
    (name) => !pauses.has(pauseKey({ kind: 'lane', name })),
  )
  const sum = { tables: 0, files: 0, bytes: 0 }
  let failed: SluiceError | null = null
  let next: string | null = null
  for (const table of tables) {
    const giveBack = await waitForTurn(request, table, untilMs)
    if (giveBack === null || sum.bytes >= maxBytes) {
      giveBack?.()
      next = table
      break
    }
    try {
      const kept = await request.keep(table, { untilMs, bytes: maxBytes - sum.bytes })
      sum.files += kept.files
      sum.bytes += kept.bytes
      if (!kept.isWhole) next = table
    } catch (thrown) {
      const error = classifyError(thrown)
      if (signal.aborted) next = table
      else if (isOurs(error)) {
        failed ??= error
        const { message, where } = error
        events.emit({ runId, traceId, jobName: job, type: 'warning', message: `${job}: ${message}`, where })
      }
    } finally {
      giveBack()
    }
    sum.tables += 1
    if (next !== null) break
  }
  const endedMs = clock.nowMs()
  const outcome = failed !== null ? 'failed' : next !== null ? 'partial' : 'done'
  const note: JobNote = {
    form: 1,
    job,
    run_id: runId,
    started_at: new Date(startedMs).toISOString(),
    ended_at: new Date(endedMs).toISOString(),
    outcome,
    code: failed?.code ?? null,
    message: failed?.message ?? null,
    ...sum,
    next_table: next,
  }
  await writeJobNote(lake, note)
  events.emit({ runId, traceId, jobName: job, type: 'upkeep.done', job, outcome, ...sum, ms: endedMs - startedMs })
  return note
}

/** A foreign table in the lake that only its own engine may write to is nobody's failure; nor is one that is busy. */
function isOurs({ code }: SluiceError): boolean {
  return code !== 'TABLE_UNSUPPORTED' && code !== 'COMMIT_CONTENDED'
}

async function waitForTurn(
  { world, turns }: KeepRequest,
  table: string,
  untilMs: number,
): Promise<(() => void) | null> {
  while (!world.signal.aborted && world.clock.nowMs() < untilMs) {
    const giveBack = turns.take(table)
    if (giveBack !== null) return giveBack
    await nap(world, Infinity)
  }
  return null
}

function rotate(names: readonly string[], first: string | null): readonly string[] {
  const at = first === null ? -1 : names.indexOf(first)
  return at <= 0 ? names : [...names.slice(at), ...names.slice(0, at)]
}
