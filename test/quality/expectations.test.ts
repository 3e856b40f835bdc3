import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { ExactJson } from '../../src/domain/exact-json.ts'
import { EXPECTATIONS } from '../../src/domain/expectation-declarations.ts'
import { checkExpectation } from '../../src/settings/dq/check-expectation.ts'
import { openAsker, type Ask, type Asker } from './ask-suite.ts'

/** Each expectation kept, broken, and asked of a table without rows, by a real engine. Figures are counted by hand. */

interface Case extends Omit<Ask, 'rows'> {
  readonly type: string
  readonly kwargs: Readonly<Record<string, ExactJson>>
  readonly keeps: Ask['rows']
  readonly breaks: Ask['rows']
  /** Offending of considered rows in `breaks`; absent where the table as a whole breaks it. */
  readonly counts?: readonly [offending: number, considered: number]
  readonly actual?: string
  /** What a table without rows makes of it. */
  readonly empty: boolean
}

const ONE = { v: 'string' }
const NUMBER = { v: 'int' }
const ORDERED = { id: 'int', v: 'int' }
const PAIR = { a: 'int', b: 'int' }
const VERSIONS = { id: 'int', valid_from: 'timestamp', valid_to: 'timestamp' }
const t = (text: string): string => `timestamp '2025-${text} 00:00:00'`

