import { parentPort } from 'node:worker_threads'
import { serveFlushes } from './adapters/workers/serve-flushes.ts'
import { createFlushWork } from './ingest/decode/flush-work.ts'

/** A thread's entry: batches in, judged rows and finished files out. It knows no settings, no log and no table. */
if (parentPort !== null) serveFlushes(parentPort, createFlushWork())
