import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ColumnField } from '../../src/domain/column-batch.ts'
import { SluiceError } from '../../src/domain/errors.ts'
import type { ModelDefinition } from '../../src/domain/model.ts'
import { orderModels } from '../../src/transform/graph.ts'
import { CHANGE_FIELDS, model, openLake } from './lake-fixture.ts'
import type { LakeFixture } from './lake-fixture.ts'

/** Columns taken from other tables: by key, and from the latest row at or before a time. */

const CARRIED = '_op, _record_ts, _epoch, _partition, _offset'
const text = (name: string): ColumnField => ({ name, type: { kind: 'string' }, nullable: true })
const whole = (name: string): ColumnField => ({ name, type: { kind: 'int32' }, nullable: true })

/** One form for all streams: `id` is the row's key, `who` what it belongs to. */
const FIELDS: readonly ColumnField[] = [text('id'), text('who'), whole('hr'), whole('n'), ...CHANGE_FIELDS]
const TIME = (column: string): string => `timestamp '2020-01-01 00:00:00' + interval '1' hour * ${column}`

function models(): readonly ModelDefinition[] {
  return [
    model('silver.person', 'kind: merge\nkey: who\n', `select who, n as size, ${CARRIED} from bronze.people`),
    model(
      'silver.rate',
      'kind: merge\nkey: [id, who]\n',
      `select id, who, ${TIME('hr')} as since, n as rate, ${CARRIED} from bronze.rates`,
    ),
    model(
      'silver.event',
      `kind: merge
key: id
partition_by: at_hour
lookups:
  - {table: silver.person, on: {who: who}, take: {size: person_size}}
  - {table: silver.rate, on: {who: who}, at: {happened: since}, tie_break: [id], take: {rate: rate, id: rate_id}, warn_if_none: true}
derive: {product: n * rate, label: "concat(who, '/', coalesce(rate_id, '-'))"}
`,
      `select id, who, hr as at_hour, n, ${TIME('hr')} as happened, ${CARRIED} from bronze.events`,
    ),
    model(
      'gold.event',
      'kind: merge\nkey: id\nlookups:\n  - {table: silver.person, on: {who: who}, take: {size: size_now}}\n',
      'select id, who, product, label from silver.event',
    ),
  ]
}

const STREAMS = ['people', 'rates', 'events'] as const
const KEYS = { people: ['who'], rates: ['id', 'who'], events: ['id'] }

interface Row {
  readonly stream: (typeof STREAMS)[number]
  readonly id: number
  readonly who: number
  readonly at: number
  readonly n: number
  readonly deleted: boolean
  readonly piece: number
}

const rows: fc.Arbitrary<readonly Row[]> = fc.array(
  fc.record({
    stream: fc.constantFrom(...STREAMS),
    id: fc.integer({ min: 0, max: 4 }),
    who: fc.integer({ min: 0, max: 2 }),
    at: fc.integer({ min: 0, max: 5 }),
    n: fc.integer({ min: 1, max: 9 }),
    deleted: fc.integer({ min: 0, max: 6 }).map((n) => n === 0),
    piece: fc.integer({ min: 0, max: 3 }),
  }),
  { minLength: 8, maxLength: 40 },
)

function selectRows(all: readonly Row[], stream: Row['stream'], wanted: (row: Row) => boolean): string {
  const values = all.flatMap((row, offset) => {
    if (row.stream !== stream || !wanted(row)) return []
    const own = row.deleted ? `null, null` : `${row.at}, ${row.n}`
    const op = row.deleted ? 'd' : 'c'
    return [`('i${row.id}', 'w${row.who}', ${own}, '${op}', timestamp '2020-01-01 00:00:00', 0, 0, ${offset})`]
  })
  const columns = FIELDS.map((field) => field.name).join(', ')
  if (values.length === 0) return `select ${FIELDS.map((field) => `null as ${field.name}`).join(', ')} where false`
  return `select ${columns} from (values ${values.join(', ')}) as v(${columns})`
}

