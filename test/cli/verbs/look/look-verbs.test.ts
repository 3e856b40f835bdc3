import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { VERBS } from '../../../../src/cli/verb-list.ts'
import { noteStops } from '../../../../src/operate/status/stop-note.ts'
import { SluiceError } from '../../../../src/domain/errors.ts'
import { orders, produce, registerOrders } from '../../../support/orders.ts'
import { ingestAll, scratchWorld } from '../../../support/scratch-world.ts'
import { temporaryFolder } from '../../../support/sluice.ts'
import type { TestWorld } from '../../../support/world.ts'
import { runFrame, type Ran } from '../../frame/fake-frame.ts'

const SETTINGS = `
lake: {uri: lake}
broker: {dir: log}
registry: {dir: registry}
topics: {orders: {partitions: 1, retention: forever}}
tables: {bronze: {orders: {topic: orders, key: [id]}}}
`

/** A `--json` document, read by its keys. */
type Form = Readonly<Record<string, unknown>>

const codeOf = (form: Form): unknown => (form['error'] as { code: string }).code

interface Project {
  readonly world: TestWorld
  readonly run: (...argv: string[]) => Promise<Ran>
  readonly json: (...argv: string[]) => Promise<{ readonly exit: number; readonly form: Form }>
}

/** Verbs as a user calls them, over a folder with two commits of orders. */
async function project(t: TestContext): Promise<Project> {
  const world = await scratchWorld(t)
  await mkdir(world.folder, { recursive: true })
  await writeFile(join(world.folder, 'sluice.yaml'), SETTINGS)
  const schema = await registerOrders(world)
  await produce(world, orders(schema, 3))
  await ingestAll(world)
  await produce(world, orders(schema, 2, 3))
  await ingestAll(world)
  const run = (...argv: string[]): Promise<Ran> =>
    runFrame(argv, {
      verbs: VERBS,
      cwd: world.folder,
      nowMs: () => world.clock.nowMs(),
      openWorld: async () => Object.assign(Object.create(world) as TestWorld, { close: async () => undefined }),
    })
  return {
    world,
    run,
    async json(...argv) {
      const ran = await run(...argv, '--json')
      return { exit: ran.exit, form: JSON.parse(ran.out) as Form }
    },
  }
}

test('query gives a list of row objects, and an aligned table that says when it is cut', async (t) => {
  const { run, json } = await project(t)
  const { exit, form } = await json('query', 'select id, n, _offset as o from bronze.orders where n < 2 order by n')
  assert.deepEqual(
    [exit, form],
    [
      0,
      [
        { id: 'k0', n: 0, o: 0 },
        { id: 'k1', n: 1, o: 1 },
      ],
    ],
  )
  const cut = await run('query', 'select n from bronze.orders order by n', '--limit', '2')
  assert.deepEqual([cut.exit, cut.out, cut.err], [0, 'n\n0\n1\n', 'cut after 2 rows; --limit shows more\n'])
  assert.equal((await run('query', 'select n from bronze.orders where n > 99')).out, 'no rows\n')
  const bad = await json('query', 'select * from bronze.order')
  assert.deepEqual([bad.exit, codeOf(bad.form)], [2, 'TABLE_UNKNOWN'])
  assert.equal((await run('query', 'select 1', '--table', 'x')).exit, 2)
})

test('query reads a table by its place without any settings', async (t) => {
  const { world } = await project(t)
  const nowhere = await temporaryFolder('nowhere')
  t.after(() => nowhere.remove())
  let closed = 0
  const bench = {
    openBench: async () => ({
      engine: () => world.engine(),
      storeAt: (uri: string) => world.storeAt(uri),
      connector: (source: Parameters<typeof world.connector>[0]) => world.connector(source),
      close: async () => void (closed += 1),
    }),
  }
  const argv = [
    'query',
    'select count(*) as c from t',
    '--table',
    `t=${join(world.folder, 'lake/bronze/orders')}`,
    '--json',
  ]
  const ran = await runFrame(argv, { verbs: VERBS, cwd: nowhere.path, ...bench })
  assert.deepEqual([ran.exit, ran.out, closed], [0, '[{"c":5}]\n', 1])
  const lakeless = await runFrame(['query', 'select 1'], { verbs: VERBS, cwd: nowhere.path, ...bench })
  assert.equal(lakeless.exit, 2)
  assert.match(lakeless.err, /no settings were found/)
})

