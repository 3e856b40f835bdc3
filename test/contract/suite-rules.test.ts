import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createJudge } from '../../src/contract/judge.ts'
import { createEncoder } from '../../src/contract/encode.ts'
import type { Expectation } from '../../src/domain/expectation.ts'
import type { RegisteredSchema } from '../../src/ports/schema-registry.ts'
import { avro, batchOf, jsonSchema } from './judged.ts'

function rule(type: string, kwargs: Expectation['kwargs']): Expectation {
  return { type, kwargs, severity: 'critical', at: { file: '/p/dq.yaml', line: 7 } }
}

const RULES = [
  rule('expect_column_values_to_not_be_null', { column: 'id' }),
  rule('expect_column_values_to_match_regex', { column: 'id', regex: '^[A-Z]' }),
  rule('expect_column_value_lengths_to_be_between', { column: 'id', max_value: 3, strict_max: true }),
  rule('expect_column_values_to_be_between', { column: 'n', min_value: 0, strict_min: true }),
  rule('expect_column_values_to_not_be_in_set', { column: 'n', value_set: [13] }),
]
const ROWS: readonly (readonly [string | null, number | null, readonly string[]])[] = [
  ['AB', 1, []],
  ['AB', null, []],
  [null, 1, ['REQUIRED']],
  ['ab', 0, ['PATTERN', 'RANGE']],
  ['ABC', 13, ['LENGTH', 'NOT']],
]
const NULLABLE = (type: string): object => ({ type: ['null', type], default: null })

for (const schema of [
  avro([
    { name: 'id', ...NULLABLE('string') },
    { name: 'n', ...NULLABLE('long') },
  ]),
  jsonSchema({ type: 'object', properties: { id: { type: ['string', 'null'] }, n: { type: ['integer', 'null'] } } }),
] satisfies RegisteredSchema[]) {
  test(`critical record rules of a bronze suite refuse what breaks them, as the contract's own do (${schema.format})`, () => {
    const encoder = createEncoder(schema)
    const records = ROWS.map(([id, n]) => {
      const encoded = encoder.encode(['id', 'n'], [id, n === null ? null : BigInt(n)], false)
      assert.ok(encoded.kind === 'encoded')
      return { value: encoded.bytes }
    })
    const judge = createJudge({ schema, mode: 'rescue', keyColumns: [], recordRules: RULES })
    const judged = judge.judge(batchOf(records), new Map([[schema.id, schema]]))
    assert.deepEqual([...judged.rows], [0, 1])
    assert.deepEqual(
      judged.refusals.map(({ index, errors }) => [index, errors.map(({ code }) => code).toSorted()]),
      ROWS.flatMap(([, , codes], index) => (codes.length === 0 ? [] : [[index, codes.toSorted()]])),
    )
  })
}

test('a rule that does not fit the contract names its own line', () => {
  const schema = avro([{ name: 'id', type: 'string' }])
  for (const [wrong, message] of [
    [rule('expect_column_values_to_not_be_null', { column: 'idd' }), /no field idd; did you mean id/],
    [rule('expect_column_values_to_be_between', { column: 'id', min_value: 1 }), /does not apply/],
  ] as const) {
    assert.throws(() => createJudge({ schema, mode: 'rescue', keyColumns: [], recordRules: [wrong] }), {
      code: 'SETTINGS_INVALID',
      message,
      where: { file: '/p/dq.yaml', line: 7, key: wrong.type },
    })
  }
})
