import { existsSync, writeFileSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { serveFlushes } from '../../../src/adapters/workers/serve-flushes.ts'
import { createFlushWork } from '../../../src/ingest/decode/flush-work.ts'
import { recordKey } from '../../../src/domain/record-batch.ts'
import type { OpenFlushWork } from '../../../src/ports/decode-pool.ts'

/** A worker that does its work until a record's key tells it how to end. */

const openWork = createFlushWork()

const mortal: OpenFlushWork = (terms) => {
  const work = openWork(terms)
  return {
    get heldBytes() {
      return work.heldBytes
    },
    take(batches, facts) {
      for (const batch of batches) {
        for (let i = 0; i < batch.count; i += 1) obey(Buffer.from(recordKey(batch, i) ?? []).toString('utf8'))
      }
      work.take(batches, facts)
    },
    fetchRoom: () => work.fetchRoom(),
    drop: (at) => work.drop(at),
    settle: () => work.settle(),
    close: () => work.close(),
    *stage(order) {
      if (terms.batchId === 'dies while it writes') process.exit(3)
      return yield* work.stage(order)
    },
  }
}

function obey(key: string): void {
  const [once = '', marker = ''] = key.split(' ')
  if (once === 'once' && !existsSync(marker)) {
    writeFileSync(marker, '')
    process.exit(9)
  }
  if (key === 'exit') process.exit(7)
  if (key === 'throw')
    setImmediate(() => {
      throw new Error('an error that nobody caught')
    })
  if (key === 'memory') {
    const kept: object[] = []
    for (;;) kept.push(Array.from({ length: 1_000 }, (_, i) => ({ i })))
  }
  if (key === 'sleep') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300)
}

if (parentPort !== null) serveFlushes(parentPort, mortal)
