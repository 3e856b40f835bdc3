import { randomUUID } from 'node:crypto'
import { setTimeout as sleepFor } from 'node:timers/promises'
import type { Clock } from '../../ports/clock.ts'

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  newId: () => randomUUID(),
  random: () => Math.random(),
  async sleep(ms, signal) {
    await sleepFor(ms, undefined, signal === undefined ? {} : { signal })
  },
}
