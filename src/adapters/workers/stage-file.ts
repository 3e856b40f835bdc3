import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import type { FlushWork, StageOrder, StagedRows } from '../../ports/decode-pool.ts'

/**
 * Runs the writing of one file step by step: each step writes what the rows gave by then. Synchronous, since a thread of
 * the pool has nothing else to do; not synced, since whoever takes the file makes it durable.
 */
export function* stageFile(work: FlushWork, order: StageOrder, localFile: string): Generator<void, StagedRows | null> {
  let file: number | null = null
  let bytes = 0
  try {
    const steps = work.stage(order)
    for (;;) {
      const step = steps.next()
      if (step.done === true) return step.value === null ? null : { ...step.value, localFile, bytes }
      for (const chunk of step.value) {
        file ??= openSync(localFile, 'wx')
        for (let at = 0; at < chunk.length;) at += writeSync(file, chunk, at)
        bytes += chunk.length
      }
      yield
    }
  } finally {
    if (file !== null) closeSync(file)
  }
}

/** A file that was moved away is gone already. */
export function removeStaged(localFile: string): void {
  rmSync(localFile, { force: true })
}