/** The last row of each key, deleted ones left out, by reading the history from its beginning. */
function latest(all: readonly Row[], stream: Row['stream'], keyOf: (row: Row) => string): Map<string, Row> {
  const found = new Map<string, Row>()
  for (const row of all) {
    if (row.stream !== stream) continue
    if (row.deleted) found.delete(keyOf(row))
    else found.set(keyOf(row), row)
  }
  return found
}

function expected(all: readonly Row[]): readonly unknown[] {
  const people = latest(all, 'people', (row) => `${row.who}`)
  const rates = [...latest(all, 'rates', (row) => `${row.id} ${row.who}`).values()]
  const events = [...latest(all, 'events', (row) => `${row.id}`).values()]
  return events
    .map((event) => {
      const [rate] = rates
        .filter((each) => each.who === event.who && each.at <= event.at)
        .sort((a, b) => b.at - a.at || b.id - a.id)
      const size = people.get(`${event.who}`)?.n ?? null
      return {
        id: `i${event.id}`,
        size,
        rate: rate?.n ?? null,
        rate_id: rate === undefined ? null : `i${rate.id}`,
        product: rate === undefined ? null : event.n * rate.n,
        label: `w${event.who}/${rate === undefined ? '-' : `i${rate.id}`}`,
        gold: `${size}`,
      }
    })
    .sort((a, b) => (a.id < b.id ? -1 : 1))
}

async function found(lake: LakeFixture): Promise<readonly unknown[]> {
  const gold = new Map((await lake.rows('gold.event')).map((row) => [row['id'], row]))
  const silver = await lake.rows('silver.event', 'select * from t where not _deleted order by id')
  assert.equal(gold.size, silver.length)
  return silver.map((row) => {
    const fact = gold.get(row['id'])
    assert.deepEqual([fact?.['product'], fact?.['label']], [row['product'], row['label']])
    return {
      id: row['id'],
      size: row['person_size'],
      rate: row['rate'],
      rate_id: row['rate_id'],
      product: row['product'],
      label: row['label'],
      gold: String(fact?.['size_now'] as string | number | bigint | null | undefined),
    }
  })
}

async function withLake<T>(work: (lake: LakeFixture) => Promise<T>): Promise<T> {
  const lake = await openLake({ bronze: KEYS })
  try {
    return await work(lake)
  } finally {
    await lake.close()
  }
}

async function write(lake: LakeFixture, all: readonly Row[], wanted: (row: Row) => boolean): Promise<void> {
  for (const stream of STREAMS) {
    const sql = selectRows(all, stream, wanted)
    const isNew = (await lake.snapshot(`bronze.${stream}`)) === null
    if (isNew || !sql.endsWith('where false')) await lake.write(`bronze.${stream}`, { sql, fields: FIELDS })
  }
}

async function build(lake: LakeFixture, fullRefresh = false): Promise<readonly string[]> {
  const outcomes = await lake.build(models(), { fullRefresh })
  for (const outcome of outcomes) assert.equal(outcome.error, null, outcome.error?.message)
  return outcomes.map((each) => each.outcome)
}

test('I11: what is taken from other tables follows them, whichever comes first, and an increment equals a rebuild', async () => {
  await fc.assert(
    fc.asyncProperty(rows, async (all) => {
      await withLake(async (lake) => {
        for (const piece of [2, 0, 3, 1]) {
          await write(lake, all, (row) => row.piece === piece)
          await build(lake)
          const have = all.filter((row) => [2, 0, 3, 1].indexOf(row.piece) <= [2, 0, 3, 1].indexOf(piece))
          assert.deepEqual(await found(lake), expected(have))
        }
        assert.ok((await build(lake)).every((outcome) => outcome === 'unchanged'))
        await build(lake, true)
        assert.deepEqual(await found(lake), expected(all))
      })
    }),
    { numRuns: 4, endOnFailure: true },
  )
})

