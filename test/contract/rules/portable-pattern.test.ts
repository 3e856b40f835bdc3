import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openDuckdbEngine } from '../../../src/adapters/duckdb/duckdb-engine.ts'
import { portablePattern } from '../../../src/contract/rules/portable-pattern.ts'
import { sqlText } from '../../../src/quality/sql-literal.ts'

const PLACE = { subject: 'test', path: 'regex' }
const PATTERNS = [
  '^[A-Z]{3}$',
  'a.c',
  '\\d+\\.\\d{2}',
  '^\\s*$',
  '[^\\s@]+@[^\\s@]+\\.[a-z]{2,}',
  '\\bword\\b',
  '[[&&^a-]',
  '^$|x',
  '(?<year>\\d{4})-(?:0[1-9]|1[0-2])',
  '\\u{1F600}|\\u00e9|\\x41',
  '[\\u{1F600}-\\u{1F64F}]',
  '\\p{Lu}\\p{L}*',
  'a{0,2}b?c*?$',
  '[\\w.-]+',
  '\\/\\*\\$\\^\\|',
  '[^]',
  'it\'s "quoted" \\\\ here',
]
const TEXTS = [
  '',
  'ABC',
  'ABC\n',
  'abc',
  'a\nc',
  'a\u2028c',
  '1.50',
  ' \u00a0\u3000',
  'x@y.de',
  'a word here',
  'swords',
  '[',
  '&',
  '^',
  '-',
]
TEXTS.push(
  '2025-07',
  '2025-13',
  '😀',
  'é',
  'A',
  'Ünï',
  'aab',
  'a_b.c-d',
  '/*$^|',
  'it\'s "quoted" \\ here',
  '\r',
  '\u000b',
  'É',
)

test("a pattern finds in an engine what it finds by ECMAScript's rules", async () => {
  const tempFolder = await mkdtemp(join(tmpdir(), 'sluice-pattern-'))
  const engine = openDuckdbEngine({ memoryLimitBytes: 2 ** 27, threads: 1, tempFolder })
  try {
    const texts = TEXTS.map((text, at) => `(${at}, ${sqlText(text)})`).join(', ')
    const questions = PATTERNS.map((pattern) => {
      const { source } = portablePattern(pattern, PLACE)
      return `select t from (values ${texts}) v(t, x) where regexp_matches(x, ${sqlText(source)}) order by t`
    })
    const answers = await engine.ask({ inputs: [], questions })
    for (const [at, pattern] of PATTERNS.entries()) {
      const expected = TEXTS.flatMap((text, index) => (new RegExp(pattern, 'u').test(text) ? [index] : []))
      assert.deepEqual(
        answers[at]!.map(({ t }) => t),
        expected,
        pattern,
      )
      assert.equal(portablePattern(pattern, PLACE).findsEmpty, new RegExp(pattern, 'u').test(''), pattern)
    }
  } finally {
    await engine.close()
    await rm(tempFolder, { recursive: true, force: true })
  }
})

test('what engines do not have alike is refused by name', () => {
  for (const pattern of ['(?=x)', '(x)\\1', '[^\\D]', '\\p{Script=Greek}', 'x{1001}']) {
    assert.throws(() => portablePattern(pattern, PLACE), { code: 'CONTRACT_INVALID' }, pattern)
  }
})
