import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'

import { afterPass, circuitState, CLOSED, decideRetry } from '../../src/domain/source-circuit.ts'

test('a pass that only fails gives up within its budget of tries and of time, whatever chance says', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 20, maxLength: 20 }), (draws) => {
      let waitedMs = 0
      let failures = 0
      for (const random of draws) {
        failures += 1
        const decision = decideRetry({ failures, waitedMs }, random)
        if (decision.kind === 'give_up') break
        assert.ok(decision.waitMs > 0)
        waitedMs += decision.waitMs
      }
      assert.ok(failures <= 6 && waitedMs <= 60_000)
    }),
  )
})

test('waits differ by chance, so that many sources do not ask at once', () => {
  assert.notDeepEqual(decideRetry({ failures: 1, waitedMs: 0 }, 0), decideRetry({ failures: 1, waitedMs: 0 }, 0.9))
})

test('three failed passes open the circuit, one try tells when the wait is over, and one that is served closes it', () => {
  let circuit = CLOSED
  for (let pass = 0; pass < 3; pass += 1) {
    assert.equal(circuitState(circuit, 0), 'closed')
    circuit = afterPass(circuit, false, { nowMs: 0, random: 0 })
  }
  assert.equal(circuitState(circuit, 14_999), 'open')
  assert.equal(circuitState(circuit, 15_000), 'half_open')
  const longer = afterPass(circuit, false, { nowMs: 15_000, random: 0 })
  assert.equal(circuitState(longer, 15_000 + 29_999), 'open')
  assert.deepEqual(afterPass(longer, true, { nowMs: 50_000, random: 0 }), CLOSED)
})

test('however long it fails, a source is asked again within ten minutes', () => {
  let circuit = CLOSED
  for (let pass = 0; pass < 100; pass += 1) circuit = afterPass(circuit, false, { nowMs: 0, random: 0.999 })
  assert.equal(circuitState(circuit, 600_000), 'half_open')
})
