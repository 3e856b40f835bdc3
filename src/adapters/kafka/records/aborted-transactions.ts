import type { BatchFrame } from './batch-frame.ts'

/** As a fetch answers them: the transactions that were aborted and overlap what it brought. */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: bigint
}

/**
 * Which batches belong to an aborted transaction. Kafka's own way: going forward through the batches, a transaction of
 * the list is open from its first offset on, and the producer's abort marker closes it. The list names also those that
 * began before the first batch, so no state is kept between fetches.
 */
export class AbortedTransactions {
  readonly #listed: readonly AbortedTransaction[]
  readonly #open = new Set<bigint>()
  #seen = 0

  constructor(listed: readonly AbortedTransaction[]) {
    this.#listed = listed.toSorted((a, b) =>
      a.firstOffset < b.firstOffset ? -1 : a.firstOffset > b.firstOffset ? 1 : 0,
    )
  }

  /** Asked once for every batch, in order. */
  isAborted({ lastOffset, producerId, transactional, control }: BatchFrame, isAbortMarker: boolean): boolean {
    for (; this.#seen < this.#listed.length; this.#seen += 1) {
      const next = this.#listed[this.#seen]!
      if (next.firstOffset > lastOffset) break
      this.#open.add(next.producerId)
    }
    if (isAbortMarker) this.#open.delete(producerId)
    return transactional && !control && this.#open.has(producerId)
  }
}
