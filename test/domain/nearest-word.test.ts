import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearestWord } from '../../src/domain/nearest-word.ts'

test('a slip of the finger is found, a stranger is not', () => {
  const known = ['ingest', 'connect', 'config', 'build']
  assert.equal(nearestWord('ingset', known), 'ingest')
  assert.equal(nearestWord('CONFIG', known), 'config')
  assert.equal(nearestWord('biuld', known), 'build')
  assert.equal(nearestWord('frobnicate', known), null)
  assert.equal(nearestWord('x', []), null)
})
