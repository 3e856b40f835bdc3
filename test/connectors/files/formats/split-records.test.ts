import assert from 'node:assert/strict'
import { test } from 'node:test'

import { parse } from 'csv-parse/sync'
import fc from 'fast-check'

import { createRecordSplitter, type TextRecord } from '../../../../connectors/files/formats/split-records.ts'

interface Seen {
  readonly line: number
  readonly lines: number
  readonly fields?: readonly string[]
  readonly why?: string
  readonly raw: string
}

function split(text: string | Uint8Array, cuts: readonly number[] = [], maxRecordBytes = 1000): Seen[] {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'utf8') : Buffer.from(text)
  const splitter = createRecordSplitter({ delimiter: ',', maxRecordBytes })
  const out: Seen[] = []
  const take = (records: TextRecord[]): void => {
    for (const record of records) {
      const { line, lines } = record
      const raw = Buffer.from(record.raw).toString('latin1')
      out.push(
        record.kind === 'fields' ? { line, lines, fields: record.fields, raw } : { line, lines, why: record.why, raw },
      )
    }
  }
  let at = 0
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    if (cut <= at || cut >= bytes.length) continue
    take(splitter.push(bytes.subarray(at, cut)))
    at = cut
  }
  take(splitter.push(bytes.subarray(at)))
  take(splitter.end())
  return out
}

function fieldsOf(text: string): (readonly string[] | string)[] {
  return split(text).map((each) => each.fields ?? `refused: ${each.why}`)
}

test('line ends are LF or CRLF, with or without one at the end, and empty lines are no records', () => {
  assert.deepEqual(fieldsOf('a,b\n1,2\n'), [
    ['a', 'b'],
    ['1', '2'],
  ])
  assert.deepEqual(fieldsOf('a,b\r\n1,2'), [
    ['a', 'b'],
    ['1', '2'],
  ])
  assert.deepEqual(fieldsOf('\n\r\na,\n\n,b\n\n'), [
    ['a', ''],
    ['', 'b'],
  ])
  assert.deepEqual(fieldsOf(''), [])
})

test('a byte order mark is dropped, also where it comes in pieces', () => {
  assert.deepEqual(fieldsOf('\ufeffa,b\n'), [['a', 'b']])
  assert.deepEqual(split('\ufeffa,b\n', [1, 2])[0]!.fields, ['a', 'b'])
})

test('a quoted field holds delimiters, line ends and doubled quotes, and the next record keeps its line number', () => {
  const seen = split('h1,h2\n"a,b","x ""y""\nz"\n"q"\r\n1,2\n')
  assert.deepEqual(
    seen.map(({ line, lines, fields }) => [line, lines, fields]),
    [
      [1, 1, ['h1', 'h2']],
      [2, 3, ['a,b', 'x "y"\nz']],
      [4, 4, ['q']],
      [5, 5, ['1', '2']],
    ],
  )
  assert.equal(seen[1]!.raw, '"a,b","x ""y""\nz"')
})

test('a line with bad quoting is refused alone, with its text, and the next ones are read', () => {
  const seen = split('a,b\n1,"x"y\n2,5" pipe\n3,ok\n')
  assert.deepEqual(
    seen.map(({ line, fields, why, raw }) => [line, fields ?? why, raw]),
    [
      [1, ['a', 'b'], 'a,b'],
      [2, 'text follows a closing quote', '1,"x"y'],
      [3, 'a quote stands inside a field that does not begin with one', '2,5" pipe'],
      [4, ['3', 'ok'], '3,ok'],
    ],
  )
})

test('a quote that is never closed costs its own line and no other', () => {
  const seen = split('a,b\n1,"open\n2,x\n3,y')
  assert.deepEqual(
    seen.map(({ line, fields, why }) => [line, fields ?? why]),
    [
      [1, ['a', 'b']],
      [2, 'a quote is never closed'],
      [3, ['2', 'x']],
      [4, ['3', 'y']],
    ],
  )
})

test('a line longer than the bound is refused with its beginning and the next ones are read', () => {
  const seen = split(`a,b\n${'x'.repeat(5000)}\n"${'y'.repeat(50)}\n${'z'.repeat(60)}\n1,2\n`, [100, 1000, 3000], 100)
  assert.deepEqual(
    seen.map(({ line, fields, why, raw }) => [line, fields ?? why, raw.length]),
    [
      [1, ['a', 'b'], 3],
      [2, 'the line is longer than 100 bytes; the first 100 are kept', 100],
      [3, 'a quote is never closed', 51],
      [4, ['z'.repeat(60)], 60],
      [5, ['1', '2'], 3],
    ],
  )
})

test('text that is not UTF-8 is refused line by line', () => {
  const bytes = Buffer.concat([
    Buffer.from('a,b\n1,'),
    Buffer.of(0xe9),
    Buffer.from('\n"'),
    Buffer.of(0xff),
    Buffer.from('",2\nü,3\n'),
  ])
  assert.deepEqual(
    split(bytes).map(({ line, fields, why }) => [line, fields ?? why]),
    [
      [1, ['a', 'b']],
      [2, 'the text is not UTF-8'],
      [3, 'the text is not UTF-8'],
      [4, ['ü', '3']],
    ],
  )
})

const anyText = fc.string({ unit: fc.constantFrom('a', 'é', '"', ',', '\n', '\r', '\r\n', ' ', 'b'), maxLength: 60 })

test('what is read does not depend on how the bytes were cut into chunks, whatever the bytes', () => {
  fc.assert(
    fc.property(anyText, fc.array(fc.nat(120), { maxLength: 12 }), fc.constantFrom(8, 20, 1000), (text, cuts, max) => {
      assert.deepEqual(split(text, cuts, max), split(text, [], max))
    }),
    { numRuns: 2000 },
  )
})

test('every line of the file is passed by exactly one record, refusal or empty line', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      let at = 0
      const physical = text.replace(/\n$/, '').split('\n')
      for (const { line, lines } of split(text)) {
        assert.ok(line > at && lines >= line)
        for (let empty = at + 1; empty < line; empty += 1) assert.match(physical[empty - 1]!, /^\r?$/)
        at = lines
      }
      for (let empty = at + 1; empty <= physical.length; empty += 1) assert.match(physical[empty - 1]!, /^\r?$/)
    }),
    { numRuns: 1000 },
  )
})

test('well-formed CSV reads as csv-parse reads it', () => {
  const field = fc.string({ unit: fc.constantFrom('a', 'é', '"', ',', '\n', '\r\n', ' ', '1'), maxLength: 8 })
  const table = fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { maxLength: 8 })
  fc.assert(
    fc.property(table, fc.constantFrom('\n', '\r\n'), fc.boolean(), (rows, newline, quoteAll) => {
      const quote = (text: string): string =>
        quoteAll || /["\n\r,]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
      const text = rows.map((row) => row.map(quote).join(',') + newline).join('')
      const expected = parse(text, { relax_column_count: true, record_delimiter: ['\n', '\r\n'] })
      assert.deepEqual(fieldsOf(text), expected)
      assert.deepEqual(fieldsOf(text), rows)
    }),
    { numRuns: 1000 },
  )
})
