import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseDecimal } from '../../../src/domain/decimal-text.ts'
import { quickDateDays, quickDecimal, quickTimestampMicros } from '../../../src/contract/values/quick-text.ts'
import { parseDateDays, parseTimestampMicros } from '../../../src/domain/time-text.ts'

/** A text of the right look with a character changed here and there. */
const nearly = (text: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof(
    text,
    fc
      .tuple(text, fc.nat(30), fc.constantFrom('', '0', '9', '-', '.', ':', 'T', 'Z', ' ', '+', 'x', '5', '6'))
      .map(([whole, at, put]) => whole.slice(0, at) + put + whole.slice(at + 1)),
  )

const moment = fc
  .tuple(
    fc.integer({ min: -1e13, max: 1e13 }),
    fc.nat(999),
    fc.nat(7),
    fc.constantFrom('Z', 'Z', '+00', '', '+01', '-00', '+0000'),
    fc.constantFrom('T', ' '),
  )
  .map(([ms, micros, cut, zone, between]) => {
    const text = `${new Date(ms).toISOString().slice(0, -1)}${String(micros).padStart(3, '0')}`
    return text.slice(0, 26 - cut).replace('T', between) + zone
  })

describe('texts read quickly', () => {
  it('are times as the full reader has them, or left to it', () => {
    const taken = { times: 0, days: 0 }
    fc.assert(
      fc.property(nearly(moment), (text) => {
        const micros = quickTimestampMicros(text)
        if (micros !== null) assert.equal(BigInt(micros), parseTimestampMicros(text), text)
        const day = text.slice(0, 10)
        const days = quickDateDays(day)
        if (days !== null) assert.equal(days, parseDateDays(day), day)
        taken.times += micros === null ? 0 : 1
        taken.days += days === null ? 0 : 1
      }),
      { numRuns: 2000 },
    )
    assert.ok(taken.times > 60 && taken.days > 60, JSON.stringify(taken))
  })

  it('are every day from 1970 to 2199', () => {
    for (let days = 0; ; days += 1) {
      const text = new Date(days * 86_400_000).toISOString().slice(0, 10)
      if (text.startsWith('2200')) break
      if (quickDateDays(text) !== days) assert.fail(text)
    }
    for (const text of [
      '2021-02-29',
      '2100-02-29',
      '2021-04-31',
      '2021-00-10',
      '2021-13-01',
      '1969-12-31',
      '2200-01-01',
    ])
      assert.equal(quickDateDays(text), null, text)
  })

  it('are decimals as the full reader has them, or left to it', () => {
    const plain = fc.tuple(fc.bigInt({ min: -(10n ** 17n), max: 10n ** 17n }), fc.nat(8)).map(([digits, scale]) => {
      const text = String(digits < 0n ? -digits : digits).padStart(scale + 1, '0')
      return (digits < 0n ? '-' : '') + (scale === 0 ? text : `${text.slice(0, -scale)}.${text.slice(-scale)}`)
    })
    let taken = 0
    fc.assert(
      fc.property(
        nearly(
          fc.oneof(
            plain,
            fc.integer().map((each) => String(each / 100)),
          ),
        ),
        fc.nat(6),
        (text, scale) => {
          const quick = quickDecimal(text, scale)
          if (quick !== null) assert.equal(BigInt(quick), parseDecimal(text, 38, scale), text)
          taken += quick === null ? 0 : 1
        },
      ),
      { numRuns: 2000 },
    )
    assert.ok(taken > 60, String(taken))
    for (const text of ['', '-', '.', '-.', '1.234', '1e3', '+1', ' 1', '1 ', '1..2', '1234567890123456'])
      assert.equal(quickDecimal(text, 2), null, text)
    for (const [text, unscaled] of [
      ['0', 0],
      ['-0.00', 0],
      ['.5', 50],
      ['5.', 500],
      ['-12.34', -1234],
    ] as const)
      assert.equal(quickDecimal(text, 2), unscaled, text)
  })
})
