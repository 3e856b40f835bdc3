import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openDuckdbEngine } from '../../../src/adapters/duckdb/duckdb-engine.ts'
import type { ModelEngine } from '../../../src/ports/model-engine.ts'
import { changeSteps, COUNTS, keysQuestion, type ChangeFacts } from '../../../src/operate/backfill/change-sql.ts'
import { temporaryFolder } from '../../support/sluice.ts'

/** How rows of a range and of bronze are told apart, on an engine; rows are `id, n, at, op, recorded, epoch, partition, offset`. */

type Row = readonly [string, number | null, string | null, string, string, number, number, number]

let engine: ModelEngine
let folder: Awaited<ReturnType<typeof temporaryFolder>>
before(async () => {
  folder = await temporaryFolder('change-sql')
  engine = openDuckdbEngine({ memoryLimitBytes: 256 * 2 ** 20, tempFolder: folder.path, threads: 1 })
})
after(async () => {
  await engine.close()
  await folder.remove()
})

const FACTS: ChangeFacts = {
  key: ['id'],
  columns: [
    { name: 'id', type: { kind: 'string' }, nullable: true },
    { name: 'n', type: { kind: 'int64' }, nullable: true },
    { name: 'at', type: { kind: 'timestamp' }, nullable: true },
  ],
  held: new Set(['id', 'n', 'at']),
  watermark: 'at',
  start: { at: '2026-01-01 00:00:00', included: true },
  end: '2026-01-02 00:00:00',
}
const NOW = '2026-02-01 00:00:00'

function table(name: string, rows: readonly Row[]): { readonly name: string; readonly sql: string } {
  const literal = (value: string | number | null): string =>
    value === null ? 'null' : typeof value === 'number' ? String(value) : `'${value}'`
  const values = rows.map((row) => `(${row.map(literal).join(', ')})`)
  const places = '_epoch, _partition, _offset'
  const none = `(null, null, null, null, null, null, null, null)`
  const sql = `select cast(id as varchar) as id, cast(n as bigint) as n, cast("at" as timestamp) as "at", cast(_op as varchar) as _op, cast(_record_ts as timestamp) as _record_ts, ${places} from (values ${[none, ...values].join(', ')}) t(id, n, "at", _op, _record_ts, ${places}) where id is not null`
  return { name, sql }
}

async function told(
  read: readonly Row[],
  bronze: readonly Row[],
  over: Partial<ChangeFacts> = {},
): Promise<Readonly<Record<string, string>>> {
  const facts = { ...FACTS, ...over }
  const kinds = ['new', 'changed', 'older', 'same', 'gone'] as const
  const answers = await engine.ask({
    inputs: [],
    steps: [table('read_rows', read), table('bronze_rows', bronze), ...changeSteps(facts)],
    questions: [...COUNTS, ...kinds.map((kind) => keysQuestion(1, kind, 9))],
  })
  const counts = new Map([...answers[0]!, ...answers[1]!].map(({ what, n }) => [what, Number(n)]))
  return Object.fromEntries(
    kinds.flatMap((kind, i) => {
      const keys = answers[COUNTS.length + i]!.map(({ tk0 }) => tk0 as string)
      assert.equal(keys.length, counts.get(kind) ?? 0)
      return keys.length === 0 ? [] : [[kind, keys.join(' ')]]
    }),
  )
}

async function counted(
  read: readonly Row[],
  bronze: readonly Row[],
  over: Partial<ChangeFacts>,
): Promise<Readonly<Record<string, number>>> {
  const answers = await engine.ask({
    inputs: [],
    steps: [table('read_rows', read), table('bronze_rows', bronze), ...changeSteps({ ...FACTS, ...over })],
    questions: COUNTS,
  })
  return Object.fromEntries(answers.flat().map(({ what, n }) => [what as string, Number(n)]))
}

const NOON = '2026-01-01 12:00:00'
const LATER = '2026-01-01 18:00:00'
const read = (id: string, n: number | null, at = NOON, op = 'u', offset = 0): Row => [id, n, at, op, NOW, 0, 0, offset]
const held = (id: string, n: number | null, at: string | null = NOON, op = 'c', offset = 0): Row => [
  id,
  n,
  at,
  op,
  '2026-01-01 15:00:00',
  1,
  0,
  offset,
]

