import { openInProcessPool } from '../adapters/workers/in-process-pool.ts'
import { openThreadPool } from '../adapters/workers/thread-pool.ts'
import type { Settings } from '../domain/settings.ts'
import { createFlushWork } from '../ingest/decode/flush-work.ts'
import type { DecodePool } from '../ports/decode-pool.ts'

type PoolSettings = Pick<Settings['ingest'], 'workers' | 'fetchBytes' | 'memoryLimitBytes'>

/** A fetch being judged, and one that waits for it. */
const FETCHES_IN_FLIGHT = 2
const IN_FLIGHT_SHARE_OF_MEMORY = 16

/** Threads as the settings say: each begins cold, so that a process without one is the default (docs/ingest.md). */
export function openDecodePool(settings: PoolSettings, folder: () => Promise<string>): DecodePool {
  const { workers: threads, fetchBytes, memoryLimitBytes } = settings
  let made: Promise<string> | null = null
  const folderOnce = (): Promise<string> => (made ??= folder())
  if (threads === 0) return openInProcessPool({ openWork: createFlushWork(), folder: folderOnce })
  const inFlightBytes = Math.min(fetchBytes * FETCHES_IN_FLIGHT, memoryLimitBytes / IN_FLIGHT_SHARE_OF_MEMORY)
  return openThreadPool({ entry: workerEntry(), threads, inFlightBytes, folder: folderOnce })
}

/** Beside `compose` as source, and as `.js` in the package. */
function workerEntry(): URL {
  const here = import.meta.url
  return new URL(`../worker${here.slice(here.lastIndexOf('.'))}`, here)
}
