import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { systemClock } from '../../../src/adapters/clock/system-clock.ts'
import type { ColumnField } from '../../../src/domain/column-batch.ts'
import { readChanges } from '../../../src/lake/changes.ts'
import { pruneFiles } from '../../../src/lake/files/prune.ts'
import { openSnapshot } from '../../../src/lake/snapshot.ts'
import { optimizeTable, type OptimizeReport } from '../../../src/operate/optimize/optimize-table.ts'
import { entryLines, step } from '../../lake/table-steps.ts'
import type { Cell } from '../../parquet/build-columns.ts'
import { randomTable } from '../../parquet/random-columns.ts'
import { runSeed, seededRandom } from '../../support/random.ts'
import type { TestWorld } from '../../support/world.ts'
import { appendFiles, optimizeWorld, tableRows, writeFile, type FileRows, type TableShape } from './small-files.ts'

const seed = runSeed()

const optimize = (world: TestWorld, table: string, zorder: readonly string[] = []): Promise<OptimizeReport> =>
  optimizeTable(world, { table, zorder })

const field = (name: string, type: ColumnField['type']): ColumnField => ({ name, type, nullable: true })
const LONGS: TableShape = { fields: [field('n', { kind: 'int64' }), field('text', { kind: 'string' })] }
const longs = (from: number, count = 10): FileRows => ({
  rows: Array.from({ length: count }, (_, i) => [BigInt(from + i), `row ${from + i}`]),
})

test(`every value of every type is the same after it, nested ones, NaN and -0 too; a second call does nothing (SLUICE_SEED=${seed})`, async (t) => {
  const world = await optimizeWorld(t)
  let tables = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(randomTable, { minLength: 1, maxLength: 1 }),
      async ([{ fields, rows } = { fields: [], rows: [] }]) => {
        tables += 1
        const store = world.lake.at(`silver/t${tables}`)
        const cut = Math.ceil(rows.length / 3)
        const files = [rows.slice(0, cut), rows.slice(cut, 2 * cut), rows.slice(2 * cut)].filter(
          (part) => part.length > 0,
        )
        await appendFiles(
          store,
          { fields },
          files.map((part) => ({ rows: part })),
        )
        const before = await tableRows(store)
        assert.equal(before.length, rows.length)
        const report = await optimize(world, `silver.t${tables}`)
        assert.equal(report.outcome, files.length > 1 ? 'optimized' : 'unchanged')
        const after = (await openSnapshot(store))!
        assert.equal(after.files.size, Math.min(1, files.length))
        assert.deepEqual(await tableRows(store), before)
        for (const file of after.files.values()) assert.equal(file.rows, rows.length)
        assert.equal((await optimize(world, `silver.t${tables}`)).outcome, 'unchanged')
      },
    ),
    { seed, numRuns: 40 },
  )
})

test('zeros keep their sign where a dictionary holds them', async (t) => {
  const world = await optimizeWorld(t)
  const store = world.lake.at('silver/zeros')
  const shape: TableShape = { fields: [field('f', { kind: 'float64' }), field('g', { kind: 'float32' })] }
  const rows = Array.from({ length: 4000 }, (_, i): Cell[] => [
    i % 2 === 0 ? 0 : -0,
    i % 3 === 0 ? -0 : i % 3 === 1 ? 0 : NaN,
  ])
  await appendFiles(store, shape, [{ rows: rows.slice(0, 2000) }, { rows: rows.slice(2000) }])
  const before = await tableRows(store)
  assert.equal((await optimize(world, 'silver.zeros')).outcome, 'optimized')
  assert.deepEqual(await tableRows(store), before)
})

test('each partition is packed by itself, null and odd values too; one with a single file is left; changes show nothing', async (t) => {
  const world = await optimizeWorld(t)
  const store = world.lake.at('silver/parted')
  const shape: TableShape = {
    fields: [field('n', { kind: 'int64' }), field('day', { kind: 'date' }), field('region', { kind: 'string' })],
    partitionColumns: ['day', 'region'],
  }
  const places = [
    { day: '2026-01-01', region: 'a b/ü%' },
    { day: '2026-01-01', region: null },
    { day: null, region: "it's" },
    { day: null, region: null },
  ]
  const files = places.flatMap((partitionValues, p) =>
    Array.from({ length: 3 }, (_, i): FileRows => ({ rows: [[BigInt(p * 10 + i), null, null]], partitionValues })),
  )
  const single: FileRows = { rows: [[99n, null, null]], partitionValues: { day: '2026-01-02', region: 'alone' } }
  await appendFiles(store, shape, [...files, single])
  const old = (await openSnapshot(store))!
  const before = await tableRows(store)
  const report = await optimize(world, 'silver.parted')
  assert.deepEqual(
    [report.outcome, report.partitions, report.filesRemoved, report.filesAdded, report.commits],
    ['optimized', 4, 12, 4, 1],
  )
  assert.deepEqual(await tableRows(store), before)
  const now = (await openSnapshot(store))!
  assert.equal(now.files.size, 5)
  assert.deepEqual(
    new Set([...now.files.values()].map((file) => JSON.stringify(file.partitionValues))),
    new Set([...old.files.values()].map((file) => JSON.stringify(file.partitionValues))),
  )
  const changes = await readChanges(store, { after: old.version, to: now.version })
  assert.deepEqual([changes?.added.length, changes?.removed.length, changes?.metadataChanged], [0, 0, false])
})

