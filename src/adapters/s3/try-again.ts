import { setTimeout as sleep } from 'node:timers/promises'

/** Waits with full jitter, doubling, between attempts. */

const FIRST_MS = 50
const LONGEST_MS = 2_000

export interface Attempts {
  readonly attempts: number
  /** Whether another attempt can help. */
  readonly when: (error: unknown) => boolean
}

export async function tryAgain<T>(act: () => Promise<T>, { attempts, when }: Attempts): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await act()
    } catch (error) {
      if (attempt >= attempts || !when(error)) throw error
      await sleep(Math.random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt))
    }
  }
}