const CASES: readonly Case[] = [
  { type: 'expect_column_to_exist', kwargs: { column: 'v' }, columns: ONE, keeps: [], breaks: [], empty: true },
  {
    type: 'expect_table_columns_to_match_set',
    kwargs: { column_set: ['b', 'a'] },
    columns: PAIR,
    keeps: [['1', '2']],
    breaks: [],
    empty: true,
  },
  {
    type: 'expect_table_columns_to_match_ordered_list',
    kwargs: { column_list: ['a', 'b'] },
    columns: PAIR,
    keeps: [['1', '2']],
    breaks: [],
    empty: true,
  },
  {
    type: 'expect_table_column_count_to_equal',
    kwargs: { value: 2 },
    columns: PAIR,
    keeps: [],
    breaks: [],
    empty: true,
  },
  {
    type: 'expect_table_column_count_to_be_between',
    kwargs: { min_value: 2, max_value: 3 },
    columns: PAIR,
    keeps: [],
    breaks: [],
    empty: true,
  },
  {
    type: 'expect_column_values_to_be_in_type_list',
    kwargs: { column: 'v', type_list: ['INTEGER', 'BIGINT'], mostly: 0.5 },
    columns: NUMBER,
    keeps: [['1']],
    breaks: [],
    empty: true,
  },
  {
    type: 'expect_multicolumn_sum_to_equal',
    kwargs: { column_list: ['a', 'b'], sum_total: 3 },
    columns: PAIR,
    keeps: [
      ['1', '2'],
      ['3', 'null'],
      ['null', 'null'],
    ],
    breaks: [
      ['1', '2'],
      ['2', '2'],
      ['1', 'null'],
      ['null', 'null'],
    ],
    counts: [2, 3],
    empty: true,
  },
  {
    type: 'expect_average_sum_per_group_to_be_between',
    kwargs: { column: 'v', group_by: ['id'], min_value: 2, max_value: 4 },
    columns: ORDERED,
    keeps: [
      ['1', '1'],
      ['1', '2'],
      ['2', '4'],
    ],
    breaks: [
      ['1', '1'],
      ['1', '2'],
      ['2', '8'],
    ],
    actual: '5.5',
    empty: false,
  },
  {
    type: 'expect_table_row_count_to_be_between',
    kwargs: { min_value: 1, max_value: 2 },
    columns: ONE,
    keeps: [["'x'"], ["'y'"]],
    breaks: [["'x'"], ["'y'"], ['null']],
    actual: '3',
    empty: false,
  },
  {
    type: 'expect_table_row_count_to_equal',
    kwargs: { value: 1 },
    columns: ONE,
    keeps: [["'x'"]],
    breaks: [["'x'"], ["'y'"]],
    actual: '2',
    empty: false,
  },
  {
    type: 'expect_column_values_to_not_be_null',
    kwargs: { column: 'v' },
    columns: ONE,
    keeps: [["''"], ["'x'"]],
    breaks: [['null'], ["'x'"], ['null']],
    counts: [2, 3],
    empty: true,
  },
  {
    type: 'expect_column_values_to_be_null',
    kwargs: { column: 'v' },
    columns: ONE,
    keeps: [['null']],
    breaks: [['null'], ["''"]],
    counts: [1, 2],
    empty: true,
  },
  {
    type: 'expect_column_values_to_be_unique',
    kwargs: { column: 'v' },
    columns: NUMBER,
    keeps: [['1'], ['2'], ['null'], ['null']],
    breaks: [['1'], ['2'], ['2'], ['3'], ['3'], ['3'], ['null']],
    counts: [5, 6],
    empty: true,
  },
  {
    type: 'expect_compound_columns_to_be_unique',
    kwargs: { column_list: ['a', 'b'] },
    columns: PAIR,
    keeps: [
      ['1', '1'],
      ['1', '2'],
      ['null', 'null'],
      ['null', 'null'],
    ],
    breaks: [
      ['1', '1'],
      ['1', '1'],
      ['1', 'null'],
      ['1', 'null'],
      ['2', '1'],
    ],
    counts: [4, 5],
    empty: true,
  },
  {
    type: 'expect_column_values_to_be_in_set',
    kwargs: { column: 'v', value_set: ["it's", 'back\\slash', '100%'] },
    columns: ONE,
    keeps: [["'it''s'"], ["'back\\slash'"], ["'100%'"], ['null']],
    breaks: [["'it''s'"], ["'100'"], ['null']],
    counts: [1, 2],
    empty: true,
  },
  {
    type: 'expect_column_values_to_not_be_in_set',
    kwargs: { column: 'v', value_set: [7, 8] },
    columns: NUMBER,
    keeps: [['1'], ['null']],
    breaks: [['7'], ['1'], ['8']],
    counts: [2, 3],
    empty: true,
  },
  {
    type: 'expect_column_values_to_be_between',
    kwargs: { column: 'v', min_value: 0, max_value: 10.5, strict_min: true },
    columns: { v: 'decimal' },
    keeps: [['0.01'], ['10.50'], ['null']],
    breaks: [['0'], ['5'], ['10.51']],
    counts: [2, 3],
    empty: true,
  },
  {
    type: 'expect_column_values_to_match_regex',
    kwargs: { column: 'v', regex: '^[A-Z]{3}\\d*$' },
    columns: ONE,
    keeps: [["'ABC'"], ["'ABC12'"], ['null']],
    breaks: [["'ABC'"], ["'ABCD'"], ["''"], ["'ABC\n'"]],
    counts: [3, 4],
    empty: true,
  },
  {
    type: 'expect_column_values_to_not_match_regex',
    kwargs: { column: 'v', regex: '@' },
    columns: ONE,
    keeps: [["'x'"], ["''"], ['null']],
    breaks: [["'a@b'"], ["'x'"]],
    counts: [1, 2],
    empty: true,
  },
  {
    type: 'expect_column_value_lengths_to_be_between',
    kwargs: { column: 'v', min_value: 1, max_value: 3 },
    columns: ONE,
    keeps: [["'äöü'"], ["'a'"], ['null']],
    breaks: [["''"], ["'abcd'"], ["'ab'"]],
    counts: [2, 3],
    empty: true,
  },
  {
    type: 'expect_column_value_lengths_to_equal',
    kwargs: { column: 'v', value: 3 },
    columns: ONE,
    keeps: [["'EUR'"], ['null']],
    breaks: [["'EU'"], ["'EUR'"]],
    counts: [1, 2],
    empty: true,
  },
  {
    type: 'expect_column_values_to_be_of_type',
    kwargs: { column: 'v', type_: 'BIGINT' },
    columns: NUMBER,
    keeps: [['1']],
    breaks: [],
    empty: true,
  },
  ...figures(),
  {
    type: 'expect_column_unique_value_count_to_be_between',
    kwargs: { column: 'v', max_value: 2 },
    columns: NUMBER,
    keeps: [['1'], ['1'], ['2'], ['null']],
    breaks: [['1'], ['2'], ['3']],
    actual: '3',
    empty: true,
  },
  {
    type: 'expect_column_proportion_of_unique_values_to_be_between',
    kwargs: { column: 'v', min_value: 0.75 },
    columns: NUMBER,
    keeps: [['1'], ['2'], ['3'], ['3'], ['null']],
    breaks: [['1'], ['1']],
    actual: '0.5',
    empty: false,
  },
  {
    type: 'expect_column_proportion_of_non_null_values_to_be_between',
    kwargs: { column: 'v', min_value: 0.75 },
    columns: NUMBER,
    keeps: [['1'], ['1'], ['3'], ['null']],
    breaks: [['1'], ['null']],
    actual: '0.5',
    empty: false,
  },
  {
    type: 'expect_column_distinct_values_to_be_in_set',
    kwargs: { column: 'v', value_set: ['a', 'b'] },
    columns: ONE,
    keeps: [["'a'"], ['null']],
    breaks: [["'a'"], ["'c'"], ["'d'"]],
    actual: '1 missing, 2 others',
    empty: true,
  },
  {
    type: 'expect_column_distinct_values_to_contain_set',
    kwargs: { column: 'v', value_set: ['a', 'b'] },
    columns: ONE,
    keeps: [["'a'"], ["'b'"], ["'c'"]],
    breaks: [["'a'"]],
    actual: '1 missing, 0 others',
    empty: false,
  },
  {
    type: 'expect_column_distinct_values_to_equal_set',
    kwargs: { column: 'v', value_set: ['a', 'b', 'a'] },
    columns: ONE,
    keeps: [["'a'"], ["'b'"], ["'b'"]],
    breaks: [["'a'"], ["'b'"], ["'c'"]],
    actual: '0 missing, 1 others',
    empty: false,
  },
  {
    type: 'expect_column_pair_values_a_to_be_greater_than_b',
    kwargs: { column_A: 'a', column_B: 'b', or_equal: true },
    columns: PAIR,
    keeps: [
      ['2', '1'],
      ['1', '1'],
      ['null', 'null'],
    ],
    breaks: [
      ['1', '2'],
      ['2', '1'],
      ['1', 'null'],
      ['null', 'null'],
    ],
    counts: [2, 3],
    empty: true,
  },
  {
    type: 'expect_column_pair_values_to_be_equal',
    kwargs: { column_A: 'a', column_B: 'b', ignore_row_if: 'either_value_is_missing' },
    columns: PAIR,
    keeps: [
      ['1', '1'],
      ['1', 'null'],
    ],
    breaks: [
      ['1', '2'],
      ['1', '1'],
    ],
    counts: [1, 2],
    empty: true,
  },
  {
    type: 'expect_column_values_to_be_increasing',
    kwargs: { column: 'v', order_by: ['id'], strictly: true },
    columns: ORDERED,
    keeps: [
      ['2', '9'],
      ['1', '3'],
      ['3', 'null'],
    ],
    breaks: [
      ['1', '3'],
      ['2', '3'],
      ['3', '2'],
      ['4', 'null'],
      ['5', '4'],
    ],
    counts: [2, 4],
    empty: true,
  },
  {
    type: 'expect_column_values_to_be_decreasing',
    kwargs: { column: 'v', order_by: ['id'] },
    columns: ORDERED,
    keeps: [
      ['1', '3'],
      ['2', '3'],
      ['3', '1'],
    ],
    breaks: [
      ['1', '3'],
      ['2', '4'],
    ],
    counts: [1, 2],
    empty: true,
  },
  {
    type: 'expect_referential_integrity',
    kwargs: { column: 'v', parent: 'silver.parents', parent_column: 'id', grace: '1h' },
    columns: NUMBER,
    parents: { 'silver.parents': { columns: { id: 'int' }, rows: [['1'], ['1'], ['2'], ['null']] } },
    keeps: [['1'], ['1'], ['null']],
    breaks: [['1'], ['3'], ['4'], ['null']],
    counts: [2, 3],
    empty: true,
  },
  {
    type: 'expect_freshness',
    kwargs: { column: 'v', max_age: '2h' },
    columns: { v: 'timestamp' },
    keeps: [["timestamp '2025-06-01 10:00:00'"], ["timestamp '2020-01-01 00:00:00'"]],
    breaks: [["timestamp '2025-06-01 09:59:59'"], ['null']],
    actual: '2025-06-01 09:59:59',
    empty: false,
  },
  {
    type: 'expect_scd2_no_gaps',
    kwargs: { key: ['id'] },
    columns: VERSIONS,
    keeps: [
      ['1', t('01-01'), t('02-01')],
      ['1', t('02-01'), 'null'],
      ['2', t('03-01'), t('03-02')],
    ],
    breaks: [
      ['1', t('01-01'), t('02-01')],
      ['1', t('02-02'), 'null'],
      ['2', t('03-01'), 'null'],
      ['null', t('01-01'), 'null'],
    ],
    counts: [1, 3],
    empty: true,
  },
  {
    type: 'expect_scd2_no_overlaps',
    kwargs: {},
    key: ['id'],
    columns: VERSIONS,
    keeps: [
      ['1', t('01-01'), t('02-01')],
      ['1', t('02-01'), 'null'],
      ['2', t('01-01'), 'null'],
    ],
    breaks: [
      ['1', t('01-01'), t('02-02')],
      ['1', t('02-01'), 'null'],
      ['2', t('01-01'), 'null'],
      ['2', t('01-02'), 'null'],
      ['3', t('01-02'), t('01-02')],
    ],
    counts: [3, 5],
    empty: true,
  },
]

