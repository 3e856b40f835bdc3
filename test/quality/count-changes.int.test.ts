import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { openDuckdbEngine } from '../../src/adapters/duckdb/duckdb-engine.ts'
import { portablePattern } from '../../src/contract/rules/portable-pattern.ts'
import type { EngineStep, ModelEngine } from '../../src/ports/model-engine.ts'
import type { Counts, Since } from '../../src/quality/count-changes.ts'
import { judgeSuite, type JudgedSuite } from '../../src/quality/judge-suite.ts'
import type { JudgedTable } from '../../src/quality/judged-table.ts'
import { expect, fields, NOW_MS, rowsSql } from './ask-suite.ts'

/** A long table is counted by the rows that changed: what it finds is what counting all of it finds. */

const COLUMNS = { id: 'int', v: 'int', g: 'string', _deleted: 'boolean' }
const PARENT = { g: 'string' }
const EXPECTATIONS = [
  expect('expect_column_values_to_not_be_null', { column: 'v' }, 'warn'),
  expect('expect_column_values_to_not_be_null', { column: 'v', mostly: 0.5 }),
  expect('expect_column_values_to_be_between', { column: 'v', min_value: 1, row_condition: 'col("g") != "a"' }),
  expect('expect_column_values_to_be_in_set', { column: 'g', value_set: ['a', 'b', ''] }),
  expect('expect_column_values_to_match_regex', { column: 'g', regex: '^[a-c]?$' }),
  expect('expect_column_pair_values_a_to_be_greater_than_b', { column_A: 'id', column_B: 'v', or_equal: true }),
  expect('expect_column_values_to_be_unique', { column: 'id' }),
  expect('expect_column_values_to_be_unique', { column: 'v' }),
  expect('expect_compound_columns_to_be_unique', { column_list: ['g', 'id'] }),
  expect('expect_compound_columns_to_be_unique', { column_list: ['g', 'v'], ignore_row_if: 'any_value_is_missing' }),
  expect('expect_referential_integrity', { column: 'g', parent: 'silver.groups', parent_column: 'g' }),
  expect('expect_table_row_count_to_be_between', { min_value: 3 }),
]

interface Row {
  readonly id: number
  readonly v: number | null
  readonly g: string | null
  readonly deleted: boolean
}

/** What one commit brings: for each key that changes, its rows from now on. */
interface Day {
  readonly rows: ReadonlyMap<number, readonly Row[]>
  readonly parents: readonly string[]
}

const row = fc.record({
  v: fc.option(fc.integer({ min: -1, max: 6 })),
  g: fc.option(fc.constantFrom('', 'a', 'b', 'c', 'd')),
  deleted: fc.boolean(),
})
const day = fc
  .record({
    rows: fc.array(
      fc.tuple(
        fc.integer({ min: 0, max: 9 }),
        // a key has one row mostly, none where it goes, two where the model is at fault
        fc.oneof(
          { weight: 6, arbitrary: fc.array(row, { minLength: 1, maxLength: 1 }) },
          { weight: 1, arbitrary: fc.array(row, { maxLength: 2 }) },
        ),
      ),
      { maxLength: 6 },
    ),
    parents: fc.subarray(['', 'a', 'b', 'c', 'd'], { minLength: 1 }),
  })
  .map(({ rows, parents }): Day => ({
    rows: new Map(rows.map(([id, each]) => [id, each.map((one) => ({ id, ...one }))])),
    parents,
  }))

const ONE: Row = { id: 1, v: 1, g: 'a', deleted: false }
const OTHERS = [2, 3, 4].map((id) => [id, [{ ...ONE, id }]] as const)
const TWICE: Day = { rows: new Map<number, readonly Row[]>([[1, [ONE, { ...ONE, v: 2 }]], ...OTHERS]), parents: ['a'] }
const ONCE: Day = { rows: new Map([[1, [ONE]]]), parents: ['a'] }

function sqlOf(rows: readonly Row[]): string {
  const text = (value: string | null): string => (value === null ? 'null' : `'${value}'`)
  return rowsSql(
    COLUMNS,
    rows.map(({ id, v, g, deleted }) => [String(id), String(v), text(g), String(deleted)]),
  )
}

