import { SluiceError } from '../../domain/errors.ts'
import type { TopicLog } from '../../ports/topic-log.ts'

export interface NewsRequest {
  readonly log: Pick<TopicLog, 'fetch'>
  readonly topic: string
  /** Partition → the offset that would be read next. */
  readonly from: ReadonlyMap<number, bigint>
  readonly waitMs: number
  readonly signal: AbortSignal
}

/**
 * Waits until one of the partitions has something to say: a record, or that it cannot be read from there any more.
 * False where nothing came within `waitMs`, or the signal ended the wait. What came is only seen, not taken.
 */
export async function waitForNews({ log, topic, from, waitMs, signal }: NewsRequest): Promise<boolean> {
  const quit = new AbortController()
  const end = (): void => quit.abort()
  if (signal.aborted) return false
  signal.addEventListener('abort', end, { once: true })
  try {
    const looks = [...from].map(async ([partition, offset]) => {
      try {
        const seen = await log.fetch({ topic, partition, from: offset, maxBytes: 1, waitMs, signal: quit.signal })
        if (seen.kind === 'empty') return false
        end()
        return true
      } catch (error) {
        if (quit.signal.aborted) return false
        end()
        // Of this partition alone: whoever reads it stops it (I8).
        if (error instanceof SluiceError && error.row.retry === 'operator') return true
        throw error
      }
    })
    const seen = await Promise.allSettled(looks)
    const failed = seen.find((one) => one.status === 'rejected')
    if (failed !== undefined && !signal.aborted) throw failed.reason
    return seen.some((one) => one.status === 'fulfilled' && one.value)
  } finally {
    signal.removeEventListener('abort', end)
  }
}
