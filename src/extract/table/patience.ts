import { classifyError } from '../../domain/errors.ts'
import { decideRetry } from '../../domain/source-circuit.ts'
import type { Clock } from '../../ports/clock.ts'

/** `one`: a source that failed before is tried, and not asked again. */
export type Tries = 'budget' | 'one'

export interface PatienceParts {
  readonly clock: Pick<Clock, 'sleep' | 'random'>
  readonly tries: Tries
  readonly signal: AbortSignal | undefined
}

/** The retries of one pass: each failure that may clear by itself is waited out while the budget lasts, else thrown. */
export class Patience {
  readonly #parts: PatienceParts
  #failures = 0
  #waitedMs = 0

  constructor(parts: PatienceParts) {
    this.#parts = parts
  }

  async ask<T>(what: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const answer = await what()
        this.served()
        return answer
      } catch (error) {
        await this.wait(error)
      }
    }
  }

  served(): void {
    this.#failures = 0
  }

  /** Returns when it is time to try again; throws the error where it is not worth it. */
  async wait(error: unknown): Promise<void> {
    const { clock, tries, signal } = this.#parts
    signal?.throwIfAborted()
    if (tries === 'one' || classifyError(error).row.retry !== 'transient') throw error
    this.#failures += 1
    const decision = decideRetry({ failures: this.#failures, waitedMs: this.#waitedMs }, clock.random())
    if (decision.kind === 'give_up') throw error
    this.#waitedMs += decision.waitMs
    await clock.sleep(decision.waitMs, signal)
  }
}
