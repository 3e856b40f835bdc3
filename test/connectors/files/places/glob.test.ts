import assert from 'node:assert/strict'
import { test } from 'node:test'

import { globToRegExp } from '../../../../connectors/files/places/glob.ts'

const CASES: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['*.csv.gz', ['a.csv.gz', '2010-12-01.csv.gz'], ['a.csv', 'x/a.csv.gz', '.a.csv.gz', 'aXcsvXgz']],
  ['**/*.csv', ['a.csv', 'x/a.csv', 'x/y/a.csv'], ['.x/a.csv', 'x/.a.csv', 'a.csv.gz']],
  ['in/**', ['in/a', 'in/b/c'], ['a', 'in', 'in/.a', 'in/.b/c']],
  ['day-?.jsonl', ['day-1.jsonl'], ['day-10.jsonl', 'day-/.jsonl', 'day-.jsonl']],
  ['a+(b)[c].csv', ['a+(b)[c].csv'], ['aab.csv', 'abc.csv']],
  ['.*', ['.a'], ['a']],
  ['x/*/y', ['x/1/y'], ['x/y', 'x/1/2/y']],
]

for (const [pattern, yes, no] of CASES) {
  test(`pattern ${pattern}`, () => {
    const regExp = globToRegExp(pattern)
    for (const path of yes) assert.ok(regExp.test(path), path)
    for (const path of no) assert.ok(!regExp.test(path), path)
  })
}
