import { availableParallelism } from 'node:os'
import { openInProcessPool } from '../adapters/workers/in-process-pool.ts'
import { openThreadPool } from '../adapters/workers/thread-pool.ts'
import type { Settings } from '../domain/settings.ts'
import { createFlushWork } from '../ingest/decode/flush-work.ts'
import type { DecodePool } from '../ports/decode-pool.ts'

type PoolSettings = Pick<Settings['ingest'], 'workers' | 'fetchBytes' | 'memoryLimitBytes'>

/** Records below which threads are not started: each begins cold, and a short pass ends before that pays. An estimate. */
const WORTH_THREADS = 1_000_000
const MOST_BY_ITSELF = 2
/** A fetch being judged, and one that waits for it. */
const FETCHES_IN_FLIGHT = 2
const IN_FLIGHT_SHARE_OF_MEMORY = 16

/** Threads as the settings say; where they say nothing, none for a small backlog and one a core, up to two, for a large one. */
export function openDecodePool(settings: PoolSettings, folder: () => Promise<string>): DecodePool {
  const { workers, fetchBytes, memoryLimitBytes } = settings
  let made: Promise<string> | null = null
  const folderOnce = (): Promise<string> => (made ??= folder())
  const inProcess = openInProcessPool({ openWork: createFlushWork(), folder: folderOnce })
  if (workers === 0) return inProcess
  const threads = workers ?? Math.min(MOST_BY_ITSELF, availableParallelism())
  const inFlightBytes = Math.min(fetchBytes * FETCHES_IN_FLIGHT, memoryLimitBytes / IN_FLIGHT_SHARE_OF_MEMORY)
  const threaded = openThreadPool({ entry: workerEntry(), threads, inFlightBytes, folder: folderOnce })
  const alone = workers === null && threads === 1
  return {
    openFlush(terms) {
      const small = alone || (workers === null && terms.expectedRecords < WORTH_THREADS)
      return (small ? inProcess : threaded).openFlush(terms)
    },
    async close() {
      await threaded.close()
    },
  }
}

/** Beside `compose` as source, and as `.js` in the package. */
function workerEntry(): URL {
  const here = import.meta.url
  return new URL(`../worker${here.slice(here.lastIndexOf('.'))}`, here)
}