describe('what a range would change is told by key, against the newest row that bronze has of it', () => {
  for (const [name, rows, bronze, expected] of [
    ['no row of it', [read('a', 1)], [], { new: 'a' }],
    ['the same values, whatever the operation', [read('a', 1)], [held('a', 1)], { same: 'a' }],
    ['null is a value', [read('a', null)], [held('a', 1)], { changed: 'a' }],
    ['null and null are one', [read('a', null)], [held('a', null)], { same: 'a' }],
    ['newest by the watermark', [read('a', 2)], [held('a', 2), held('a', 1, LATER)], { older: 'a' }],
    ['newest by its place, at one time', [read('a', 2)], [held('a', 2, NOON, 'c', 1), held('a', 1)], { same: 'a' }],
    ['a later change', [read('a', 1, LATER)], [held('a', 1)], { changed: 'a' }],
    [
      'a key that was read twice counts once',
      [read('a', 1), read('a', 2, NOON, 'u', 1)],
      [held('a', 2)],
      { same: 'a' },
    ],
    ['a soft delete', [read('a', 1, NOON, 'd')], [held('a', 1)], { changed: 'a' }],
    ['deleted on both sides', [read('a', 1, NOON, 'd')], [held('a', 7, NOON, 'd')], { same: 'a' }],
    ['a delete without values after it', [read('a', 1)], [held('a', 1), held('a', null, null, 'd', 1)], { older: 'a' }],
    ['one before it', [read('a', 1, LATER)], [held('a', null, null, 'd')], { changed: 'a' }],
    ['a key of the range that was not read', [read('a', 1)], [held('a', 1), held('b', 1)], { same: 'a', gone: 'b' }],
    ['but not one that moved on', [], [held('b', 1), held('b', 2, '2026-01-03 00:00:00')], {}],
    ['nor one that is deleted', [], [held('b', 1), held('b', null, null, 'd', 1)], {}],
    ['at the bounds', [], [held('b', 1, '2026-01-01 00:00:00'), held('c', 1, '2026-01-02 00:00:00')], { gone: 'b' }],
  ] as const) {
    it(name, async () => assert.deepEqual(await told(rows, bronze), expected))
  }

  it('with no table yet all is new', async () => {
    assert.deepEqual(await told([read('a', 1)], [], { held: null }), { new: 'a' })
  })

  it('a column that the table lacks counts as null there', async () => {
    const lacks = { held: new Set(['id', 'at']) }
    const bronze = [held('a', 1), held('b', 1)]
    assert.deepEqual(await told([read('a', 1), read('b', null)], bronze, lacks), { changed: 'a', same: 'b' })
  })

  it('without a time nothing is older or gone, and the newest row is the last that landed', async () => {
    const bronze = [held('a', 2), held('a', 1, LATER, 'c', 1), held('b', 1)]
    const columns = FACTS.columns.slice(0, 2)
    assert.deepEqual(await told([read('a', 1)], bronze, { watermark: null, columns }), { same: 'a' })
  })

  it('in parts, every key is told once', async () => {
    const ids = Array.from({ length: 200 }, (_, i) => `k${i}`)
    const bronze = ids.slice(50).map((id) => held(id, 1))
    const rows = ids.slice(0, 150).map((id) => read(id, 1))
    const parts = await Promise.all([0, 1, 2].map((at) => counted(rows, bronze, { slice: { at, of: 3 } })))
    assert.ok(parts.every(({ same = 0 }) => same > 0 && same < 100))
    const sum = (kind: string): number => parts.reduce((all, part) => all + (part[kind] ?? 0), 0)
    assert.deepEqual([sum('new'), sum('same'), sum('gone'), sum('changed')], [50, 100, 50, 0])
  })

  it('of a range that goes on, what an earlier call has read is not missed', async () => {
    const start = { at: NOON, included: false }
    assert.deepEqual(await told([], [held('a', 1), held('b', 1, LATER)], { start }), { gone: 'b' })
  })
})
