import type { Settings } from '../../domain/settings.ts'
import type { Clock } from '../../ports/clock.ts'
import type { EventSink } from '../../ports/event-sink.ts'
import type { LineageTransport } from '../../ports/lineage-transport.ts'
import { LineageBook } from './lineage-book.ts'

export interface LineageListener extends EventSink {
  /** Sends what waits, for a moment; what cannot be sent by then is lost, and said so. */
  close(): Promise<void>
}

export interface LineageOptions {
  readonly settings: Settings
  readonly namespace: string
  readonly transport: LineageTransport
  readonly clock: Pick<Clock, 'nowMs' | 'newId' | 'sleep'>
  /** Told of events that were given up, at most once a minute. */
  readonly onLoss: (lost: number, why: string) => void
}

const QUEUE_EVENTS = 10_000
const BATCH_EVENTS = 100
const TRIES = 3
const WAIT_MS = 500
const SEND_MS = 10_000
const CLOSE_MS = 5_000
const TELL_MS = 60_000

/**
 * Lineage as a listener: makes events, queues them, sends them in the background. Guarantee: whatever becomes of the
 * collector, the flow neither waits nor fails, and memory is bounded. Non-guarantee: that every event arrives; of an
 * outage the newest are given up.
 */
export function createLineageListener(options: LineageOptions): LineageListener {
  return new QueuedLineage(options)
}

class QueuedLineage implements LineageListener {
  readonly #options: LineageOptions
  readonly #book: LineageBook
  readonly #queue: string[] = []
  readonly #ending = new AbortController()
  #sending: Promise<void> | null = null
  #lost = 0
  #why = ''
  #toldMs = Number.NEGATIVE_INFINITY

  constructor(options: LineageOptions) {
    const { settings, namespace, clock } = options
    this.#options = options
    this.#book = new LineageBook({ settings, namespace, newId: () => clock.newId() })
  }

  emit(event: Parameters<EventSink['emit']>[0]): void {
    for (const made of this.#book.take(event, this.#options.clock.nowMs())) {
      if (this.#queue.length >= QUEUE_EVENTS) this.#lose(1, 'the queue is full')
      else this.#queue.push(JSON.stringify(made))
    }
    if (this.#queue.length > 0) this.#sending ??= this.#send()
  }

  async close(): Promise<void> {
    const { clock } = this.#options
    const done = new AbortController()
    const late = clock.sleep(CLOSE_MS, done.signal).then(
      () => this.#ending.abort(),
      () => undefined,
    )
    await this.#sending
    done.abort()
    await late
    this.#tell(true)
  }

  /** Never rejects. Ends when the queue is empty; the next event begins it again. */
  async #send(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, BATCH_EVENTS)
      const failure = await this.#try(batch)
      if (failure !== null) this.#lose(batch.length, failure)
    }
    this.#sending = null
  }

  async #try(batch: readonly string[]): Promise<string | null> {
    const { transport, clock } = this.#options
    let why = 'the process ended'
    for (let attempt = 1; attempt <= TRIES && !this.#ending.signal.aborted; attempt += 1) {
      try {
        await transport.send(batch, AbortSignal.any([this.#ending.signal, AbortSignal.timeout(SEND_MS)]))
        return null
      } catch (error) {
        why = error instanceof Error ? error.message : String(error)
      }
      await clock.sleep(WAIT_MS * attempt, this.#ending.signal).catch(() => undefined)
    }
    return why
  }

  #lose(count: number, why: string): void {
    this.#lost += count
    this.#why = why
    this.#tell(false)
  }

  #tell(last: boolean): void {
    const { clock, onLoss } = this.#options
    const nowMs = clock.nowMs()
    if (this.#lost === 0 || (!last && nowMs - this.#toldMs < TELL_MS)) return
    onLoss(this.#lost, this.#why)
    this.#toldMs = nowMs
    this.#lost = 0
  }
}
