import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { retryDelayMs } from '../../src/domain/backoff.ts'

test('what failed is left alone ever longer, up to a minute, and at least half of that time is certain', () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(fc.constantFrom('transient', 'operator', 'never' as const), fc.nat(1_000), random, (retry, n, x) => {
      const ms = retryDelayMs(retry, n, x)
      const longest = Math.min(60_000, (retry === 'transient' ? 1_000 : 5_000) * 2 ** Math.min(n, 16))
      assert.ok(ms >= longest / 2 && ms <= longest, `${ms} of ${longest}`)
    }),
  )
  assert.equal(retryDelayMs('transient', 0, 0), 500)
  assert.equal(retryDelayMs('operator', 30, 0.999_999_9), 60_000)
})