test('I11: of rows that one table touches, those that a history touches too are looked up in it again, and no others change', () =>
  withLake(async (lake) => {
    const one = { at: 1, n: 1, deleted: false, piece: 0 }
    const before: readonly Row[] = [
      ...[0, 1].flatMap((who): readonly Row[] => [
        { ...one, stream: 'people', id: 0, who },
        { ...one, stream: 'rates', id: 0, who, at: 0, n: 2 },
      ]),
      { ...one, stream: 'events', id: 0, who: 0, at: 3 },
      { ...one, stream: 'events', id: 1, who: 1, at: 3 },
      { ...one, stream: 'events', id: 2, who: 0 },
      { ...one, stream: 'events', id: 3, who: 1, at: 5 },
    ]
    // both move; a newer rate bears on event 0 alone, event 1 comes again as another's, event 3 is taken back, 4 is new
    const after: readonly Row[] = [
      { ...one, stream: 'people', id: 0, who: 0, n: 5 },
      { ...one, stream: 'people', id: 0, who: 1, n: 6 },
      { ...one, stream: 'rates', id: 1, who: 0, at: 2, n: 7 },
      { ...one, stream: 'events', id: 1, who: 0, at: 4 },
      { ...one, stream: 'events', id: 3, who: 1, deleted: true },
      { ...one, stream: 'events', id: 4, who: 1, at: 2 },
    ]
    const all = [...before, ...after.map((row) => ({ ...row, piece: 1 }))]
    for (const piece of [0, 1]) {
      await write(lake, all, (row) => row.piece === piece)
      await build(lake)
      assert.deepEqual(await found(lake), expected(all.filter((row) => row.piece <= piece)))
    }
    const rateIds = (await lake.rows('silver.event', 'select * from t where not _deleted order by id')).map(
      (row) => row['rate_id'],
    )
    assert.deepEqual(rateIds, ['i1', 'i1', 'i0', 'i0'])
  }))

test('rows that find none are told of once they are worked out', () =>
  withLake(async (lake) => {
    const one = { who: 1, at: 3, n: 2, deleted: false, piece: 0 }
    await write(
      lake,
      [
        { ...one, stream: 'events', id: 1 },
        { ...one, stream: 'rates', id: 1, at: 4 },
      ],
      () => true,
    )
    await build(lake)
    const warnings = lake.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []))
    assert.deepEqual(warnings, [
      'silver.event: 1 of the rows worked out found no row in silver.rate at or before their happened',
    ])
  }))

test('a lookup that could mean several rows, and an expression over more than its row, are refused by name', () => {
  const refusals: readonly (readonly [string, RegExp])[] = [
    [
      'lookups:\n  - {table: silver.rate, on: {who: who}, at: {happened: since}, take: {rate: rate}}\n',
      /does not name id of its key/,
    ],
    ['lookups:\n  - {table: silver.rate, on: {id: id}, take: {rate: rate}}\n', /on does not name who/],
    ['lookups:\n  - {table: silver.nothing, on: {id: id}, take: {rate: rate}}\n', /silver.nothing is no model/],
    ['derive: {total: (select max(rate) from silver.rate)}\n', /total is no expression/],
    ['derive: {total: row_number() over (order by n)}\n', /total is no expression/],
  ]
  const bronze = new Map(Object.entries(KEYS))
  for (const [yaml, message] of refusals) {
    const wrong = model(
      'silver.wrong',
      `kind: merge\nkey: id\n${yaml}`,
      `select id, who, n, ${CARRIED} from bronze.events`,
    )
    assert.throws(
      () => orderModels({ models: [...models(), wrong], bronze }),
      (error) => error instanceof SluiceError && error.code !== 'BUG' && message.test(error.message),
      yaml,
    )
  }
})
