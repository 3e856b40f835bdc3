import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'

import { SluiceError } from '../../../src/domain/errors.ts'
import type { SourceRow, SourceValue } from '../../../src/ports/source-connector.ts'
import { readPass, SqliteTable, sqliteTime, type Options } from '../../conformance/sqlite-table.ts'
import { testSourceConnector } from '../../conformance/source-connector.ts'

const DDL =
  'create table orders (id text not null, part integer not null, v text, gone integer, at timestamp not null, primary key (id, part))'
const INCREMENTAL: Options = {
  table: 'orders',
  primary_key: ['id', 'part'],
  load_type: 'incremental',
  watermark_column: 'at',
  soft_delete_column: 'gone',
  batch_rows: 3,
  page_rows: 7,
}
const FULL: Options = { ...INCREMENTAL, load_type: 'full', watermark_column: null, soft_delete_column: null }
const DAY = Date.UTC(2026, 0, 1)

for (const [name, options] of [
  ['rows behind a watermark', INCREMENTAL],
  ['a whole table by key', FULL],
] as const) {
  testSourceConnector(
    `a table, ${name}`,
    () => {
      const table = new SqliteTable(DDL)
      for (let i = 0; i < 40; i += 1)
        insert(table, { id: String(i % 7), part: i, atMs: DAY + Math.floor(i / 5) * 1000 })
      return Promise.resolve({ open: () => table.connector(options), close: () => Promise.resolve(table.db.close()) })
    },
    {
      places: [
        {
          object: 'orders',
          rows: Array.from({ length: 40 }, (_, part) => ({ id: String(part % 7), part, at: Math.floor(part / 5) }))
            .sort((a, b) => (options === FULL ? 0 : a.at - b.at) || Number(a.id) - Number(b.id) || a.part - b.part)
            .map(({ id, part }) => JSON.stringify([id, String(part)])),
          refused: [],
        },
      ],
    },
  )
}

for (const form of ['row', 'expanded'] as const) {
  test(`rows of one watermark all come, over pages that end among them (${form} comparison)`, async () => {
    const table = new SqliteTable(DDL)
    table.form = form
    for (let i = 0; i < 50; i += 1) insert(table, { id: String(i % 4), part: i, atMs: DAY })
    const rows = (await readPass(table.connector(INCREMENTAL), new Map())).flatMap((batch) => batch.rows)
    assert.equal(new Set(rows.map(({ at }) => at)).size, 50)
    assert.equal(rows.length, 50)
    assert.ok(table.queries.every((query) => !/\boffset\b/i.test(query)))
  })
}

test('a soft-deleted row is a delete with its values', async () => {
  const table = new SqliteTable(DDL)
  insert(table, { id: 'a', part: 1, atMs: DAY, gone: 1 })
  insert(table, { id: 'b', part: 1, atMs: DAY, gone: 0 })
  insert(table, { id: 'c', part: 1, atMs: DAY, gone: null })
  const [batch] = await readPass(table.connector(INCREMENTAL), new Map())
  assert.deepEqual(
    batch!.rows.map(({ op, values }) => [op, values[0]]),
    [
      ['d', 'a'],
      ['r', 'b'],
      ['r', 'c'],
    ],
  )
})

test('rows with a null watermark are counted, told and left behind, and the others go on', async () => {
  const table = new SqliteTable('create table orders (id text not null, at timestamp)')
  table.db.exec("insert into orders values ('a', null), ('b', '2026-01-01 00:00:00.000'), ('c', null)")
  const batches = await readPass(
    table.connector({ ...INCREMENTAL, primary_key: ['id'], soft_delete_column: null }),
    new Map(),
  )
  assert.deepEqual(
    batches.flatMap((batch) => batch.notes ?? []),
    ['2 rows of orders with a null in at cannot be read by watermark and stay behind'],
  )
  assert.deepEqual(
    batches.flatMap((batch) => batch.rows).map(({ at }) => at),
    ['b'],
  )
})

