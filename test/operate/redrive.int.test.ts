import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { appendFile, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { createFilesConnector } from '../../connectors/files/files-connector.ts'
import { SluiceError } from '../../src/domain/errors.ts'
import type { SourceSettings } from '../../src/domain/settings.ts'
import { rowIdOfLog } from '../../src/error-lane/row-id.ts'
import { runSource } from '../../src/extract/run-source.ts'
import { runIngest, type TableReport } from '../../src/ingest/run-ingest.ts'
import type { LetterFilter } from '../../src/error-lane/ledger.ts'
import { redriveTable, type RedriveReport } from '../../src/operate/redrive.ts'
import { verifyTable, type TableProof } from '../../src/operate/verify.ts'
import { diskFull, faultyStore } from '../support/faulty-store.ts'
import { healingLines, laneLines, order, ORDER_FIELDS, orders, produce, registerOrders } from '../support/orders.ts'
import { rawRows } from '../support/raw-delta.ts'
import { sluice, temporaryFolder } from '../support/sluice.ts'
import { openTestWorld, type TestWorld, type TestWorldOptions } from '../support/world.ts'

/** `n` may be anything from `minimum` on. */
const loosened = (minimum: number): object[] => [ORDER_FIELDS[0]!, { name: 'n', type: 'int', constraints: { minimum } }]

describe('redrive', () => {
  let root: Awaited<ReturnType<typeof temporaryFolder>>
  let folder: string
  let count = 0
  const opened: TestWorld[] = []
  before(async () => {
    root = await temporaryFolder('redrive')
  })
  after(() => root.remove())
  beforeEach(async () => {
    count += 1
    folder = join(root.path, String(count))
    await mkdir(folder)
  })
  afterEach(async () => {
    for (const world of opened.splice(0)) await world.close()
  })

  async function open(options: Partial<TestWorldOptions> = {}): Promise<TestWorld> {
    const world = await openTestWorld({ folder, ...options })
    opened.push(world)
    return world
  }
  const lake = (): string => join(folder, 'lake')
  const tableOf = (world: TestWorld) => world.settings.tables.get('orders')!
  const ingest = async (world: TestWorld): Promise<TableReport> => (await runIngest(world, [tableOf(world)]))[0]!
  const redrive = (world: TestWorld, over: { filter?: LetterFilter; dryRun?: boolean } = {}): Promise<RedriveReport> =>
    redriveTable({ world, table: tableOf(world), filter: {}, dryRun: false, ...over })
  const figures = ({ letters, passed, appended, failed }: RedriveReport): number[] => [
    letters,
    passed,
    appended,
    failed,
  ]
  const rows = (sql: string): Promise<Record<string, unknown>[]> => rawRows(join(lake(), 'bronze/orders'), sql)
  const landed = async (): Promise<unknown[]> =>
    (await rows('select _partition as p, _offset::int as o, n from rows order by all')).map(({ p, o, n }) => [p, o, n])
  const logEntries = async (): Promise<number> =>
    (await readdir(join(lake(), 'bronze/orders/_delta_log'))).filter((name) => name.endsWith('.json')).length
  async function holds(world: TestWorld): Promise<TableProof> {
    const proof = await verifyTable(world, tableOf(world), { againstLog: true })
    assert.equal(proof.ok, true)
    return proof
  }

  /** In each of two partitions: offset 0 lands; 1, 2 and 3 hold -1, -2 and -3 and are refused; 4 lands. */
  async function refusedOrders(options: Partial<TestWorldOptions> = {}, fields = ORDER_FIELDS): Promise<TestWorld> {
    const world = await open(options)
    const schema = await registerOrders(world, fields)
    for (const partition of [0, 1]) {
      const bad = [-1, -2, -3].map((n) => order(schema, { id: `bad${n}`, n }))
      await produce(world, [...orders(schema, 1), ...bad, ...orders(schema, 1, 4)], { partitions: 2, partition })
    }
    assert.equal((await ingest(world)).quarantined, 6)
    return world
  }
  const accepted = [0, 1].flatMap((p) => [
    [p, 0, 0],
    [p, 4, 4],
  ])
  const all = [0, 1].flatMap((p) => [
    [p, 0, 0],
    [p, 1, -1],
    [p, 2, -2],
    [p, 3, -3],
    [p, 4, 4],
  ])

  it('I15: letters that pass now land under their birthplace, positions stay, and healings say so', async () => {
    const world = await refusedOrders()
    const next = await registerOrders(world, loosened(-100))
    const report = await redrive(world)
    assert.deepEqual(figures(report), [6, 6, 0, 0])
    assert.deepEqual(await landed(), all)
    assert.deepEqual(
      await rows('select distinct _topic as t, _epoch as e, _contract_id as c, _op as op from rows where n < 0'),
      [{ t: 'orders', e: 0, c: next.id, op: 'c' }],
    )
    const healings = await healingLines(lake())
    assert.equal(new Set(healings.map((healing) => healing.row_id)).size, 6)
    assert.deepEqual(new Set(healings.map((healing) => healing.version)), new Set([report.version]))
    const proof = await holds(world)
    assert.deepEqual(
      proof.partitions.map((each) => [each.next, each.landed, each.quarantined, each.healed, each.phantoms]),
      [
        [5n, 5n, 0n, 3n, 0n],
        [5n, 5n, 0n, 3n, 0n],
      ],
    )
    assert.equal((await ingest(world)).committed, false)
  })

  it('I15: a second redrive changes nothing', async () => {
    const world = await refusedOrders()
    await registerOrders(world, loosened(-100))
    await redrive(world)
    const before = [await logEntries(), (await healingLines(lake())).length]
    const again = await redrive(world)
    assert.deepEqual([figures(again), again.version], [[0, 0, 0, 0], null])
    assert.deepEqual([await logEntries(), (await healingLines(lake())).length], before)
    assert.deepEqual(await landed(), all)
  })

  it('I15: under a contract that only some pass, those land, the others stay with their reasons', async () => {
    const world = await refusedOrders()
    await registerOrders(world, loosened(-2))
    const report = await redrive(world)
    assert.deepEqual(figures(report), [6, 4, 0, 2])
    assert.deepEqual([...report.rules.values()], [2])
    assert.match([...report.rules.keys()][0]!, /^RANGE n minimum -2/)
    assert.deepEqual(
      await landed(),
      all.filter(([, , n]) => n !== -3),
    )
    await holds(world)
    await registerOrders(world, loosened(-3))
    assert.deepEqual(figures(await redrive(world)), [2, 2, 0, 0])
    assert.deepEqual(await landed(), all)
  })

  it('where none passes, nothing is written and the exit is 0', async () => {
    const world = await refusedOrders()
    const entries = await logEntries()
    const report = await redrive(world)
    assert.deepEqual([figures(report), report.version, await logEntries()], [[6, 0, 0, 6], null, entries])
    assert.equal((await healingLines(lake())).length, 0)
    await project()
    const { code, stdout } = await sluice([
      'errors',
      'redrive',
      '--yes',
      '--json',
      '--config',
      join(folder, 'sluice.yaml'),
    ])
    assert.equal(code, 0)
    const [table] = (JSON.parse(stdout) as { tables: { letters: number; failed: number }[] }).tables
    assert.deepEqual([table?.letters, table?.failed], [6, 6])
  })

  it('what it lands is held to the suite of the table at once, and the verdict is told', async () => {
    const world = await refusedOrders()
    await registerOrders(world, loosened(-100))
    await project()
    await writeFile(
      join(folder, 'dq.yaml'),
      'bronze.orders: {critical: [expect_column_values_to_be_unique: {column: n}]}\n',
    )
    const { code, stdout } = await sluice(['errors', 'redrive', '--yes', '--config', join(folder, 'sluice.yaml')])
    assert.equal(code, 0)
    assert.match(stdout, /bronze\.orders: gate blocked: expect_column_values_to_be_unique\(n\): 10 of 10 rows break it/)
    assert.match(stdout, /next: sluice gate bronze\.orders/)
  })

  it('a dry run judges and writes nothing', async () => {
    const world = await refusedOrders()
    await registerOrders(world, loosened(-2))
    const entries = await logEntries()
    assert.deepEqual(figures(await redrive(world, { dryRun: true })), [6, 4, 0, 2])
    assert.deepEqual([await logEntries(), (await healingLines(lake())).length], [entries, 0])
    assert.deepEqual(await landed(), accepted)
  })

  it('filters choose what is redriven', async () => {
    const world = await refusedOrders()
    await registerOrders(world, loosened(-100))
    const rowId = rowIdOfLog({ topic: 'orders', partition: 1, epoch: 0, offset: 2n })
    assert.deepEqual(figures(await redrive(world, { filter: { code: 'PATTERN' } })), [0, 0, 0, 0])
    assert.deepEqual(figures(await redrive(world, { filter: { field: 'id' } })), [0, 0, 0, 0])
    assert.deepEqual(figures(await redrive(world, { filter: { sinceMs: Date.now() + 60_000 } })), [0, 0, 0, 0])
    assert.deepEqual(figures(await redrive(world, { filter: { stage: 'gate' } })), [0, 0, 0, 0])
    assert.deepEqual(figures(await redrive(world, { filter: { stage: 'connect' } })), [0, 0, 0, 0])
    assert.deepEqual(await landed(), accepted)
    assert.deepEqual(figures(await redrive(world, { filter: { rowIdPrefix: rowId.slice(0, 12) } })), [1, 1, 0, 0])
    assert.deepEqual(await landed(), [...accepted, [1, 2, -2]].sort(byPlace))
    assert.deepEqual(
      figures(await redrive(world, { filter: { partition: 0, firstOffset: 1n, nextOffset: 3n } })),
      [2, 2, 0, 0],
    )
    assert.deepEqual(
      figures(await redrive(world, { filter: { code: 'RANGE', field: 'n', stage: 'contract' } })),
      [3, 3, 0, 0],
    )
    assert.deepEqual(await landed(), all)
    await holds(world)
  })

  it('I3, I15: two redrives at once land each letter once', async () => {
    const world = await refusedOrders()
    const rival = await open()
    await registerOrders(world, loosened(-100))
    const reports = await Promise.all([redrive(world), redrive(rival)])
    assert.equal(
      reports.reduce((sum, report) => sum + report.passed, 0),
      6,
    )
    assert.deepEqual(await landed(), all)
    await holds(world)
  })

  it('I15: a redrive beside a running ingest lands both, and neither twice', async () => {
    const world = await refusedOrders()
    const reader = await open({ ingest: { fetchBytes: 200, flushBytes: 400 } })
    const schema = await registerOrders(world, loosened(-100))
    for (let i = 0; i < 10; i += 1)
      await produce(world, orders(schema, 5, 100 + i * 5), { partitions: 2, partition: i % 2 })
    const [report, redriven] = await Promise.all([ingest(reader), redrive(world)])
    assert.deepEqual([report.landed, report.errors, redriven.passed], [50, [], 6])
    assert.deepEqual(
      await rows('select count(*)::int as n, count(distinct (_partition, _offset))::int as places from rows'),
      [{ n: 60, places: 60 }],
    )
    await holds(world)
  })

  it('I4, I15: a letter at or past the position is a phantom and is not landed; its record lands once, when it is read', async () => {
    const world = await refusedOrders()
    const schema = await registerOrders(world, loosened(-100))
    const [line] = await laneLines(lake())
    const phantom = {
      ...line,
      partition: 0,
      offset: '5',
      row_id: rowIdOfLog({ topic: 'orders', partition: 0, epoch: 0, offset: 5n }),
    }
    const lane = join(lake(), '_errors/bronze/orders')
    const file = (await readdir(lane, { recursive: true })).find(
      (entry) => entry.startsWith('dt=') && entry.endsWith('.json'),
    )
    await appendFile(join(lane, file!), `${JSON.stringify(phantom)}\n`)
    assert.deepEqual(figures(await redrive(world)), [6, 6, 0, 0])
    await produce(world, orders(schema, 1, 5), { partitions: 2, partition: 0 })
    assert.equal((await ingest(world)).landed, 1)
    assert.deepEqual(figures(await redrive(world)), [0, 0, 0, 0])
    assert.deepEqual(await landed(), [...all, [0, 5, 5]].sort(byPlace))
    await holds(world)
  })

  it('I5, I15: a death after the healing and before the commit heals nothing; the next redrive lands all', async () => {
    let full = false
    const world = await refusedOrders({
      lake: (real) =>
        faultyStore(real, (_call, path) =>
          full && path.endsWith('.parquet') ? { error: diskFull(), done: false } : null,
        ),
    })
    await registerOrders(world, loosened(-100))
    full = true
    await assert.rejects(redrive(world), /ENOSPC/)
    full = false
    assert.equal((await healingLines(lake())).length, 6)
    assert.deepEqual(
      (await holds(world)).partitions.map((each) => [each.quarantined, each.healed]),
      [
        [3n, 0n],
        [3n, 0n],
      ],
    )
    assert.deepEqual(figures(await redrive(world)), [6, 6, 0, 0])
    assert.deepEqual(await landed(), all)
  })

  it('I7: a redrive whose reply was lost is not made twice', async () => {
    let lose = false
    const world = await refusedOrders({
      lake: (real) =>
        faultyStore(real, (call, path) => {
          if (!lose || call !== 'putIfAbsent' || !path.includes('_delta_log/')) return null
          lose = false
          return { error: new SluiceError('STORE_UNAVAILABLE', 'the reply was lost'), done: true }
        }),
    })
    await registerOrders(world, loosened(-100))
    lose = true
    assert.deepEqual(figures(await redrive(world)), [6, 6, 0, 0])
    assert.equal(lose, false)
    assert.deepEqual(await landed(), all)
    await holds(world)
  })

  it('mode evolve: letters land with the columns that the table has', async () => {
    const world = await open({ tables: [{ onUnknownField: 'evolve', subject: 'ours-value' }] })
    await registerOrders(world, ORDER_FIELDS, 'ours-value')
    const extra = { name: 'extra', type: ['null', 'long'], default: null }
    const writer = await registerOrders(world, [...loosened(-100), extra])
    await produce(world, [order(writer, { id: 'a', n: 1, extra: 7n }), order(writer, { id: 'b', n: -1, extra: 8n })])
    await ingest(world)
    await registerOrders(world, loosened(-100), 'ours-value')
    assert.deepEqual(figures(await redrive(world)), [1, 1, 0, 0])
    assert.deepEqual(
      (await rows('select extra from rows order by _offset')).map((row) => row['extra']),
      ['7', '8'],
    )
  })

  describe('sealed letters', () => {
    const sealed = (fields: readonly object[]): object[] => [
      ...fields,
      { name: 'mail', type: 'string', pii: 'email', default: '' },
    ]

    async function sealedOrders(): Promise<TestWorld> {
      const world = await open({ errors: { sealKey: 'a key of ours' } })
      const schema = await registerOrders(world, sealed(ORDER_FIELDS))
      await produce(world, [order(schema, { id: 'a', n: -1, mail: 'jo@example.org' })])
      await ingest(world)
      await registerOrders(world, sealed(loosened(-100)))
      return world
    }

    it('I13, I15: a letter of private data is sealed, and lands when it is redriven', async () => {
      const world = await sealedOrders()
      const text = JSON.stringify(await laneLines(lake()))
      assert.ok(
        !text.includes('jo@example.org') &&
          !text.includes(Buffer.from('jo@example.org').toString('base64').slice(0, 12)),
      )
      assert.deepEqual(figures(await redrive(world)), [1, 1, 0, 0])
      assert.deepEqual(await rows('select id, n, mail from rows'), [{ id: 'a', n: -1, mail: 'jo@example.org' }])
    })

    for (const [name, sealKey] of [
      ['another key', 'another key'],
      ['no key', null],
    ] as const) {
      it(`with ${name} it is refused, and says which setting to mend`, async () => {
        await sealedOrders()
        const other = await open({ errors: { sealKey } })
        await assert.rejects(redrive(other), (error: unknown) => {
          assert.ok(error instanceof SluiceError)
          assert.deepEqual([error.code, error.where.key], ['SEAL_KEY_MISSING', 'errors.seal_key'])
          return true
        })
        assert.equal(existsSync(join(lake(), '_errors/bronze/orders/_healed')), false)
      })
    }
  })

  describe('records that never reached their topic', () => {
    const SHOP = (): SourceSettings => ({
      name: 'shop',
      connector: 'files',
      topic: 'orders',
      key: ['id'],
      pollIntervalMs: 60_000,
      options: { path: join(folder, 'in') },
    })
    const WIDE: object[] = [ORDER_FIELDS[0]!, { name: 'n', type: 'long', constraints: { minimum: 0 } }]

    async function shop(options: Partial<TestWorldOptions> = {}): Promise<TestWorld> {
      await mkdir(join(folder, 'in'), { recursive: true })
      await writeFile(join(folder, 'in/a.csv'), 'id,n\na,1\nb,5000000000\nc\nd,6000000000\ne,2\n')
      const source = SHOP()
      const world = await open({ sources: [source], connector: createFilesConnector, ...options })
      await registerOrders(world)
      await produce(world, [], { partitions: 2 })
      const outcome = await runSource({ source, world })
      assert.deepEqual([outcome.appended, outcome.refused, outcome.error], [2, 3, null])
      await ingest(world)
      assert.deepEqual(
        (await laneLines(lake())).map((letter) => [letter.stage, letter.topic]),
        Array(3).fill(['connect', null]),
      )
      return world
    }
    const ids = async (): Promise<unknown[]> =>
      (await rows('select id, n::bigint as n, _source_system as s from rows order by id')).map(({ id, n, s }) => [
        id,
        n,
        s,
      ])
    const ends = async (world: TestWorld): Promise<number> =>
      (await world.log.describe('orders'))!.partitions.reduce((sum, { end }) => sum + Number(end), 0)

    it('I15: one that its schema can hold now is appended once, lands with the next ingest, and is healed; a broken line stays', async () => {
      const world = await shop()
      assert.deepEqual(figures(await redrive(world)), [3, 0, 0, 3])
      await registerOrders(world, WIDE)
      assert.deepEqual([figures(await redrive(world, { dryRun: true })), await ends(world)], [[3, 0, 2, 1], 2])
      const report = await redrive(world)
      assert.deepEqual(figures(report), [3, 0, 2, 1])
      assert.deepEqual([...report.rules], [['SOURCE_LINE - source', 1]])
      assert.equal((await ingest(world)).landed, 2)
      const expected = [
        ['a', '1', 'file'],
        ['b', '5000000000', 'file'],
        ['d', '6000000000', 'file'],
        ['e', '2', 'file'],
      ]
      assert.deepEqual(await ids(), expected)
      assert.deepEqual(figures(await redrive(world)), [1, 0, 0, 1])
      assert.equal((await ingest(world)).read, 0)
      assert.deepEqual([await ids(), await ends(world), (await healingLines(lake())).length], [expected, 4, 2])
      await holds(world)
      assert.deepEqual([(await runSource({ source: SHOP(), world })).read, await ends(world)], [0, 4])
    })

    it('I15: it has the key of its source, so that it is in the partition where its key always is', async () => {
      const world = await shop()
      await registerOrders(world, WIDE)
      await redrive(world)
      await writeFile(join(folder, 'in/b.csv'), 'id,n\nb,7\nd,8\n')
      await runSource({ source: SHOP(), world })
      await ingest(world)
      assert.deepEqual(
        await rows(
          "select id, count(distinct _partition)::int as p, count(*)::int as n from rows where id in ('b', 'd') group by id order by id",
        ),
        [
          { id: 'b', p: 1, n: 2 },
          { id: 'd', p: 1, n: 2 },
        ],
      )
    })

    it('I9, I15: a death between the append and its healing appends nothing a second time', async () => {
      let full = false
      const world = await shop({
        lake: (real) =>
          faultyStore(real, (_call, path) =>
            full && path.includes('/_healed/') ? { error: diskFull(), done: false } : null,
          ),
      })
      await registerOrders(world, WIDE)
      full = true
      await assert.rejects(redrive(world), /ENOSPC/)
      full = false
      assert.deepEqual([await ends(world), (await healingLines(lake())).length], [4, 0])
      await redrive(world)
      assert.deepEqual([await ends(world), (await healingLines(lake())).length], [4, 2])
      assert.deepEqual(figures(await redrive(world)), [1, 0, 0, 1])
    })

    it('I9, I15: two redrives at once append each once', async () => {
      const world = await shop()
      const rival = await open({ sources: [SHOP()], connector: createFilesConnector })
      await registerOrders(world, WIDE)
      await Promise.all([redrive(world), redrive(rival)])
      assert.equal(await ends(world), 4)
      await ingest(world)
      assert.equal((await ids()).length, 4)
      await holds(world)
    })

    it('one whose source is not in the settings any more stays, and says so', async () => {
      await shop()
      const other = await open()
      await registerOrders(other, WIDE)
      const report = await redrive(other)
      assert.deepEqual(figures(report), [3, 0, 0, 3])
      assert.match([...report.rules.keys()][0]!, /SOURCE_UNKNOWN.*shop/)
    })

    it('a table that has nothing but such letters can be redriven', async () => {
      await mkdir(join(folder, 'in'))
      await writeFile(join(folder, 'in/a.csv'), 'id,n\nb,5000000000\n')
      const world = await open({ sources: [SHOP()], connector: createFilesConnector })
      await registerOrders(world)
      await produce(world, [])
      await runSource({ source: SHOP(), world })
      await registerOrders(world, WIDE)
      assert.deepEqual(figures(await redrive(world)), [1, 0, 1, 0])
      assert.equal((await ingest(world)).landed, 1)
    })
  })

  async function project(): Promise<void> {
    await writeFile(
      join(folder, 'sluice.yaml'),
      [
        'lake: {uri: lake}',
        'broker: {kind: embedded, dir: log}',
        'registry: {kind: embedded, dir: registry}',
        'topics: {orders: {partitions: 2}}',
        'tables: {bronze: {orders: {topic: orders}}}',
        '',
      ].join('\n'),
    )
  }
})

function byPlace(a: readonly unknown[], b: readonly unknown[]): number {
  return Number(a[0]) - Number(b[0]) || Number(a[1]) - Number(b[1])
}