test('table history, describe, files and changes tell one story', async (t) => {
  const { run, json } = await project(t)
  const history = (await json('table', 'history', 'bronze.orders')).form['commits'] as {
    version: number
    operation: string
  }[]
  assert.deepEqual(
    history.map(({ version, operation }) => [version, operation]),
    [
      [1, 'WRITE'],
      [0, 'WRITE'],
    ],
  )
  const about = (await json('table', 'describe', 'bronze.orders')).form
  assert.deepEqual(
    ['version', 'rows', 'files', 'partition_columns', 'positions'].map((key) => about[key]),
    [1, 5, 2, ['_run_date'], [{ topic: 'orders', partition: 0, epoch: 0, next: '5' }]],
  )
  const columns = about['columns'] as { name: string; type: string }[]
  assert.deepEqual(
    columns.slice(0, 2).map(({ name, type }) => [name, type]),
    [
      ['id', 'string'],
      ['n', 'int'],
    ],
  )
  const files = (await json('table', 'files', 'bronze.orders')).form['files'] as { rows: number; bytes: number }[]
  assert.deepEqual(
    files.map(({ rows }) => rows).sort((a, b) => a - b),
    [2, 3],
  )
  assert.equal(
    files.reduce((sum, { bytes }) => sum + bytes, 0),
    about['bytes'],
  )
  const changes = (await json('table', 'changes', 'bronze.orders')).form
  assert.deepEqual([changes['from'], changes['to'], changes['added'], changes['removed']], [0, 1, 2, 0])
  for (const verb of ['history', 'describe', 'files', 'changes']) {
    assert.equal((await run('table', verb, 'bronze.orders')).exit, 0)
    const unknown = await run('table', verb, 'orders')
    assert.equal(unknown.exit, 2)
    assert.match(unknown.err, /TABLE_UNKNOWN: .*did you mean bronze\.orders\?/)
  }
})

test('topic list and topic show tell offsets as strings and times in ISO 8601', async (t) => {
  const { run, json } = await project(t)
  const [topic] = (await json('topic', 'list')).form['topics'] as {
    records: number
    partitions: { end: string; last_time: string }[]
  }[]
  assert.deepEqual([topic!.records, topic!.partitions[0]!.end], [5, '5'])
  assert.match(topic!.partitions[0]!.last_time, /^\d{4}-\d\d-\d\dT.*Z$/)
  const [record] = (await json('topic', 'show', 'orders', '--offset', '3')).form['records'] as Record<string, unknown>[]
  assert.deepEqual(
    [record!['offset'], record!['record'], record!['timestamp'], record!['verdicts']],
    ['3', { id: 'k3', n: 3 }, '2023-11-14T22:13:20.000Z', [{ table: 'bronze.orders', passes: true, errors: [] }]],
  )
  assert.match((await run('topic', 'show', 'orders')).out, /^orders\/0 offset 4, .*bronze\.orders passes\n$/s)
  assert.equal((await run('topic', 'show', 'nope')).exit, 2)
})

test('lag says of each partition where the log ends, where the table stands and what the group was told', async (t) => {
  const { world, run, json } = await project(t)
  const schema = await registerOrders(world)
  await produce(world, orders(schema, 2, 9))
  const { form } = await json('lag')
  const [partition] = form['partitions'] as Record<string, unknown>[]
  const { lag_seconds: seconds, ...rest } = partition!
  // The embedded log keeps no group's position.
  assert.deepEqual(rest, {
    topic: 'orders',
    partition: 0,
    end: '7',
    next: '5',
    lag: 2,
    table: 'bronze.orders',
    group_next: null,
  })
  assert.equal(typeof seconds, 'number')
  const [heads, row] = (await run('lag')).out.split('\n')
  assert.match(heads!, /^table +partition +end +next +group +lag +lag_seconds$/)
  assert.match(row!, /^bronze\.orders +orders\/0 +7 +5 +- +2 +\d+$/)
  assert.equal((await run('lag', '--fail-over', '1s')).exit, 1)
})

