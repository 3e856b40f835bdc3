import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDuration, parseDuration } from '../../src/domain/duration.ts'

test('a duration needs its unit', () => {
  assert.equal(parseDuration('500ms'), 500)
  assert.equal(parseDuration('1.5h'), 5_400_000)
  assert.equal(parseDuration('7d'), 604_800_000)
  for (const text of ['30', '', 's', '-1s', '1 s', '1S', '1w', 'Infinitys', '1e3s', '999999999999d']) {
    assert.equal(parseDuration(text), null, text)
  }
})

test('formatting loses nothing', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 999_999_999_999 }), (ms) => {
      assert.equal(parseDuration(formatDuration(ms)), ms)
    }),
  )
})
