import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { csvLine } from '../../src/cli/csv-text.ts'

test('a field stands in quotes where RFC 4180 wants them; null is nothing, an empty text a pair of quotes', () => {
  assert.equal(
    csvLine(['plain', 'a,b', 'say "hi"', 'two\nlines', ' outer ', '', null]),
    'plain,"a,b","say ""hi""","two\nlines"," outer ","",\n',
  )
  assert.equal(csvLine([1, 9_007_199_254_740_993n, 1.5, true, '12.30']), '1,9007199254740993,1.5,true,12.30\n')
  assert.equal(csvLine([[1n, null], { a: 'x"y' }]), '"[1,null]","{""a"":""x\\""y""}"\n')
})

test('another reader of CSV finds the texts as they were', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 3, maxLength: 3 }), { minLength: 1 }),
      (rows) => {
        assert.deepEqual(parse(rows.map(csvLine).join('')), rows)
      },
    ),
  )
})
