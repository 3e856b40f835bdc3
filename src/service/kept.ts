import type { Clock } from '../ports/clock.ts'

/**
 * The last answer for a while, so that scrapers and open pages cannot make the process work in a loop: of any number
 * of callers one does the work, the others take its result. A failure is not kept.
 */
export function keepFor<T>(clock: Pick<Clock, 'nowMs'>, forMs: number, produce: () => Promise<T>): () => Promise<T> {
  let kept: { readonly value: Promise<T>; untilMs: number } | null = null
  return () => {
    if (kept !== null && clock.nowMs() < kept.untilMs) return kept.value
    const fresh = { value: produce(), untilMs: Number.POSITIVE_INFINITY }
    kept = fresh
    fresh.value.then(
      () => {
        fresh.untilMs = clock.nowMs() + forMs
      },
      () => {
        if (kept === fresh) kept = null
      },
    )
    return fresh.value
  }
}
