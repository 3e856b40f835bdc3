import { Worker } from 'node:worker_threads'
import { SluiceError } from '../../domain/errors.ts'
import { unpackFailure, type FlushCall, type FlushReply } from './flush-messages.ts'

export type ThreadReply = Exclude<FlushReply, { kind: 'failed' }>

/** Told what comes back for a flush. */
export interface FlushListener {
  answered(thread: Thread, reply: ThreadReply): void
  failed(error: Error): void
}

/** Heap of a thread, without its buffers: enough for schemas, code and letters, and an end before the machine's. */
const LIMITS = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 12 }

/** One thread and the flushes that have a part on it. A thread that ended is never used again. */
export class Thread {
  readonly #worker: Worker
  readonly #listeners = new Map<number, FlushListener>()
  /** Writer schemas that it was told. */
  readonly knownWriters = new Set<number>()
  /** Bytes handed over and not answered for. */
  inFlightBytes = 0
  #ended = false

  constructor(entry: URL) {
    this.#worker = new Worker(entry, { name: 'sluice-decode', resourceLimits: LIMITS })
    let cause: unknown = null
    this.#worker.on('message', (reply: FlushReply) => {
      const listener = this.#listeners.get(reply.flush)
      if (reply.kind === 'failed') listener?.failed(unpackFailure(reply.failure))
      else listener?.answered(this, reply)
    })
    this.#worker.on('error', (error) => {
      cause = error
    })
    this.#worker.on('messageerror', (error) => {
      cause = error
      void this.#worker.terminate()
    })
    this.#worker.on('exit', (code) => this.#end(code, cause))
  }

  get ended(): boolean {
    return this.#ended
  }

  join(flush: number, listener: FlushListener): void {
    this.#listeners.set(flush, listener)
  }

  leave(flush: number): void {
    this.#listeners.delete(flush)
    this.send({ kind: 'close', flush })
  }

  /** Nothing happens on a thread that ended: its flushes were told. */
  send(call: FlushCall, transfer: readonly ArrayBuffer[] = []): void {
    if (!this.#ended) this.#worker.postMessage(call, transfer)
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #end(code: number, cause: unknown): void {
    this.#ended = true
    const why = cause instanceof Error ? cause.message : `it ended with code ${code}`
    const error = new SluiceError('WORKER_DIED', `a worker thread died: ${why}`, { cause })
    for (const listener of this.#listeners.values()) listener.failed(error)
    this.#listeners.clear()
  }
}