test('status exits 6 while something is stopped, and then shows its own form beside the error', async (t) => {
  const { world, run, json } = await project(t)
  const calm = await json('status')
  assert.equal(calm.exit, 0)
  const lanes = (form: Form): unknown[] =>
    (form['lanes'] as Record<string, unknown>[]).map((lane) => [lane['lane'], lane['state'], lane['code'], lane['lag']])
  assert.deepEqual(lanes(calm.form), [['orders/0 → bronze.orders', 'idle', null, 0]])

  const schema = await registerOrders(world)
  await produce(world, orders(schema, 1, 9))
  const error = new SluiceError('TABLE_TYPE_CONFLICT', 'n is int and the contract says string', {
    where: { table: 'bronze.orders' },
  })
  await noteStops(world, [{ kind: 'lane', name: 'bronze.orders', errors: [error], finished: true }])
  const stopped = await json('status')
  assert.deepEqual([stopped.exit, codeOf(stopped.form)], [6, 'LANE_STOPPED'])
  assert.deepEqual(lanes(stopped.form), [['orders/0 → bronze.orders', 'stopped', 'TABLE_TYPE_CONFLICT', 1]])
  const text = await run('status')
  assert.match(text.out, /stopped .* TABLE_TYPE_CONFLICT/)
  assert.match(
    text.err,
    /LANE_STOPPED: stopped until a person acts: orders\/0 → bronze\.orders \(TABLE_TYPE_CONFLICT\)/,
  )
})

test('doctor exits 1 where a check fails, also where there are no settings or nothing opens', async (t) => {
  const { world, run, json } = await project(t)
  const healthy = await json('doctor')
  assert.deepEqual([healthy.exit, healthy.form['ok']], [0, true])
  const names = (healthy.form['checks'] as { name: string; ok: boolean }[]).map(({ name }) => name)
  for (const name of ['runtime', 'settings', 'disk', 'put-if-absent', 'broker', 'registry', 'clock'])
    assert.ok(names.includes(name), name)
  assert.match((await run('doctor')).out, /^ok +runtime +Node /)

  const nowhere = await runFrame(['doctor'], { verbs: VERBS, cwd: dirname(world.folder) })
  assert.equal(nowhere.exit, 1)
  assert.match(nowhere.out, /FAIL +settings +no settings were found/)
  const shut = await runFrame(['doctor', '--json'], {
    verbs: VERBS,
    cwd: world.folder,
    openWorld: async () => {
      throw new SluiceError('LOG_UNAVAILABLE', 'the log is locked')
    },
  })
  assert.equal(shut.exit, 1)
  const checks = (JSON.parse(shut.out) as { checks: { name: string; ok: boolean; cure: string }[] }).checks
  assert.deepEqual(
    checks.filter(({ ok }) => !ok).map(({ name }) => name),
    ['project'],
  )
})

test('query --csv writes a header and every row, the header alone where there are none, and nothing where the SQL fails', async (t) => {
  const { run } = await project(t)
  const sql = `select id, case n when 0 then 'a,"b"' when 1 then '' end as text, n from bronze.orders where n < 3 order by n`
  assert.deepEqual(await run('query', sql, '--csv').then(({ exit, out }) => [exit, out]), [
    0,
    'id,text,n\nk0,"a,""b""",0\nk1,"",1\nk2,,2\n',
  ])
  assert.equal((await run('query', sql, '--csv', '--limit', '1')).out, 'id,text,n\nk0,"a,""b""",0\n')
  assert.equal((await run('query', 'select id, n from bronze.orders where false', '--csv')).out, 'id,n\n')
  const failed = await run('query', 'select nothing from bronze.orders', '--csv')
  assert.deepEqual([failed.exit, failed.out], [2, ''])
  assert.equal((await run('query', sql, '--csv', '--json')).exit, 2)
})

test('query --at reads a table as a version left it', async (t) => {
  const { json, run } = await project(t)
  const sql = 'select count(*) as c from bronze.orders'
  assert.deepEqual((await json('query', sql, '--at', 'bronze.orders=0')).form, [{ c: 3 }])
  assert.deepEqual((await json('query', sql)).form, [{ c: 5 }])
  assert.equal(codeOf((await json('query', sql, '--at', 'bronze.orders=9')).form), 'VERSION_UNKNOWN')
  assert.equal((await run('query', sql, '--at', 'bronze.orders')).exit, 2)
  assert.equal((await run('query', sql, '--at', 'silver.orders=1')).exit, 2)
})

