import { join } from 'node:path'
import type { DecodePool } from '../../ports/decode-pool.ts'
import { Thread } from './thread.ts'
import { ThreadFlush } from './thread-flush.ts'

export interface ThreadPoolOptions {
  /** The module that a thread begins with; it serves by `serveFlushes`. */
  readonly entry: URL
  readonly threads: number
  /** What may be handed to one thread and not be judged yet. */
  readonly inFlightBytes: number
  /** Where files wait to be taken. Asked for at first use. */
  readonly folder: () => Promise<string>
}

/** Threads start at first use or when it is expected, about 50 ms each, and live as long as the pool; one that died is replaced. */
export function openThreadPool({ entry, threads, inFlightBytes, folder }: ThreadPoolOptions): DecodePool {
  const running: (Thread | undefined)[] = Array.from({ length: threads }, () => undefined)
  const threadAt = (slot: number): Thread => {
    const known = running[slot]
    if (known !== undefined && !known.ended) return known
    const fresh = new Thread(entry)
    running[slot] = fresh
    return fresh
  }
  let flushes = 0
  /** Threads that have a part in any flush: a partition that is alone stays where code is warm. */
  let used = 0
  return {
    worksBeside: true,
    expect(partitions) {
      used = Math.max(used, Math.min(threads, partitions))
      for (let slot = 0; slot < Math.min(threads, partitions); slot += 1) threadAt(slot)
    },
    openFlush(terms) {
      flushes += 1
      const flush = flushes
      const localFile = async (slot: number): Promise<string> => join(await folder(), `flush-${flush}-${slot}.parquet`)
      // The thread that begins has a fetch more than the others as often as not: each flush begins with the next one.
      const firstSlot = flush % (used === 0 ? threads : used)
      return new ThreadFlush({ flush, terms, threads, firstSlot, inFlightBytes, threadAt, localFile })
    },
    async close() {
      await Promise.all(running.filter((thread) => thread !== undefined).map((thread) => thread.close()))
    },
  }
}
