import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SluiceError } from '../../../src/domain/errors.ts'
import { parseModelTests } from '../../../src/settings/models/model-tests.ts'

function refusal(yaml: string): string {
  try {
    parseModelTests(yaml, 'm.yaml')
  } catch (error) {
    if (error instanceof SluiceError) return `${error.code} ${error.where.line}: ${error.message}`
    throw error
  }
  assert.fail('it was taken')
}

test('values keep what was written; null, lists and maps are told apart', () => {
  const [first] = parseModelTests(
    'tests:\n  - name: one\n    given:\n      bronze.a: [{x: 1.50, y: null, z: [a, {b: true}], t: 2020-01-01}]\n    expect: []\n',
    'm.yaml',
  )
  assert.equal(first?.name, 'one')
  assert.equal(first.line, 2)
  assert.deepEqual(first.expect, [])
  assert.deepEqual(
    [...(first.given.get('bronze.a')?.[0]?.values ?? [])],
    [
      ['x', '1.50'],
      ['y', null],
      ['z', ['a', { b: 'true' }]],
      ['t', '2020-01-01'],
    ],
  )
})

test('a model without tests has none, and what is wrong is named with its line', () => {
  assert.deepEqual(parseModelTests('kind: full\n', 'm.yaml'), [])
  assert.match(refusal('tests: {}'), /^MODEL_INVALID 1: tests is a list/)
  assert.match(refusal('tests:\n  - {expect: []}'), /MODEL_INVALID 2: a test has a name/)
  assert.match(refusal('tests:\n  - {name: a}'), /MODEL_INVALID 2: a test says which rows it expects/)
  assert.match(refusal('tests:\n  - {name: a, expects: []}'), /did you mean .*expect/)
  assert.match(refusal('tests:\n  - {name: a, given: {orders: []}, expect: []}'), /"orders" is not a table name/)
  assert.match(refusal('tests:\n  - {name: a, expect: [1]}'), /is a map of keys to values/)
  assert.match(refusal('tests:\n  - {name: a, expect: []}\n  - {name: a, expect: []}'), /two tests are named "a"/)
})
