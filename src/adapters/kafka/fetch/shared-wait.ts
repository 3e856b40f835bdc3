import { partitionKey } from '../../../domain/position.ts'
import type { Clock } from '../../../ports/clock.ts'
import type { Node } from '../wire/any-broker.ts'
import type { WireFetcher, WireWant } from './wire-fetcher.ts'

/** One request waits no longer than this, so that partitions that begin to wait join in. */
const ROUND_MS = 500

interface Waiting {
  readonly want: WireWant
  readonly deadlineMs: number
  readonly settle: (outcome: 'news' | 'late' | { readonly failed: unknown }) => void
}

/**
 * All that waits for news of one broker waits in one request. Tells only that there is something to be fetched, or that
 * the place cannot be read: what came is dropped, and fetched by whoever waited.
 */
export class SharedWait {
  readonly #fetcher: WireFetcher
  readonly #clock: Clock
  readonly #waiting = new Map<string, Set<Waiting>>()

  constructor(fetcher: WireFetcher, clock: Clock) {
    this.#fetcher = fetcher
    this.#clock = clock
  }

  /** True where there is news; false where none came in time. Rejects with what the broker did, or the signal's reason. */
  wait(
    node: Node,
    want: WireWant,
    { waitMs, signal }: { waitMs: number; signal?: AbortSignal | undefined },
  ): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const key = `${node.host}:${node.port}`
      const group = this.#waiting.get(key) ?? new Set()
      const end = (): void => {
        group.delete(waiting)
        signal?.removeEventListener('abort', abort)
      }
      const abort = (): void => {
        end()
        // eslint-disable-next-line typescript/prefer-promise-reject-errors -- the reason is the caller's own
        reject(signal?.reason)
      }
      const waiting: Waiting = {
        want,
        deadlineMs: this.#clock.nowMs() + waitMs,
        settle: (outcome) => {
          end()
          if (typeof outcome === 'object')
            reject(outcome.failed instanceof Error ? outcome.failed : new Error('failed'))
          else resolve(outcome === 'news')
        },
      }
      if (signal?.aborted === true) return abort()
      signal?.addEventListener('abort', abort, { once: true })
      group.add(waiting)
      if (this.#waiting.has(key)) return undefined
      this.#waiting.set(key, group)
      return void this.#rounds(node, key, group)
    })
  }

  async #rounds(node: Node, key: string, group: Set<Waiting>): Promise<void> {
    // Those that begin to wait in this turn of the event loop are in the first round.
    await Promise.resolve()
    while (group.size > 0) {
      const nowMs = this.#clock.nowMs()
      for (const waiting of group) if (waiting.deadlineMs <= nowMs) waiting.settle('late')
      const round = Map.groupBy(group, ({ want }) => partitionKey(want))
      if (round.size === 0) break
      const waitMs = Math.min(ROUND_MS, ...[...group].map(({ deadlineMs }) => Math.ceil(deadlineMs - nowMs)))
      try {
        // Two that wait at different places of one partition: there is news for the first, or for both.
        const wants = [...round.values()].map((all) =>
          all.map(({ want }) => want).reduce((a, b) => (a.from < b.from ? a : b)),
        )
        const { partitions } = await this.#fetcher.fetch(node, wants, { waitMs, lane: 'wait' })
        for (const answer of partitions) {
          if (answer.errorCode === 0 && answer.wire.length === 0) continue
          for (const waiting of round.get(partitionKey(answer)) ?? []) waiting.settle('news')
        }
      } catch (error) {
        for (const all of round.values()) for (const waiting of all) waiting.settle({ failed: error })
      }
    }
    this.#waiting.delete(key)
  }
}
