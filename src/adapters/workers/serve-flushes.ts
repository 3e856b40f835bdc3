import type { MessagePort } from 'node:worker_threads'
import type { FlushWork, OpenFlushWork } from '../../ports/decode-pool.ts'
import type { RegisteredSchema } from '../../ports/schema-registry.ts'
import { packFailure, type FlushCall, type FlushReply } from './flush-messages.ts'
import { removeStaged, stageFile } from './stage-file.ts'
import { wholeBuffers } from './whole-buffers.ts'

interface ServedFlush {
  readonly work: FlushWork
  localFile: string | null
}

/** The thread's side: does what it is told, in order, and answers. What fails, fails its flush and no other. */
export function serveFlushes(port: MessagePort, openWork: OpenFlushWork): void {
  const flushes = new Map<number, ServedFlush>()
  const writers = new Map<number, RegisteredSchema>()
  const answer = (reply: FlushReply, transfer: ArrayBuffer[] = []): void => port.postMessage(reply, transfer)
  port.on('message', (call: FlushCall) => {
    const { flush } = call
    try {
      if (call.kind === 'open') {
        flushes.set(flush, { work: openWork(call.terms), localFile: null })
        return
      }
      if (call.kind === 'take') for (const [id, schema] of call.facts.writers) writers.set(id, schema)
      const served = flushes.get(flush)
      // It failed before; the other side knows.
      if (served === undefined) return
      const { work } = served
      switch (call.kind) {
        case 'take':
          work.take(call.batches, { ...call.facts, writers })
          answer({ kind: 'taken', flush, heldBytes: work.heldBytes })
          return
        case 'drop':
          work.drop(call.at)
          answer({ kind: 'dropped', flush, heldBytes: work.heldBytes })
          return
        case 'settle': {
          const settled = work.settle()
          const { lines, copies } = settled.letters
          const packed = copies.flatMap(({ bytes, lengths, timestampsMs }) => [bytes, lengths, timestampsMs])
          answer({ kind: 'settled', flush, settled }, wholeBuffers([...lines, ...packed]))
          return
        }
        case 'stage': {
          served.localFile = call.localFile
          const steps = stageFile(work, call.order, call.localFile)
          let step = steps.next()
          while (step.done !== true) step = steps.next()
          // What comes next may be held where these rows were.
          work.close()
          answer({ kind: 'staged', flush, staged: step.value })
          return
        }
        case 'close':
          if (served.localFile !== null) removeStaged(served.localFile)
          work.close()
          flushes.delete(flush)
      }
    } catch (error) {
      flushes.get(flush)?.work.close()
      flushes.delete(flush)
      answer({ kind: 'failed', flush, failure: packFailure(error) })
    }
  })
}
