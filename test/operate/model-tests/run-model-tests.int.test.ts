import assert from 'node:assert/strict'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { REPOSITORY, sluice, sluiceJson, temporaryFolder } from '../../support/sluice.ts'

/** `sluice test`: what a person who writes a model sees. */

interface Report {
  readonly ok: boolean
  readonly models: readonly {
    readonly model: string
    readonly tests: readonly {
      readonly name: string
      readonly ok: boolean
      readonly missing: readonly unknown[]
      readonly unexpected: readonly unknown[]
      readonly differing: readonly unknown[]
      readonly error: {
        readonly code: string
        readonly message: string
        readonly where: { readonly line?: number }
      } | null
    }[]
  }[]
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>
before(async () => {
  folder = await temporaryFolder('model-tests')
})
after(() => folder.remove())

const SCHEMA = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'id', type: 'string', constraints: { pattern: '^[a-z]$' } },
    { name: 'city', type: ['null', 'string'], default: null },
    {
      name: 'amount',
      type: ['null', { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 }],
      default: null,
    },
    { name: 'tags', type: ['null', { type: 'array', items: 'string' }], default: null },
  ],
}
const SQL = 'select id, city, amount, tags, _op, _record_ts, _epoch, _partition, _offset from bronze.orders'

/** A project with one model; `tests` is what stands under `tests:`. */
async function project(name: string, tests: string): Promise<string> {
  const root = join(folder.path, name)
  for (const each of ['schemas', 'models/silver', 'models/gold']) await mkdir(join(root, each), { recursive: true })
  const files = {
    'sluice.yaml':
      'lake: {uri: .sluice/lake}\ntopics: {orders: {}}\ntables: {bronze: {orders: {topic: orders, key: [id]}}}\n',
    'schemas/orders-value.avsc': JSON.stringify(SCHEMA),
    'models/silver/orders.sql': SQL,
    'models/silver/orders.yaml': `kind: merge\nkey: [id]\n${tests}`,
    'models/gold/cities.sql': 'select city, count(*) as n, sum(amount) as amount from silver.orders group by city',
    'models/gold/cities.yaml': 'kind: full\n',
  }
  for (const [file, text] of Object.entries(files)) await writeFile(join(root, file), text)
  return root
}

test(
  'the tests of both projects of this repository pass, and every default model has some',
  { timeout: 120_000 },
  async () => {
    for (const config of ['config/dev.yaml', 'examples/online-retail/config.yaml']) {
      const env = { LAKE: join(folder.path, 'lake'), RETAIL_DATA: join(folder.path, 'none') }
      const report = await sluiceJson<Report>(['test', '--config', config], { env, cwd: REPOSITORY })
      assert.equal(report.ok, true)
      assert.ok(report.models.length >= 5)
      assert.deepEqual(
        report.models.filter(({ tests }) => tests.length === 0).map(({ model }) => model),
        [],
      )
    }
  },
)

test('a failure names rows that are missing, unexpected and different, and exits 1; models without tests are said', async () => {
  const cwd = await project(
    'fails',
    `tests:
  - name: passes
    given: {bronze.orders: [{id: a, city: Oslo, amount: 1.5, tags: [x, y]}, {id: a, city: Bern}]}
    expect: [{id: a, city: Bern, amount: null, tags: null}]
  - name: fails
    given: {bronze.orders: [{id: a, city: Oslo, tags: [x]}, {id: b}, {id: c, _op: d}]}
    expect: [{id: a, city: Rome, tags: [x]}, {id: z, city: null}]
`,
  )
  const report = await sluiceJson<Report>(['test'], { cwd, exit: 1 })
  assert.deepEqual(report, {
    ok: false,
    models: [
      {
        model: 'silver.orders',
        tests: [
          { name: 'passes', ok: true, missing: [], unexpected: [], differing: [], error: null },
          {
            name: 'fails',
            ok: false,
            missing: [{ id: 'z', city: null, tags: null }],
            unexpected: [{ id: 'b', city: null, tags: null }],
            differing: [
              { row: { id: 'a', tags: ['x'] }, columns: [{ column: 'city', expected: 'Rome', actual: 'Oslo' }] },
            ],
            error: null,
          },
        ],
      },
      { model: 'gold.cities', tests: [] },
    ],
  })
  const told = await sluice(['test'], { cwd })
  assert.equal(told.code, 1)
  assert.match(told.stdout, /FAIL {2}silver\.orders: fails/)
  assert.match(told.stdout, /city: expected "Rome", got "Oslo"/)
  assert.match(told.stdout, /missing {5}\{id: "z"/)
  assert.match(told.stdout, /no tests: gold\.cities\n1 passed, 1 failed/)
})

test('what a test gets wrong is told with its line: a column, a value, a table', async () => {
  const cwd = await project(
    'wrong',
    `tests:
  - name: column
    given: {bronze.orders: [{idd: a}]}
    expect: []
  - name: value
    given: {bronze.orders: [{id: a, amount: 1.234}]}
    expect: []
  - name: table
    given: {gold.cities: []}
    expect: []
  - name: expected
    expect: [{town: a}]
`,
  )
  const report = await sluiceJson<Report>(['test', 'silver.orders'], { cwd, exit: 1 })
  const errors = report.models[0]!.tests.map(({ error }) => `${error?.where.line} ${error?.message}`)
  assert.match(errors[0]!, /^5 bronze\.orders has no column idd; did you mean id\?/)
  assert.match(errors[1]!, /^8 bronze\.orders\.amount is decimal\(9,2\), and "1\.234" is not/)
  assert.match(errors[2]!, /^10 silver\.orders does not read gold\.cities/)
  assert.match(errors[3]!, /^14 silver\.orders has no column town/)
})

test('a given table in between stands as given; one that is not is built from what it reads', async () => {
  const cwd = await project('between', '')
  await writeFile(
    join(cwd, 'models/gold/cities.yaml'),
    `kind: full
tests:
  - name: from bronze
    given: {bronze.orders: [{id: a, city: Oslo, amount: 1}, {id: a, city: Rome, amount: 2}, {id: b, city: Rome, amount: 3}]}
    expect: [{city: Rome, n: 2, amount: 5}]
  - name: from silver
    given: {silver.orders: [{id: a, city: Oslo, amount: 1}, {id: b, city: Oslo, amount: 1}, {id: c, _deleted: true}]}
    expect: [{city: Oslo, n: 2, amount: 2}]
  - name: rows count
    given: {silver.orders: [{id: a, city: Oslo}, {id: b, city: Rome}]}
    expect: [{n: 1}]
`,
  )
  const report = await sluiceJson<Report>(['test', 'gold.cities'], { cwd, exit: 1 })
  assert.deepEqual(
    report.models[0]!.tests.map(({ name, ok, unexpected }) => [name, ok, unexpected]),
    [
      ['from bronze', true, []],
      ['from silver', true, []],
      ['rows count', false, [{ n: 1 }]],
    ],
  )
  assert.deepEqual(
    (await readdir(join(cwd, '.sluice/lake')).catch(() => [])).filter((name) => name !== '_staging'),
    [],
  )
})