function figures(): Case[] {
  const v = (...values: string[]): string[][] => values.map((value) => [value])
  const of = (name: string, kwargs: Case['kwargs'], keeps: string[], breaks: string[], actual: string): Case => ({
    type: `expect_column_${name}_to_be_between`,
    kwargs: { column: 'v', ...kwargs },
    columns: NUMBER,
    keeps: v(...keeps),
    breaks: v(...breaks),
    actual,
    empty: false,
  })
  return [
    of('mean', { min_value: 2, max_value: 3 }, ['1', '3', 'null'], ['1', '2'], '1.5'),
    of('median', { max_value: 2 }, ['1', '2', '99'], ['1', '3', '99'], '3.0'),
    of('sum', { min_value: 4, strict_min: true }, ['5', 'null'], ['1', '3'], '4'),
    of('min', { min_value: 1 }, ['1', '2'], ['0', '2', 'null'], '0'),
    of('max', { max_value: 2 }, ['1', '2'], ['3', '2'], '3'),
    of('stdev', { max_value: 1 }, ['1', '2', '3'], ['1', '3', '5'], '2.0'),
  ]
}

describe('expectations', () => {
  let asker: Asker
  before(async () => {
    asker = await openAsker()
  })
  after(() => asker.close())

  test('every declared expectation has a case', () => {
    assert.deepEqual([...new Set(CASES.map(({ type }) => type))].toSorted(), Object.keys(EXPECTATIONS).toSorted())
  })

  for (const each of CASES) {
    const { type, kwargs, keeps, breaks, counts, actual, empty, ...ask } = each
    test(`${type} is kept, broken, and asked of no rows`, async () => {
      assert.equal(checkExpectation(type, kwargs), null)
      const kept = await asker.one(type, kwargs, { ...ask, rows: keeps })
      assert.deepEqual([kept.success, kept.impossible, kept.samples], [true, null, []])
      if (breaks.length > 0) {
        const broken = await asker.one(type, kwargs, { ...ask, rows: breaks })
        assert.deepEqual([broken.success, broken.impossible], [false, null])
        assert.deepEqual([broken.offending, broken.considered], counts ?? [null, null])
        assert.equal(broken.samples.length, counts?.[0] ?? 0, 'each offending row is a sample')
        for (const sample of broken.samples) assert.deepEqual(Object.keys(sample), Object.keys(ask.columns))
        if (actual !== undefined) assert.equal(broken.actual, actual)
      }
      assert.equal((await asker.one(type, kwargs, { ...ask, rows: [] })).success, empty)
    })
  }

  test('what the columns alone tell can fail too', async () => {
    const ask = { columns: PAIR, rows: [] }
    for (const [type, kwargs] of [
      ['expect_column_to_exist', { column: 'c' }],
      ['expect_table_columns_to_match_set', { column_set: ['a'] }],
      ['expect_table_columns_to_match_set', { column_set: ['a', 'b', 'c'], exact_match: false }],
      ['expect_table_columns_to_match_ordered_list', { column_list: ['b', 'a'] }],
      ['expect_table_column_count_to_equal', { value: 3 }],
      ['expect_column_values_to_be_of_type', { column: 'a', type_: 'string', mostly: 0.1 }],
      ['expect_column_values_to_be_in_type_list', { column: 'a', type_list: ['string', 'double'] }],
      ['expect_table_column_count_to_be_between', { max_value: 1 }],
      ['expect_table_column_count_to_be_between', { min_value: 3 }],
    ] as const) {
      assert.equal((await asker.one(type, kwargs, ask)).success, false, type)
    }
    const others = { column_set: ['a'], exact_match: false }
    assert.equal((await asker.one('expect_table_columns_to_match_set', others, ask)).success, true)
  })

  test('mostly lets through no more than its share, of the rows that count', async () => {
    const rows = [...Array.from({ length: 9 }, () => ["'x'"]), ["'y'"], ['null']]
    const ask = { columns: ONE, rows }
    const of = (mostly: number): Promise<boolean> =>
      asker
        .one('expect_column_values_to_be_in_set', { column: 'v', value_set: ['x'], mostly }, ask)
        .then(({ success }) => success)
    assert.deepEqual([await of(0.9), await of(0.91), await of(0.1)], [true, false, true])
  })

  test('row_condition narrows the rows that count, and is read as Great Expectations writes it', async () => {
    const ask = {
      columns: { s: 'string', v: 'int' },
      rows: [
        ["'paid'", '1'],
        ["'open'", 'null'],
        ['null', 'null'],
      ],
    }
    const of = async (row_condition: string): Promise<unknown> => {
      const found = await asker.one('expect_column_values_to_not_be_null', { column: 'v', row_condition }, ask)
      return found.impossible ?? [found.offending, found.considered]
    }
    assert.deepEqual(await of('col("s") == "paid"'), [0, 1])
    assert.deepEqual(await of('col("s").notnull() and col("v") >= 1'), [0, 1])
    assert.deepEqual(await of("col('s') != 'paid'"), [1, 1])
    assert.deepEqual(await of('col("s").isnull()'), [1, 1])
    assert.match(String(await of(`col("s") == "x' or 1=1 --"; drop`)), /not understood at "; drop"/)
    assert.match(String(await of('1 = 1')), /not understood/)
    assert.match(String(await of('col("nope") == 1')), /has no column nope/)
  })

  test('a missing parent is critical only past the grace, a row of unknown age is old', async () => {
    const ask: Ask = {
      columns: { v: 'int', at: 'timestamp' },
      rows: [
        ['1', "timestamp '2025-06-01 11:30:00'"],
        ['2', "timestamp '2025-06-01 11:30:00'"],
        ['3', "timestamp '2025-06-01 10:59:59'"],
        ['4', 'null'],
      ],
      parents: { 'silver.parents': { columns: { id: 'int' }, rows: [['1']] } },
      ageColumn: 'at',
    }
    const kwargs = { column: 'v', parent: 'silver.parents', parent_column: 'id', grace: '1h' }
    const found = await asker.one('expect_referential_integrity', kwargs, ask)
    assert.deepEqual([found.success, found.offending, found.young, found.considered], [false, 2, 1, 4])
    assert.deepEqual(found.samples.map((row) => `${row['v'] as bigint}`).toSorted(), ['3', '4'])
    const young = await asker.one('expect_referential_integrity', kwargs, { ...ask, rows: ask.rows.slice(0, 2) })
    assert.deepEqual([young.success, young.young, young.samples.length], [true, 1, 0])
    const none = await asker.one('expect_referential_integrity', kwargs, { ...ask, parents: {} })
    assert.deepEqual([none.success, none.offending, none.young], [false, 2, 2], 'a parent without a table lacks all')
  })

  test('a gap that a deletion made is none', async () => {
    const rows = [
      ['1', t('01-01'), t('02-01')],
      ['1', t('03-01'), 'null'],
    ]
    const ask: Ask = { columns: VERSIONS, rows, key: ['id'] }
    const deletedAt = (day: string): string => `select 1 as id, ${t(day)} as _sequence`
    assert.equal((await asker.one('expect_scd2_no_gaps', {}, ask)).success, false)
    assert.equal((await asker.one('expect_scd2_no_gaps', {}, { ...ask, deletions: deletedAt('02-01') })).success, true)
    assert.equal((await asker.one('expect_scd2_no_gaps', {}, { ...ask, deletions: deletedAt('02-02') })).success, false)
  })

  test('what cannot be asked of the columns fails and says why', async () => {
    const ask = { columns: { v: 'string', n: 'int' }, rows: [["'x'", '1']] }
    const why = async (type: string, kwargs: Case['kwargs']): Promise<string | null> => {
      const found = await asker.one(type, kwargs, ask)
      assert.equal(found.success, false)
      return found.impossible
    }
    assert.match(
      (await why('expect_column_values_to_not_be_null', { column: 'w' })) ?? '',
      /no column w; did you mean v/,
    )
    assert.match((await why('expect_column_values_to_be_between', { column: 'v', min_value: 1 })) ?? '', /no string/)
    assert.match((await why('expect_column_mean_to_be_between', { column: 'v', min_value: 1 })) ?? '', /no number/)
    assert.match((await why('expect_column_values_to_match_regex', { column: 'n', regex: 'x' })) ?? '', /no text/)
  })
})
