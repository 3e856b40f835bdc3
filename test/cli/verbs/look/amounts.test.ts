import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countText, moneyText, sizeText } from '../../../../src/cli/verbs/look/amounts.ts'

test('sizes have three digits or so, and a unit that fits', () => {
  assert.deepEqual([0, 999, 1000, 1249, 99_960, 999_499, 999_500, 5e6, 1.5e9, 2e15, 3e18].map(sizeText), [
    '0 bytes',
    '999 bytes',
    '1.0 KB',
    '1.2 KB',
    '100 KB',
    '999 KB',
    '1.0 MB',
    '5.0 MB',
    '1.5 GB',
    '2.0 PB',
    '3000 PB',
  ])
})

test('money is told without an exponent, however much or little it is', () => {
  assert.deepEqual(
    [0, 1234.567, 1, 0.9949, 0.999, 0.05, 0.002861, 0.0000119, 1e-9].map((amount) => moneyText(amount, 'USD')),
    [
      '0.00 USD',
      '1234.57 USD',
      '1.00 USD',
      '0.995 USD',
      '1.00 USD',
      '0.0500 USD',
      '0.00286 USD',
      '0.0000119 USD',
      '< 0.000001 USD',
    ],
  )
})

test('one is one', () => {
  assert.deepEqual(
    [0, 1, 2].map((count) => countText(count, 'file')),
    ['0 files', '1 file', '2 files'],
  )
})
