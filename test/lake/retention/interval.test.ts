import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseInterval } from '../../../src/lake/retention/interval.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

test('intervals are read as Spark reads them', () => {
  const cases: readonly (readonly [string, number | null])[] = [
    ['interval 30 days', 30 * DAY],
    ['30 days', 30 * DAY],
    ['INTERVAL 1 WEEK', 7 * DAY],
    ['  interval   1 week 2 days 12 hours ', 9.5 * DAY],
    ['interval 36 hours', 36 * HOUR],
    ['interval 90 minutes', 1.5 * HOUR],
    ['interval 1 day 1 day', 2 * DAY],
    ['interval 1.5 seconds', 1500],
    ['interval 250 milliseconds', 250],
    ['interval 0 hours', 0],
    // No fixed length.
    ['interval 1 month', null],
    ['interval 1 year', null],
    // No lengths at all.
    ['interval', null],
    ['', null],
    ['a while', null],
    ['interval 30', null],
    ['interval days 30', null],
    ['interval -1 day', null],
    ['interval 1.5 days', null],
    ['interval 1 constructor', null],
    ['30days and more', null],
    ['interval 999999999999999 weeks', null],
  ]
  for (const [text, ms] of cases) assert.equal(parseInterval(text), ms, JSON.stringify(text))
})

test('any text gives a whole number of milliseconds or nothing', () => {
  const words = fc.constantFrom(
    'interval',
    '1',
    '30',
    '2.5',
    'day',
    'days',
    'weeks',
    'second',
    ' ',
    '-',
    '\u00a0',
    '__proto__',
  )
  fc.assert(
    fc.property(fc.array(words, { maxLength: 8 }), (parts) => {
      const ms = parseInterval(parts.join(' '))
      assert.ok(ms === null || (Number.isSafeInteger(ms) && ms >= 0))
    }),
  )
})
