import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  bigintOfBytes,
  bytesOfBigint,
  formatDecimal,
  parseDecimal,
  parseExactDouble,
  parseIntegerText,
} from '../../src/domain/decimal-text.ts'
import { formatDate, formatTimestamp, parseDateDays, parseTimestampMicros } from '../../src/domain/time-text.ts'

test('decimals keep all 38 digits from text to text', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }), fc.nat(38), (unscaled, scale) => {
      assert.equal(parseDecimal(formatDecimal(unscaled, scale), 38, scale), unscaled)
      const bytes = bytesOfBigint(unscaled)!
      assert.equal(bigintOfBytes(bytes, 0, bytes.length), unscaled)
      const fixed = bytesOfBigint(unscaled, 17)!
      assert.equal(bigintOfBytes(fixed, 0, 17), unscaled)
    }),
  )
  assert.equal(bytesOfBigint(128n, 1), null)
})

test('an integer is an integer in whatever number text it stands', () => {
  for (const [text, value] of [
    ['+5', 5n],
    ['5.', 5n],
    ['.5e1', 5n],
    ['-0', 0n],
    ['500e-2', 5n],
    ['1e18', 10n ** 18n],
  ] as const) {
    assert.equal(parseIntegerText(text), value, text)
  }
  for (const text of ['', '.', '-', 'e5', '5e', '1_000', '٣', '5 5', 'Infinity', `1${'0'.repeat(500)}`, '1e99999'])
    assert.equal(parseIntegerText(text), null, text)
})

test('a double is taken where its shortest text is the same number', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) =>
      assert.equal(parseExactDouble(String(value)), value === 0 ? Number(String(value)) : value),
    ),
  )
  assert.equal(parseExactDouble('9007199254740993'), null)
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 130n), max: 2n ** 130n }), (whole) => {
      const held = BigInt(Number(whole))
      assert.equal(parseExactDouble(held.toString()), Number(held))
    }),
  )
  assert.equal(parseExactDouble('9223372036854775807'), null)
  assert.equal(parseExactDouble('0.10'), 0.1)
})

test('dates and times agree with Date wherever Date can say them', () => {
  fc.assert(
    fc.property(fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }), (ms) => {
      const text = new Date(ms).toISOString()
      assert.equal(parseTimestampMicros(text), BigInt(ms) * 1000n)
      assert.equal(parseTimestampMicros(formatTimestamp(BigInt(ms) * 1000n + 7n)), BigInt(ms) * 1000n + 7n)
      const days = Math.floor(ms / 86_400_000)
      assert.equal(formatDate(days), text.slice(0, 10))
      assert.equal(parseDateDays(text.slice(0, 10)), days)
    }),
  )
})

test('what is no date or time is refused', () => {
  for (const text of [
    '2021-02-29',
    '2021-13-01',
    '2021-00-10',
    '2021-04-31',
    '21-01-01',
    '2021-01-01T24:00',
    '2021-01-01T23:60',
    '2021-01-01T23:59:60',
    '2021-01-01 10',
    '2021-01-01T10:00+25:00',
    'now',
  ]) {
    assert.equal(parseTimestampMicros(text), null, text)
  }
})