test('a late commit within the overlap is sent, a row that was sent is not sent again, and an idle pass sends nothing', async () => {
  const table = new SqliteTable(DDL)
  const state = new Map<string, string>()
  const pass = async (): Promise<string[]> => {
    const batches = await readPass(table.connector({ ...INCREMENTAL, overlap: 60_000 }), state)
    return batches.flatMap((batch) => batch.rows).map(({ values }) => textOf(values[0]))
  }
  insert(table, { id: 'a', part: 1, atMs: DAY })
  insert(table, { id: 'b', part: 1, atMs: DAY + 30_000 })
  assert.deepEqual(await pass(), ['a', 'b'])
  assert.deepEqual(await pass(), [])
  insert(table, { id: 'late', part: 1, atMs: DAY + 10_000 })
  assert.deepEqual(await pass(), ['late'])
  assert.deepEqual(await pass(), [])
  insert(table, { id: 'too late', part: 1, atMs: DAY - 60_000 })
  insert(table, { id: 'c', part: 1, atMs: DAY + 3_600_000 })
  assert.deepEqual(await pass(), ['c'])
  assert.deepEqual(await pass(), [])
  // marks of what lies before the window are dropped
  insert(table, { id: 'd', part: 1, atMs: DAY + 7_200_000 })
  assert.deepEqual(await pass(), ['d'])
  insert(table, { id: 'e', part: 1, atMs: DAY + 10_800_000 })
  assert.deepEqual(await pass(), ['e'])
  assert.equal([...state.keys()].filter((entry) => entry.startsWith('seen:')).length, 2)
})

test('where the clock of the source went back, it is told, and what is written then is read', async () => {
  const table = new SqliteTable(DDL)
  const state = new Map<string, string>()
  const pass = () => readPass(table.connector({ ...INCREMENTAL, overlap: 60_000 }), state)
  insert(table, { id: 'a', part: 1, atMs: table.nowMs })
  await pass()
  table.nowMs -= 3_600_000
  insert(table, { id: 'b', part: 1, atMs: table.nowMs })
  const batches = await pass()
  assert.match(
    batches.flatMap((batch) => batch.notes ?? []).join(),
    /stands at 2026-01-02 00:00:00.000, later than its clock/,
  )
  assert.deepEqual(
    batches.flatMap((batch) => batch.rows).map(({ values }) => values[0]),
    ['b'],
  )
})

test('a row that lies in the future holds nothing up, and the marks of rows that are read again stay few', async () => {
  const table = new SqliteTable(DDL)
  const state = new Map<string, string>()
  insert(table, { id: 'future', part: 1, atMs: Date.UTC(2099, 0, 1) })
  await readPass(table.connector({ ...INCREMENTAL, overlap: 60_000 }), state)
  for (let part = 1; part <= 10; part += 1) {
    table.nowMs += 45_000
    insert(table, { id: 'a', part, atMs: table.nowMs })
    const batches = await readPass(table.connector({ ...INCREMENTAL, overlap: 60_000 }), state)
    assert.deepEqual(
      batches.flatMap(({ rows }) => rows.map(({ at }) => at)),
      [JSON.stringify(['a', String(part)])],
    )
    const idle = await readPass(table.connector({ ...INCREMENTAL, overlap: 60_000 }), state)
    assert.deepEqual(
      idle.filter(({ progress }) => progress.size > 0),
      [],
    )
  }
  assert.ok([...state.keys()].filter((entry) => entry.startsWith('seen:')).length <= 5)
})

test('a column that changed its type, came or went is told once', async () => {
  const table = new SqliteTable(DDL)
  const state = new Map<string, string>()
  const pass = () => readPass(table.connector(INCREMENTAL), state)
  insert(table, { id: 'a', part: 1, atMs: DAY })
  await pass()
  table.db.exec(
    'alter table orders drop column v; alter table orders add column v integer; alter table orders add column w text',
  )
  insert(table, { id: 'b', part: 1, atMs: DAY + 1 })
  assert.deepEqual(
    (await pass()).flatMap((batch) => batch.notes ?? []),
    ['column v of orders is INTEGER now and was TEXT', 'column w of orders is new (TEXT)'],
  )
  assert.deepEqual(await pass(), [])
})

test('what settings name must be there, and names that carry SQL are refused', async () => {
  const table = new SqliteTable(DDL)
  const failing = async (options: Options): Promise<SluiceError> => {
    try {
      await readPass(table.connector({ ...INCREMENTAL, ...options }), new Map())
    } catch (error) {
      assert.ok(error instanceof SluiceError)
      return error
    }
    throw new assert.AssertionError({ message: 'it was taken' })
  }
  const missing = await failing({ watermark_column: 'att' })
  assert.equal(missing.code, 'SOURCE_UNREADABLE')
  assert.match(missing.message, /no column att; did you mean at\?/)
  assert.equal((await failing({ watermark_column: null })).code, 'SETTINGS_INVALID')
  assert.equal((await failing({ primary_key: [] })).code, 'SETTINGS_INVALID')
  for (const name of ['id" or 1=1 --', 'a;drop table orders', "a'b", 'a"b', 'a\0b', 'x--y', '']) {
    assert.equal((await failing({ primary_key: [name] })).code, 'IDENTIFIER_INVALID', name)
    assert.equal((await failing({ table: `public.${name}` })).code, 'IDENTIFIER_INVALID', name)
    assert.equal((await failing({ watermark_column: name })).code, 'IDENTIFIER_INVALID', name)
  }
})

