import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'

const PATIENCE_MS = 120_000
const POLL_MS = 100

/** Asks again and again until it holds; fails where it never does. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!(await holds())) {
    if (performance.now() > deadline) assert.fail(`never: ${what}`)
    await sleep(POLL_MS)
  }
}
