import type { ErrorCode } from '../../domain/errors.ts'
import type { ObjectStore } from '../../ports/object-store.ts'

/**
 * How a job of `up` went last, kept under `_status/jobs/<job>.json`: for `status`, and so that a process that begins
 * does not do again what another did a moment ago. A courtesy: without it a job only comes sooner.
 */
export interface JobNote {
  readonly form: 1
  readonly job: string
  readonly run_id: string
  /** ISO 8601. */
  readonly started_at: string
  readonly ended_at: string
  /** `partial`: a budget or the end of the process came first; `failed`: on some table. */
  readonly outcome: 'done' | 'partial' | 'failed'
  /** Of the first table that failed. */
  readonly code: ErrorCode | null
  readonly message: string | null
  /** Tables that were looked at. */
  readonly tables: number
  /** Files that went, and their bytes. */
  readonly files: number
  readonly bytes: number
  /** Where the next run begins; null: with the first. */
  readonly next_table: string | null
}

const FOLDER = '_status/jobs/'

/** Null where it never ran, or the note cannot be read. */
export async function readJobNote(lake: ObjectStore, job: string): Promise<JobNote | null> {
  const bytes = await lake.read(notePath(job))
  if (bytes === null) return null
  try {
    const note = JSON.parse(Buffer.from(bytes).toString('utf8')) as JobNote
    return note.form === 1 && !Number.isNaN(Date.parse(note.started_at)) ? note : null
  } catch {
    return null
  }
}

export function writeJobNote(lake: ObjectStore, note: JobNote): Promise<void> {
  return lake.put(notePath(note.job), Buffer.from(`${JSON.stringify(note)}\n`))
}

function notePath(job: string): string {
  return `${FOLDER}${job}.json`
}