test('query --json is a list however it comes: none, many, cut, and unfinished with its error told where it fails on the way', async (t) => {
  const { run, json } = await project(t)
  assert.equal((await run('query', 'select id from bronze.orders where false', '--json')).out, '[]\n')
  const sql = 'select i, i * 0.5 as half, [i] as list from range(30000) r(i)'
  const { form } = await json('query', sql)
  const rows = form as unknown as { i: number; half: string; list: number[] }[]
  assert.equal(rows.length, 30_000)
  assert.deepEqual(rows[29_999], { i: 29_999, half: '14999.5', list: [29_999] })
  const cut = await run('query', `${sql} order by i`, '--json', '--limit', '2')
  assert.deepEqual(
    [cut.out, cut.err],
    ['[{"i":0,"half":"0.0","list":[0]},{"i":1,"half":"0.5","list":[1]}]\n', 'cut after 2 rows; --limit shows more\n'],
  )
  assert.equal((await run('query', 'select 1 as "2", 3 as "1"', '--json', '--limit', '1')).out, '[{"1":3,"2":1}]\n')
  const failing = (at: number): string =>
    `select case when i = ${at} then error('too late') else i end as i from range(300000) r(i)`
  const soon = await json('query', failing(0))
  assert.deepEqual([soon.exit, codeOf(soon.form)], [2, 'QUERY_INVALID'])
  const late = await run('query', failing(299_999), '--json')
  assert.equal(late.exit, 2)
  assert.match(late.out, /^\[\{"i":0\},/)
  assert.ok(!late.out.includes('error') && !late.out.endsWith(']\n'))
  assert.match(late.err, /QUERY_INVALID: .*too late/)
  const csv = await run('query', failing(299_999), '--csv')
  assert.deepEqual([csv.exit, csv.out.slice(0, 4)], [2, 'i\n0\n'])
  assert.match(csv.err, /QUERY_INVALID: .*too late/)
  // Of the rows that people are shown none comes after it.
  assert.equal((await run('query', failing(299_999), '--limit', '290000')).exit, 2)
})

test('table changes --json: the counts, then the rows of either side, none where nothing changed', async (t) => {
  const { run } = await project(t)
  const out = async (...more: string[]): Promise<string> => {
    const ran = await run('table', 'changes', 'bronze.orders', '--json', ...more)
    assert.equal(ran.exit, 0, ran.out + ran.err)
    return ran.out
  }
  const { added_rows: added, ...rest } = JSON.parse(await out()) as { added_rows: { id: string }[] }
  assert.deepEqual(
    added.map(({ id }) => id),
    ['k3', 'k4'],
  )
  const about = { table: 'bronze.orders', from: 0, to: 1, added: 2, removed: 0, metadata_changed: false }
  assert.deepEqual(rest, { ...about, removed_rows: [] })
  assert.equal(
    await out('--from', '1'),
    '{"table":"bronze.orders","from":1,"to":1,"added":0,"removed":0,"metadata_changed":false,"added_rows":[],"removed_rows":[]}\n',
  )
})

test('table describe --cost tells what one table costs, or all of them, and exits 1 where that is over the budget', async (t) => {
  const { world, run, json } = await project(t)
  const { form } = await json('table', 'describe', 'bronze.orders', '--cost')
  const { cost, bytes } = form as { cost: Record<string, Record<string, number>>; bytes: number }
  assert.deepEqual(cost['live'], { files: 2, bytes })
  assert.deepEqual([cost['written']!['appended_bytes'], cost['written']!['amplification']], [bytes, 1])
  assert.match((await run('table', 'describe', 'bronze.orders', '--cost')).out, /^write amplification +1\.00 ×/m)

  const all = await json('table', 'describe', '--cost')
  const { tables, budget_per_month: budget, over_budget: over } = all.form as { tables: Form[] } & Form
  assert.deepEqual([all.exit, budget, over], [0, null, false])
  assert.deepEqual(
    tables.map((each) => [each['table'], each['files'], each['bytes'], each['small_share']]),
    [['bronze.orders', 2, bytes, 1]],
  )
  const tight = Object.assign(world.settings, { cost: { ...world.settings.cost, budgetPerMonth: 1e-9 } })
  assert.equal(tight.cost.budgetPerMonth, 1e-9)
  const text = await run('table', 'describe', '--cost')
  assert.equal(text.exit, 1)
  assert.match(
    text.out,
    /^bronze\.orders +2 +100 % .* USD\n\nall tables: about .* a month, OVER the budget of < 0\.000001 USD\n$/ms,
  )
  assert.equal((await json('table', 'describe', '--cost')).form['over_budget'], true)
  assert.equal((await run('table', 'describe')).exit, 2)
  assert.equal((await run('table', 'describe', '--cost', '--as-of', '-1h')).exit, 2)
})
