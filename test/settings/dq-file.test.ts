import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { SluiceError } from '../../src/domain/errors.ts'
import { ExactNumber } from '../../src/domain/exact-json.ts'
import { EXPECTATIONS } from '../../src/domain/expectation-declarations.ts'
import { isRecordRule } from '../../src/domain/expectation.ts'
import { parseSuites, type Suites } from '../../src/settings/dq-file.ts'

function parse(yaml: string, thresholds = ''): Suites {
  return parseSuites({ yaml, file: '/p/dq.yaml', thresholds, thresholdsFile: '/p/dq_thresholds.yaml' })
}

function refusal(
  yaml: string,
  thresholds = '',
): { message: string; line: number | undefined; key: string | undefined } {
  try {
    parse(yaml, thresholds)
  } catch (error) {
    assert.ok(error instanceof SluiceError && error.code === 'SETTINGS_INVALID')
    return { message: error.message, line: error.where.line, key: error.where.key }
  }
  throw new Error('it was taken')
}

test('a suite names critical and warning expectations with where each was written', () => {
  const suites = parse(`
silver.orders:
  critical:
    - expect_column_values_to_not_be_null: {column: order_id}
  warn:
    - expect_column_values_to_be_between: {column: amount, min_value: 0, max_value: 12345678901234567890.5, mostly: 0.9}
gold.empty:
`)
  assert.deepEqual(suites.get('silver.orders')?.expectations, [
    {
      type: 'expect_column_values_to_not_be_null',
      kwargs: { column: 'order_id' },
      severity: 'critical',
      at: { file: '/p/dq.yaml', line: 4 },
    },
    {
      type: 'expect_column_values_to_be_between',
      kwargs: { column: 'amount', min_value: 0, max_value: new ExactNumber('12345678901234567890.5'), mostly: 0.9 },
      severity: 'warn',
      at: { file: '/p/dq.yaml', line: 6 },
    },
  ])
  assert.deepEqual(suites.get('gold.empty')?.expectations, [])
  assert.equal(parse('').size, 0)
})

test('thresholds stand for their values, by $name or by {threshold: name}, also within a list', () => {
  const suites = parse(
    `
silver.orders:
  critical:
    - expect_column_values_to_be_between: {column: amount, min_value: {threshold: least}, max_value: $most}
    - expect_column_values_to_be_in_set: {column: status, value_set: $statuses}
    - expect_column_values_to_be_in_set: {column: code, value_set: [$least, x]}
    - expect_referential_integrity: {column: c, parent: silver.customers, parent_column: c}
`,
    'least: 1\nmost: 2.5\nstatuses: [a, b]\nreferential_grace: 2h\n',
  )
  const kwargs = suites.get('silver.orders')!.expectations.map((each) => each.kwargs)
  assert.deepEqual(kwargs[0], { column: 'amount', min_value: 1, max_value: 2.5 })
  assert.deepEqual(kwargs[1], { column: 'status', value_set: ['a', 'b'] })
  assert.deepEqual(kwargs[2]?.['value_set'], [1, 'x'])
  assert.equal(kwargs[3]?.['grace'], '2h')
})

test('what is wrong is refused with file, line and key', () => {
  const list = (line: string): string => `silver.orders:\n  critical:\n    - ${line}\n`
  const cases: readonly [string, RegExp, number][] = [
    [
      list('expect_column_values_to_be_nul: {column: a}'),
      /no expectation; did you mean expect_column_values_to_be_null/,
      3,
    ],
    [list('expect_column_to_exist: {colum: a}'), /no kwarg colum; did you mean column/, 3],
    [list('expect_column_to_exist: {}'), /needs column/, 3],
    [list('expect_column_values_to_be_between: {column: a}'), /needs min_value or max_value/, 3],
    [list('expect_column_values_to_be_unique: {column: a, mostly: 1.5}'), /mostly .* at most 1/, 3],
    [list('expect_column_values_to_be_unique: {column: "a; drop"}'), /name of a column/, 3],
    [list('expect_freshness: {column: a, max_age: 5}'), /max_age .* unit/, 3],
    [list('expect_column_values_to_be_in_set: {column: a, value_set: []}'), /at least one/, 3],
    [list('expect_column_values_to_be_between: {column: a, max_value: $nope}'), /no threshold nope/, 3],
    ['silver.orders:\n  fatal: []\n', /critical and warn, and no fatal/, 2],
    ['orders:\n  critical: []\n', /not a table/, 1],
    [list('expect_column_to_exist: {column: a}\n    - expect_column_to_exist: {column: a}'), /stands twice/, 4],
  ]
  for (const [yaml, message, line] of cases) {
    const refused = refusal(yaml)
    assert.match(refused.message, message)
    assert.equal(refused.line, line, yaml)
  }
  assert.equal(
    refusal(list('expect_column_to_exist: {colum: a}')).key,
    'silver.orders.critical.expect_column_to_exist.colum',
  )
})

test('only critical rules of each record alone are for the contract check', () => {
  const suites = parse(`
bronze.orders:
  critical:
    - expect_column_values_to_not_be_null: {column: order_id}
    - expect_column_values_to_not_be_null: {column: order_id, mostly: 0.9}
    - expect_column_values_to_be_unique: {column: order_id}
    - expect_column_values_to_not_be_null: {column: _offset}
  warn:
    - expect_column_values_to_match_regex: {column: currency, regex: x}
`)
  assert.deepEqual(suites.get('bronze.orders')!.expectations.map(isRecordRule), [true, false, false, false, false])
})

test('docs/gate.md lists every expectation and nothing else', () => {
  const page = readFileSync(new URL('../../docs/gate.md', import.meta.url), 'utf8')
  const listed = [...page.matchAll(/^\| `(expect_\w+)`/gm)].map((match) => match[1])
  assert.deepEqual(listed, Object.keys(EXPECTATIONS))
})
