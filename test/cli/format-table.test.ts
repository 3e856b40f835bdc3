import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatTable } from '../../src/cli/format-table.ts'

test('columns line up, numbers to the right, long cells are cut, null is a dash', () => {
  const text = formatTable({
    heads: ['table', 'rows'],
    rows: [
      ['bronze.a', 1n],
      ['x'.repeat(70), null],
    ],
  })
  assert.deepEqual(text.split('\n'), [
    `table${' '.repeat(55)}  rows`,
    `bronze.a${' '.repeat(52)}     1`,
    `${'x'.repeat(59)}…     -`,
  ])
})

test('data cannot drive a terminal', () => {
  const text = formatTable({ heads: ['a'], rows: [['\u001b[2Jb\n\u202ec']] })
  assert.equal(text, 'a\n\\u001b[2Jb\\n\\u202ec')
})
