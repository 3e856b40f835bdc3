import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EXPECTATIONS } from '../../../src/domain/expectation-declarations.ts'
import { mergeSuite } from '../../../src/settings/dq/merge-suite.ts'
import { exportSuite, importSuite } from '../../../src/settings/dq/suite-json.ts'
import { parseSuites } from '../../../src/settings/dq-file.ts'

const FILES = { file: '/p/dq.yaml', thresholds: 'most: 9\n', thresholdsFile: '/p/dq_thresholds.yaml' }
const YAML = `# the shop
silver.orders: # lines
  critical:
    - expect_column_values_to_be_unique: {column: id}
    - expect_column_values_to_be_between: {column: amount, max_value: $most, row_condition: 'col("s") == "x"'}
    - expect_column_values_to_be_increasing: {column: n, order_by: [id]}
    - expect_referential_integrity: {column: c, parent: silver.customers, parent_column: c}
  warn:
    - expect_column_values_to_match_regex: {column: code, regex: '^[A-Z]+$', mostly: 0.95}
`

test('a suite survives the way to Great Expectations and back, our own part beside it', () => {
  const suite = parseSuites({ ...FILES, yaml: YAML }).get('silver.orders')!
  const json = exportSuite(suite) as { expectations: { type: string; severity: string }[] }
  assert.ok(json.expectations.every(({ type }) => EXPECTATIONS[type]?.ours !== true))
  assert.deepEqual(
    json.expectations.map(({ severity }) => severity),
    ['critical', 'critical', 'warning'],
  )
  const back = importSuite(JSON.stringify(json), 'suite.json')
  assert.equal(back.name, 'silver.orders')
  assert.deepEqual(back.refused, [])
  const plain = (all: readonly { type: string; kwargs: object; severity: string }[]): string[] =>
    all
      .map(({ type, kwargs, severity }) =>
        JSON.stringify([
          type,
          severity,
          Object.entries({ ...kwargs, condition_parser: 0 }).toSorted(([a], [b]) => (a < b ? -1 : 1)),
        ]),
      )
      .toSorted()
  assert.deepEqual(plain(back.expectations), plain(suite.expectations))
})

test('a suite as Great Expectations 1.24 writes it is taken, what we lack is named', () => {
  const column = { name: 'a' }
  const condition = { type: 'comparison', column, operator: '==', parameter: 5 }
  const json = {
    name: 'orders',
    id: null,
    expectations: [
      {
        type: 'expect_column_values_to_be_between',
        kwargs: { column: 'x', min_value: 0.0, row_condition: condition },
        meta: {},
        severity: 'info',
      },
      {
        type: 'expect_column_values_to_not_be_null',
        kwargs: { column: 'x', row_condition: { type: 'or', conditions: [] } },
      },
      { type: 'expect_column_kl_divergence_to_be_less_than', kwargs: { column: 'x' } },
      { expectation_type: 'expect_column_to_exist', kwargs: { column: 'x', batch_id: 'b' } },
    ],
  }
  const { expectations, refused } = importSuite(JSON.stringify(json), 'suite.json')
  assert.deepEqual(expectations, [
    {
      type: 'expect_column_values_to_be_between',
      kwargs: { column: 'x', min_value: 0, row_condition: 'col("a") == 5' },
      severity: 'warn',
    },
    { type: 'expect_column_to_exist', kwargs: { column: 'x' }, severity: 'critical' },
  ])
  assert.deepEqual(
    refused.map(({ type }) => type),
    ['expect_column_values_to_not_be_null', 'expect_column_kl_divergence_to_be_less_than'],
  )
  assert.throws(() => importSuite('[]', 'suite.json'), { code: 'SETTINGS_INVALID' })
})

test('merging adds what is new and leaves comments and the rest as they are', () => {
  const expectations = [
    { type: 'expect_column_values_to_be_unique', kwargs: { column: 'id' }, severity: 'critical' as const },
    { type: 'expect_column_to_exist', kwargs: { column: 'id' }, severity: 'warn' as const },
  ]
  const merged = mergeSuite({ ...FILES, yaml: YAML, table: 'silver.orders', expectations })
  assert.deepEqual([merged.added.length, merged.known.length], [1, 1])
  for (const comment of ['# the shop\n', '# lines\n']) assert.ok(merged.yaml.includes(comment))
  assert.match(merged.yaml, /max_value: \$most/)
  const fresh = mergeSuite({ ...FILES, yaml: '', table: 'gold.new', expectations })
  assert.equal(parseSuites({ ...FILES, yaml: fresh.yaml }).get('gold.new')!.expectations.length, 2)
})
