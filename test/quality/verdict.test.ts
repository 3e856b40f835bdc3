import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Finding } from '../../src/quality/finding.ts'
import { keepsMostly } from '../../src/quality/judge-suite.ts'
import { decideGate, isNamed } from '../../src/quality/verdict.ts'

const findingOf = fc.record({
  column: fc.constantFrom('a', 'b', 'c'),
  severity: fc.constantFrom('critical' as const, 'warn' as const),
  success: fc.boolean(),
  young: fc.constantFrom(0, 3),
})
const findings = fc.array(
  findingOf.map(({ column, severity, success, young }): Finding => ({
    expectation: { type: 'expect_column_values_to_not_be_null', kwargs: { column }, severity, at: null },
    success,
    considered: 9,
    offending: success ? 0 : 4,
    young,
    expected: null,
    actual: null,
    impossible: null,
    samples: [],
  })),
)
const bypasses = fc.subarray([
  'expect_column_values_to_not_be_null(a)',
  'expect_column_values_to_not_be_null(b)',
  'expect_x',
])

test('a gate blocks exactly where a critical expectation failed that nobody let pass', () => {
  fc.assert(
    fc.property(findings, bypasses, (all, bypass) => {
      const { outcome, blocking, bypassed, warnings } = decideGate(all, bypass)
      const failed = all.filter(({ success, expectation }) => !success && expectation.severity === 'critical')
      assert.equal(
        outcome === 'blocked',
        failed.some((each) => !isNamed(each, bypass)),
      )
      assert.deepEqual(new Set([...blocking, ...bypassed]), new Set(failed))
      assert.ok(bypassed.every((each) => isNamed(each, bypass)))
      assert.ok(warnings.every((each) => !failed.includes(each)))
      assert.equal(outcome === 'passed', failed.length === 0 && warnings.length === 0)
      if (outcome === 'bypassed') assert.ok(bypassed.length > 0 && blocking.length === 0)
    }),
  )
})

test('a bypass never makes a gate stricter, and one of the whole name lets all of its columns pass', () => {
  fc.assert(
    fc.property(findings, bypasses, (all, bypass) => {
      if (decideGate(all).outcome !== 'blocked') assert.notEqual(decideGate(all, bypass).outcome, 'blocked')
      assert.notEqual(decideGate(all, ['expect_column_values_to_not_be_null']).outcome, 'blocked')
    }),
  )
})

test('mostly is a share of what counts; nothing that counts keeps everything', () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.nat(1000), fc.integer({ min: 1, max: 100 }), (kept, offending, percent) => {
      const considered = kept + offending
      const keeps = keepsMostly({ considered, offending }, percent / 100)
      assert.equal(keeps, considered === 0 || kept / considered >= percent / 100)
    }),
  )
})
