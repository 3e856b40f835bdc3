import { classifyError, SluiceError } from '../../domain/errors.ts'
import { afterPass, circuitState, CLOSED, type Circuit } from '../../domain/source-circuit.ts'
import type { Clock } from '../../ports/clock.ts'
import type { SourceBatch } from '../../ports/source-connector.ts'
import type { Tries } from './patience.ts'

/** The circuit of one source in this process: what becomes of its passes decides whether there is a next one. */
export class CircuitBreaker {
  readonly #clock: Pick<Clock, 'nowMs' | 'random'>
  #circuit: Circuit = CLOSED

  constructor(clock: Pick<Clock, 'nowMs' | 'random'>) {
    this.#clock = clock
  }

  /** Throws SOURCE_UNAVAILABLE, without asking the source, while the circuit is open. */
  async *guard(source: string, pass: (tries: Tries) => AsyncIterable<SourceBatch>): AsyncGenerator<SourceBatch> {
    const state = circuitState(this.#circuit, this.#clock.nowMs())
    if (state === 'open') {
      const { failed, openUntilMs } = this.#circuit
      throw new SluiceError(
        'SOURCE_UNAVAILABLE',
        `source ${source} failed ${failed} passes in a row and is left alone until ${new Date(openUntilMs!).toISOString()}`,
        { where: { source }, hint: 'It is tried again then; a new process tries at once.' },
      )
    }
    try {
      yield* pass(state === 'half_open' ? 'one' : 'budget')
      this.#settle(true)
    } catch (error) {
      if (classifyError(error).row.retry === 'transient') this.#settle(false)
      throw error
    }
  }

  #settle(served: boolean): void {
    this.#circuit = afterPass(this.#circuit, served, { nowMs: this.#clock.nowMs(), random: this.#clock.random() })
  }
}