describe('counting a table by the rows that changed', () => {
  let folder: string
  let engine: ModelEngine
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-changes-'))
    engine = openDuckdbEngine({ memoryLimitBytes: 2 ** 28, threads: 1, tempFolder: folder })
  })
  after(async () => {
    await engine.close()
    await rm(folder, { recursive: true, force: true })
  })

  interface Judging {
    readonly now: readonly Row[]
    readonly added: readonly Row[]
    readonly removed: readonly Row[]
    readonly parents: readonly string[]
    readonly since: Omit<Since, 'inputs' | 'added' | 'removed' | 'visible'> | null
    readonly asked?: string[]
    readonly expectations?: typeof EXPECTATIONS
  }

  const visible = (view: string): string => `(select * from ${view} where not coalesce(_deleted, false))`

  async function judge(judging: Judging): Promise<JudgedSuite> {
    const { now, added, removed, parents, since, asked = [], expectations = EXPECTATIONS } = judging
    const steps: EngineStep[] = [
      { name: 'judged', sql: sqlOf(now) },
      { name: 'added', sql: sqlOf(added) },
      { name: 'removed', sql: sqlOf(removed) },
      {
        name: 'parents',
        sql: rowsSql(
          PARENT,
          parents.map((each) => [`'${each}'`]),
        ),
      },
    ]
    const table: JudgedTable = {
      name: { layer: 'silver', table: 'things' },
      view: visible('judged'),
      fields: fields(COLUMNS),
      key: ['id'],
      bornAt: null,
      nowMs: NOW_MS,
      parent: () => ({ view: 'parents', fields: fields(PARENT) }),
      deletions: null,
      pattern: (text) => portablePattern(text, { subject: 'test', path: 'regex' }),
    }
    return judgeSuite({
      engine: {
        ask: (plan) => {
          asked.push(...plan.questions)
          return engine.ask({ ...plan, steps: [...steps, ...(plan.steps ?? [])] })
        },
      },
      inputs: [],
      table,
      expectations,
      samples: () => 20,
      since: since === null ? null : { ...since, inputs: [], added: 'added', removed: 'removed', visible },
    })
  }

  test('over any history of changes the findings are those of the whole table, samples too, and so are the counts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(day, { minLength: 2, maxLength: 5 }), async (days) => {
        let now: readonly Row[] = []
        let counts: Counts | null = null
        for (const { rows, parents } of days) {
          const removed = now.filter(({ id }) => rows.has(id))
          const added = [...rows.values()].flat()
          const next = [...now.filter(({ id }) => !rows.has(id)), ...added]
          const state = { now: next, added, removed, parents }
          const whole = await judge({ ...state, since: null })
          if (counts !== null) {
            const since = { counts, rows: { before: now.length, after: next.length }, key: ['id'] }
            const changed = await judge({ ...state, since })
            assert.deepEqual(sorted(changed), sorted(whole))
            assert.deepEqual(changed.counts, whole.counts)
            counts = changed.counts
          } else counts = whole.counts
          now = next
        }
      }),
      { numRuns: 12, examples: [[[TWICE, ONCE]], [[ONCE, TWICE]]] },
    )
  })

  const ROWS: readonly Row[] = [1, 2, 3, 4].map((id) => ({ id, v: id, g: 'a', deleted: false }))
  const CHANGE = {
    now: [...ROWS.slice(1), { ...ROWS[0]!, g: 'b' }],
    added: [{ ...ROWS[0]!, g: 'b' }],
    removed: [ROWS[0]!],
    parents: ['a'],
  }
  const BY_ROW = EXPECTATIONS.slice(0, 7)

  async function countsBefore(): Promise<Counts> {
    return (await judge({ ...CHANGE, now: ROWS, since: null, expectations: BY_ROW })).counts
  }

  test('what was counted before is not read again', async () => {
    const asked: string[] = []
    const since = { counts: await countsBefore(), rows: { before: 4, after: 4 }, key: ['id'] }
    await judge({ ...CHANGE, since, asked, expectations: BY_ROW })
    assert.deepEqual([asked.length > 0, asked.filter((sql) => sql.includes('judged'))], [true, []])
  })

  test('all is counted where the rows do not add up, and where the key of what changed is not told', async () => {
    const counts = await countsBefore()
    for (const since of [
      { counts, rows: { before: 4, after: 5 }, key: ['id'] },
      { counts, rows: { before: 4, after: 4 }, key: [] },
      { counts: new Map(), rows: { before: 4, after: 4 }, key: ['id'] },
    ]) {
      const asked: string[] = []
      await judge({ ...CHANGE, since, asked, expectations: BY_ROW })
      assert.ok(asked.some((sql) => sql.includes('judged')))
    }
  })
})

/** Samples are any of the offending rows, in no order: there are never more of them here than are asked for. */
function sorted({ findings }: JudgedSuite): unknown {
  return findings.map((finding) => ({
    ...finding,
    samples: finding.samples
      .map((each) => JSON.stringify(each, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)))
      .toSorted(),
  }))
}
