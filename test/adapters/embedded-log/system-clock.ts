import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../../src/ports/clock.ts'

/** Real time, for tests of adapters. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  newId: () => crypto.randomUUID(),
  sleep: async (ms, signal) => {
    try {
      await sleep(ms, undefined, signal === undefined ? {} : { signal })
    } catch (error) {
      throw signal?.aborted === true ? signal.reason : error
    }
  },
  random: () => Math.random(),
}