test('the commit says OPTIMIZE with the metrics that Spark states, dataChange=false, and moves no position', async (t) => {
  const world = await optimizeWorld(t)
  const store = world.lake.at('bronze/orders')
  await appendFiles(store, LONGS, [longs(0), longs(10)])
  const snapshot = (await openSnapshot(store))!
  const added = await writeFile(store, LONGS, longs(20))
  const moved = new Map([['sluice/orders/0', 30n]])
  await step(store, snapshot, { adds: [added], txns: moved, clock: systemClock })
  const report = await optimize(world, 'bronze.orders')
  const lines = await entryLines(store, report.version)
  const { operation, operationMetrics, operationParameters, isBlindAppend } = lines[0]!['commitInfo']!
  assert.deepEqual([operation, isBlindAppend], ['OPTIMIZE', false])
  const { zOrderBy, predicate, auto } = operationParameters as Record<string, string>
  assert.deepEqual([zOrderBy, predicate, auto], ['[]', '[]', 'false'])
  const metrics = operationMetrics as Record<string, string>
  assert.deepEqual([metrics['numRemovedFiles'], metrics['numAddedFiles']], ['3', '1'])
  assert.equal(metrics['numRemovedBytes'], String(report.bytesRemoved))
  assert.deepEqual(
    [metrics['minFileSize'], metrics['p50FileSize'], metrics['maxFileSize']],
    Array(3).fill(String(report.bytesAdded)),
  )
  assert.deepEqual(
    lines.slice(1).map((line) => Object.entries(line).map(([kind, action]) => [kind, action['dataChange']])),
    [...Array(3).fill([['remove', false]]), [['add', false]]],
  )
  assert.deepEqual((await openSnapshot(store))!.txns, moved)
})

test('a table without files and one with a single file have nothing to gain; a dry run changes nothing', async (t) => {
  const world = await optimizeWorld(t)
  await appendFiles(world.lake.at('silver/empty'), LONGS, [])
  await appendFiles(world.lake.at('silver/single'), LONGS, [longs(0)])
  await appendFiles(world.lake.at('silver/two'), LONGS, [longs(0), longs(10)])
  for (const table of ['silver.empty', 'silver.single']) {
    for (const zorder of [[], ['n']]) assert.equal((await optimize(world, table, zorder)).outcome, 'unchanged')
  }
  const planned = await optimizeTable(world, { table: 'silver.two', zorder: [], dryRun: true })
  assert.deepEqual([planned.outcome, planned.filesRemoved, planned.filesAdded, planned.version], ['planned', 2, 0, 2])
  assert.equal((await openSnapshot(world.lake.at('silver/two')))!.version, 2)
  await assert.rejects(optimize(world, 'silver.nothing'), { code: 'TABLE_UNKNOWN' })
  await assert.rejects(optimize(world, 'silver.two', ['m']), { code: 'USAGE' })
})

test('columns that came later are null in the rows of older files, and kept in those of newer ones', async (t) => {
  const world = await optimizeWorld(t)
  const store = world.lake.at('silver/grown')
  await appendFiles(store, { fields: LONGS.fields.slice(0, 1) }, [{ rows: [[1n]] }])
  const fields = [...LONGS.fields, field('seen', { kind: 'timestamp' })]
  const added = await writeFile(store, { fields }, { rows: [[2n, 'new', 5n]] })
  await step(store, (await openSnapshot(store))!, { metadata: { fields }, adds: [added], clock: systemClock })
  assert.equal((await optimize(world, 'silver.grown')).outcome, 'optimized')
  assert.deepEqual(
    (await tableRows(store)).map((row) => JSON.parse(row) as object),
    [
      { n: '1n', text: null, seen: null },
      { n: '2n', text: 'new', seen: '5n' },
    ],
  )
})