test('a range holds the rows from its start, included, to its end, excluded, and goes on where it was left', async () => {
  const table = new SqliteTable(DDL)
  for (let i = 0; i < 30; i += 1) insert(table, { id: String(i), part: 1, atMs: DAY + Math.floor(i / 3) * 1000 })
  const from = new Map([['watermark', JSON.stringify({ value: sqliteTime(DAY + 2000), key: [] })]])
  const ids: string[] = []
  for (;;) {
    let read = 0
    for await (const batch of table.connector(INCREMENTAL).read(new Map(from), { to: sqliteTime(DAY + 5000) })) {
      read += batch.rows.length
      ids.push(...batch.rows.map(({ values }) => textOf(values[0])))
      for (const [entry, value] of batch.progress) if (value !== null) from.set(entry, value)
      break
    }
    if (read === 0) break
  }
  assert.deepEqual(
    ids.map(Number).sort((a, b) => a - b),
    [6, 7, 8, 9, 10, 11, 12, 13, 14],
  )
})

/** What the topic says of each key, after any number of rows of it. */
function fold(standing: Map<string, readonly unknown[]>, rows: readonly SourceRow[]): void {
  for (const { at, op, values } of rows) {
    if (op === 'd') standing.delete(at)
    else standing.set(at, values)
  }
}

test('whatever a writer does and wherever readers die, what was sent adds up to the table; a pass with nothing new sends nothing', async () => {
  const change = fc.record({
    id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'NULL', ''),
    part: fc.integer({ min: 0, max: 3 }),
    v: fc.option(fc.constantFrom('', 'NULL', 'x', '😀')),
    kind: fc.constantFrom('write', 'write', 'write', 'delete'),
    /** How far before now it was stamped: always within the overlap. */
    backMs: fc.constantFrom(0, 0, 1, 500, 59_000),
    thenMs: fc.constantFrom(0, 0, 1, 1000, 120_000),
  })
  const round = fc.record({ changes: fc.array(change, { maxLength: 12 }), stopAfter: fc.integer({ min: 1, max: 6 }) })
  await fc.assert(
    fc.asyncProperty(
      fc.array(round, { minLength: 1, maxLength: 6 }),
      fc.constantFrom('incremental', 'full'),
      async (rounds, load) => {
        const table = new SqliteTable(DDL)
        const options = load === 'full' ? FULL : { ...INCREMENTAL, overlap: 60_000 }
        const state = new Map<string, string>()
        const standing = new Map<string, readonly unknown[]>()
        for (const { changes, stopAfter } of rounds) {
          for (const { id, part, v, kind, backMs, thenMs } of changes) {
            table.nowMs += thenMs
            const atMs = table.nowMs - backMs
            if (kind === 'delete' && load === 'full')
              table.db.prepare('delete from orders where id = ? and part = ?').run(id, part)
            else insert(table, { id, part, v, atMs, gone: kind === 'delete' ? 1 : null })
          }
          // a reader that dies after some batches, then one that reads to the end
          for (const stop of [stopAfter, Number.POSITIVE_INFINITY]) {
            for (const { rows } of await readPass(table.connector(options), state, stop)) fold(standing, rows)
          }
          const rows = table.db.prepare("select * from orders where gone is null or ? = 'full'").all(load)
          const expected = new Map(
            rows.map((row) => [
              JSON.stringify([row['id'], String(row['part'])]),
              Object.values(row).map((value) => (value === null ? null : String(value))),
            ]),
          )
          assert.deepEqual(inOrder(standing), inOrder(expected))
          assert.deepEqual(await readPass(table.connector(options), state), [])
        }
        table.db.close()
      },
    ),
    { numRuns: 60 },
  )
})

function inOrder<T>(entries: ReadonlyMap<string, T>): (readonly [string, T])[] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1))
}

function textOf(value: SourceValue | undefined): string {
  return typeof value === 'string' ? value : assert.fail('it is no text')
}

interface Inserted {
  readonly id: string
  readonly part: number
  readonly atMs: number
  readonly v?: string | null
  readonly gone?: number | null
}

function insert(table: SqliteTable, { id, part, atMs, v = null, gone = null }: Inserted): void {
  table.db
    .prepare('insert or replace into orders (id, part, v, gone, at) values (?, ?, ?, ?, ?)')
    .run(id, part, v, gone, sqliteTime(atMs))
}
