import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../../src/adapters/clock/system-clock.ts'
import { drainingMs, endWithin } from '../../../src/cli/up/drain.ts'

test('what ends in time is waited for, what fails ends too, what hangs is named', async () => {
  const soon = systemClock.sleep(5)
  const fails = Promise.reject(new Error('no'))
  assert.deepEqual(
    await endWithin(
      systemClock,
      10_000,
      new Map([
        ['soon', soon],
        ['fails', fails],
      ] as const),
    ),
    [],
  )
  // Or this test would not end.
  const hangs = new Promise(() => undefined)
  assert.deepEqual(
    await endWithin(
      systemClock,
      30,
      new Map([
        ['soon', soon],
        ['hangs', hangs],
      ] as const),
    ),
    ['hangs'],
  )
})

test('part of the grace time is kept for closing', () => {
  assert.deepEqual([30_000, 4_000, 1_000, 0].map(drainingMs), [28_000, 3_000, 750, 0])
})
