import { classifyError } from '../domain/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { AppendedRange, AppendRequest, SourceStateChange, TopicLog } from '../ports/topic-log.ts'

export interface AppendedOnce {
  readonly sequence: bigint
  /** Where the records are; none where the reply was lost. */
  readonly ranges: readonly AppendedRange[]
}

export interface AppendOnceRequest {
  readonly log: TopicLog
  readonly clock: Pick<Clock, 'sleep'>
  readonly request: AppendRequest & { readonly state: SourceStateChange }
}

const TRIES = 3
const FIRST_WAIT_MS = 200

/**
 * Appends, and finds out what became of an append whose reply was lost: the source's sequence tells (I9). Null where
 * another writer moved the source. Throws what the last try threw where the log stays away; whether that try happened
 * is then read from the log by the next run.
 */
export async function appendOnce({ log, clock, request }: AppendOnceRequest): Promise<AppendedOnce | null> {
  const { source, expectedSequence } = request.state
  for (let tried = 1; ; tried += 1) {
    try {
      const outcome = await log.append(request)
      return outcome.kind === 'appended' ? { sequence: expectedSequence + 1n, ranges: outcome.firsts } : null
    } catch (error) {
      if (tried >= TRIES || classifyError(error).row.retry !== 'transient') throw error
      await clock.sleep(FIRST_WAIT_MS * tried)
      const { sequence, entries } = await log.sourceState(source)
      if (sequence === expectedSequence) continue
      const ours =
        sequence === expectedSequence + 1n &&
        [...request.state.set].every(([name, value]) => (entries.get(name) ?? null) === value)
      return ours ? { sequence, ranges: [] } : null
    }
  }
}
