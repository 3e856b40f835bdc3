import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ColumnField } from '../../src/domain/column-batch.ts'
import type { ModelDefinition } from '../../src/domain/model.ts'
import { CHANGE_FIELDS, comparable, model, openLake } from './lake-fixture.ts'
import type { LakeFixture } from './lake-fixture.ts'

/** Which files an increment opens: those whose keys, by the log's statistics, lie outside all that changed stay shut. */

const text = (name: string): ColumnField => ({ name, type: { kind: 'string' }, nullable: true })
const FIELDS: readonly ColumnField[] = [
  text('Id'),
  text('who'),
  { name: 'day', type: { kind: 'date' }, nullable: true },
  { name: 'n', type: { kind: 'int32' }, nullable: true },
  ...CHANGE_FIELDS,
]
const CARRIED = '_op, _record_ts, _epoch, _partition, _offset'

/** Order `from` to `to` (exclusive), ten a day from 2026-01-01 on; `n` tells versions apart. */
function rows(from: number, to: number, n = 0): string {
  const day = `date '2026-01-01' + cast(floor(i / 10) as int)`
  return `select 'K' || lpad(cast(i as varchar), 6, '0') as Id, 'w' || (i % 3) as who, cast(${day} as date) as day, ${n} as n,
    'c' as _op, timestamp '2026-01-01' + interval (${n}) day as _record_ts, 0 as _epoch, 0 as _partition, cast(${n * 1000} + i as bigint) as _offset from range(${from}, ${to}) r(i)`
}

const MODELS: readonly ModelDefinition[] = [
  model(
    'silver.orders',
    'kind: merge\nkey: id\ntie_break: [n]\npartition_by: day\n',
    `select Id as id, who, day, n, ${CARRIED} from bronze.orders`,
  ),
  model(
    'gold.history',
    'kind: scd2\nkey: id\nsequence_by: told\ntrack: size\nsurrogate_key: sk\n',
    `select Id as id, n % 7 as size, _record_ts as told, ${CARRIED} from bronze.orders`,
  ),
]

interface Watched {
  readonly lake: LakeFixture
  /** Files of a table that a build opened, each once. */
  readonly openedBy: (models: readonly ModelDefinition[], select: readonly string[]) => Promise<Map<string, number>>
}

async function watchedLake(): Promise<Watched> {
  let opened = new Set<string>()
  const lake = await openLake({ bronze: { orders: ['Id'], rates: ['who', 'day'] }, onOpen: (path) => opened.add(path) })
  return {
    lake,
    async openedBy(models, select) {
      opened = new Set()
      for (const { error } of await lake.build(models, { select })) assert.equal(error, null, error?.message)
      const counts = new Map<string, number>()
      for (const path of opened) {
        const table = path.split('/').slice(0, 2).join('.')
        counts.set(table, (counts.get(table) ?? 0) + 1)
      }
      return counts
    },
  }
}

async function sameAsRebuild(lake: LakeFixture, models: readonly ModelDefinition[]): Promise<void> {
  const tables = models.map(({ layer, table }) => `${layer}.${table}`)
  const read = async (): Promise<unknown> =>
    Object.fromEntries(await Promise.all(tables.map(async (name) => [name, comparable(await lake.rows(name))])))
  const built = await read()
  for (const { error } of await lake.build(models, { fullRefresh: true })) assert.equal(error, null)
  assert.deepEqual(built, await read())
}

test('an increment opens the files of its target and of its history that may hold its keys, and no others (I11)', async (t) => {
  const { lake, openedBy } = await watchedLake()
  t.after(() => lake.close())
  for (let day = 0; day < 20; day += 1)
    await lake.write('bronze.orders', { sql: rows(day * 10, day * 10 + 10), fields: FIELDS })
  await openedBy(MODELS, [])
  assert.equal((await lake.snapshot('silver.orders'))!.files.size, 20)

  // New orders alone, of a day that is there already: no file holds one of them.
  await lake.write('bronze.orders', { sql: rows(200, 205), fields: FIELDS })
  const opened = await openedBy(MODELS, ['silver.orders'])
  assert.deepEqual([opened.get('silver.orders') ?? 0, opened.get('bronze.orders')], [0, 1])

  // Corrections of two days among them.
  await lake.write('bronze.orders', { sql: rows(175, 188, 1), fields: FIELDS })
  const corrected = await openedBy(MODELS, ['silver.orders'])
  assert.deepEqual([corrected.get('silver.orders'), corrected.get('bronze.orders')], [2, 1])

  // A dimension's history reads the changes of its keys alone: of 22 files the two new ones and two older ones.
  const history = await openedBy(MODELS, ['gold.history'])
  assert.equal(history.get('bronze.orders'), 4)
  await sameAsRebuild(lake, MODELS)
})

test('what a looked-up table brings opens the files of its days and later, and no earlier ones (I11)', async (t) => {
  const { lake, openedBy } = await watchedLake()
  t.after(() => lake.close())
  const models: readonly ModelDefinition[] = [
    model(
      'silver.rates',
      'kind: merge\nkey: [who, day]\ntie_break: [n]\npartition_by: day\n',
      `select who, day, n, ${CARRIED} from bronze.rates`,
    ),
    model(
      'silver.orders',
      `kind: merge
key: id
tie_break: [n]
partition_by: day
lookups:
  - {table: silver.rates, on: {who: who}, at: {day: day}, take: {n: rate}}
`,
      `select Id as id, who, day, n, ${CARRIED} from bronze.orders`,
    ),
  ]
  const rate = (day: number): string =>
    `select 'r' as Id, who, cast(date '2026-01-01' + ${day} as date) as day, ${day + 1} as n, 'c' as _op, timestamp '2026-01-01' as _record_ts,
     0 as _epoch, 0 as _partition, cast(${day} as bigint) as _offset from (values ('w0'), ('w1'), ('w2')) v(who)`
  await lake.write('bronze.orders', { sql: rows(0, 200), fields: FIELDS })
  await lake.write('bronze.rates', { sql: rate(0), fields: FIELDS })
  await openedBy(models, [])
  assert.equal((await lake.snapshot('silver.orders'))!.files.size, 20)
  await lake.write('bronze.rates', { sql: rate(17), fields: FIELDS })
  const opened = await openedBy(models, [])
  assert.equal(opened.get('silver.orders'), 3)
  await sameAsRebuild(lake, models)
  const [late] = await lake.rows('silver.orders', 'select count(*) as count from t where rate = 18')
  assert.equal(Number(late?.['count']), 30)
})
