/** When things that come round are due. Functions of values. */

export interface JobState {
  readonly name: string
  /** Tables that it writes: of two jobs of one table, one waits for the other. */
  readonly tables: readonly string[]
  readonly dueMs: number
  readonly running: boolean
}

/** Jobs that may begin now: due, not under way, and none of their tables being worked on. The longest overdue first. */
export function selectDue(
  jobs: readonly JobState[],
  nowMs: number,
  /** Tables that are worked on by no job of these. */
  taken: ReadonlySet<string> = new Set(),
): string[] {
  const busy = new Set([...jobs.filter(({ running }) => running).flatMap(({ tables }) => tables), ...taken])
  const chosen: string[] = []
  for (const job of jobs.toSorted((a, b) => a.dueMs - b.dueMs)) {
    if (job.running || job.dueMs > nowMs || job.tables.some((table) => busy.has(table))) continue
    chosen.push(job.name)
    for (const table of job.tables) busy.add(table)
  }
  return chosen
}

export interface Round {
  readonly startedMs: number
  readonly nowMs: number
  readonly everyMs: number
  /** In [0, 1). */
  readonly random: number
}

/** Shorter than this nothing comes round, whatever the settings say: a loop without a pause starves the others. */
export const SHORTEST_ROUND_MS = 100
const JITTER = 0.1

/**
 * Start to start, with up to a tenth more so that processes do not march in step. What took longer than its interval
 * is due again at once, and rounds that were missed are not made up for.
 */
export function nextDueMs({ startedMs, nowMs, everyMs, random }: Round): number {
  const wholeMs = Math.max(SHORTEST_ROUND_MS, everyMs)
  return Math.max(nowMs, startedMs + wholeMs + random * wholeMs * JITTER)
}