test('the bounds that the log states hold every row, and a budget stops the work after what it allows', async (t) => {
  const world = await optimizeWorld(t, 4000)
  const store = world.lake.at('silver/budget')
  await appendFiles(
    store,
    LONGS,
    Array.from({ length: 12 }, (_, i) => longs(i * 10)),
  )
  const whole = await tableRows(store)
  const budget = { maxBytes: 1, untilMs: world.clock.nowMs() + 60_000 }
  const first = await optimizeTable(world, { table: 'silver.budget', zorder: [], budget })
  assert.deepEqual([first.outcome, first.commits], ['partly', 1])
  assert.ok(first.filesRemoved < 12)
  assert.equal((await optimize(world, 'silver.budget')).outcome, 'optimized')
  const { files, metadata } = (await openSnapshot(store))!
  assert.deepEqual(await tableRows(store), whole)
  for (let n = 0; n < 120; n += 1) {
    assert.ok(pruneFiles(files.values(), metadata, [{ column: 'n', min: n, max: n }]).length > 0, `${n} is found`)
  }
})

const SPREAD: TableShape = {
  fields: [
    field('id', { kind: 'int64' }),
    field('who', { kind: 'string' }),
    field('seen', { kind: 'timestamp' }),
    field('day', { kind: 'date' }),
    field('price', { kind: 'decimal', precision: 18, scale: 2 }),
    field('ratio', { kind: 'float64' }),
  ],
}

/** Skewed texts and prices, evenly spread times and days; a twentieth of each is null. */
function spreadRow(id: number, random: () => number): Cell[] {
  const some = <T>(value: T): T | null => (random() < 0.05 ? null : value)
  return [
    BigInt(id),
    some(`customer ${String(Math.floor(random() ** 3 * 5000)).padStart(5, '0')}`),
    some(1_700_000_000_000_000n + BigInt(Math.floor(random() * 1e12))),
    some(19_000 + Math.floor(random() * 1000)),
    some(BigInt(Math.floor(random() ** 4 * 1e8))),
    some(random() < 0.01 ? NaN : random() - 0.5),
  ]
}

test(`--zorder clusters texts, times, dates, decimals and floats alike, skewed and with nulls, and tells what queries gain (SLUICE_SEED=${seed})`, async (t) => {
  const world = await optimizeWorld(t, 16_000)
  const random = seededRandom(seed)
  const rows = Array.from({ length: 48_000 }, (_, id) => spreadRow(id, random))
  for (const [i, columns] of [
    ['who', 'seen'],
    ['day', 'price'],
    ['ratio', 'id', 'who'],
  ].entries()) {
    const store = world.lake.at(`silver/spread${i}`)
    await appendFiles(
      store,
      SPREAD,
      Array.from({ length: 6 }, (_, part) => ({ rows: rows.slice(part * 8000, (part + 1) * 8000) })),
    )
    const before = await tableRows(store)
    const foreseen = await optimizeTable(world, { table: `silver.spread${i}`, zorder: columns, dryRun: true })
    assert.equal(foreseen.outcome, 'planned')
    const report = await optimize(world, `silver.spread${i}`, columns)
    assert.equal(report.outcome, 'optimized')
    // What is read now is the same by either sample; what will be is no more than an estimate.
    const [reckoned, found] = [foreseen.effect.at(-1)!, report.effect.at(-1)!]
    assert.deepEqual([reckoned.query, reckoned.columns], [found.query, found.columns])
    assert.ok(reckoned.filesAfter > 0.99 && reckoned.filesAfter < 8, `reckoned with ${reckoned.filesAfter} files`)
    assert.deepEqual(await tableRows(store), before)
    const { files, metadata } = (await openSnapshot(store))!
    assert.ok(files.size >= 16, `${files.size} files`)
    const together = report.effect.at(-1)!
    assert.deepEqual([together.query, together.columns], ['point', columns])
    // Ratio has no bounds where a file holds NaN.
    const known = columns.filter((column) => column !== 'ratio')
    for (const column of known) {
      const point = report.effect.find(
        (each) => each.query === 'point' && each.columns[0] === column && each.columns.length === 1,
      )!
      assert.ok(point.filesAfter < files.size * 0.75, `${column}: ${point.filesAfter} of ${files.size}`)
    }
    assert.ok(together.filesAfter < files.size / 3, `${together.filesAfter} of ${files.size}`)
    // What the report claims is what the log allows, value by value, and no row is left out by it.
    for (const row of rows.slice(0, 200)) {
      const id = row[0] as bigint
      assert.ok(pruneFiles(files.values(), metadata, [{ column: 'id', min: id, max: id }]).length > 0)
    }
    assert.equal((await optimize(world, `silver.spread${i}`, columns)).outcome, 'unchanged')
    await appendFiles(store, SPREAD, [{ rows: [spreadRow(1e6, random)] }])
    assert.equal((await optimize(world, `silver.spread${i}`, columns)).outcome, 'optimized')
  }
})
