import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { systemClock } from '../../../src/adapters/clock/system-clock.ts'
import { openSnapshot } from '../../../src/lake/snapshot.ts'
import { optimizeTable, type OptimizeReport } from '../../../src/operate/optimize/optimize-table.ts'
import { step } from '../../lake/table-steps.ts'
import { assertConserved } from '../../support/conserved.ts'
import { orders, produce, registerOrders } from '../../support/orders.ts'
import { runSeed, seededRandom } from '../../support/random.ts'
import { rawRows } from '../../support/raw-delta.ts'
import { ingestAll } from '../../support/scratch-world.ts'
import type { TestWorld } from '../../support/world.ts'
import { appendFiles, optimizeWorld, tableRows, writeFile, type FileRows, type TableShape } from './small-files.ts'

const seed = runSeed()
const rounds = Number(process.env['SLUICE_OPTIMIZE_ROUNDS'] ?? 8)
const SHAPE: TableShape = { fields: [{ name: 'n', type: { kind: 'int64' }, nullable: true }] }
const file = (n: number): FileRows => ({ rows: [[BigInt(n)]] })

/** The same world, but that `interfere` comes between the writing of the new files and their commit. */
function interrupted(world: TestWorld, interfere: (call: number) => Promise<unknown>): TestWorld {
  let calls = 0
  return {
    ...world,
    engine: async () => {
      const engine = await world.engine()
      return {
        ...engine,
        rewrite: async (plan) => {
          const parts = await engine.rewrite(plan)
          calls += 1
          await interfere(calls)
          return parts
        },
      }
    },
  }
}

async function someFiles(t: TestContext, count = 4) {
  const world = await optimizeWorld(t)
  const store = world.lake.at('silver/t')
  await appendFiles(
    store,
    SHAPE,
    Array.from({ length: count }, (_, n) => file(n)),
  )
  const run = (interfere: (call: number) => Promise<unknown>): Promise<OptimizeReport> =>
    optimizeTable(interrupted(world, interfere), { table: 'silver.t', zorder: [] })
  return { world, store, run }
}

test('an append that comes in between is passed, and its file is left for the next call', async (t) => {
  const { world, store, run } = await someFiles(t)
  const report = await run(() => appendFiles(store, SHAPE, [file(4)]))
  assert.deepEqual([report.outcome, report.commits, report.filesRemoved, report.conflicts], ['optimized', 1, 4, 0])
  assert.equal((await openSnapshot(store))!.files.size, 2)
  assert.deepEqual(
    await tableRows(store),
    [0, 1, 2, 3, 4].map((n) => `{"n":"${n}n"}`),
  )
  assert.equal((await optimizeTable(world, { table: 'silver.t', zorder: [] })).filesRemoved, 2)
})

test('where another compaction took the files first, it plans again from what stands, and tells', async (t) => {
  const { world, store, run } = await someFiles(t)
  const other = async (call: number): Promise<void> => {
    if (call > 1) return
    assert.equal((await optimizeTable(world, { table: 'silver.t', zorder: [] })).outcome, 'optimized')
  }
  const report = await run(other)
  assert.deepEqual([report.outcome, report.commits, report.conflicts], ['unchanged', 0, 1])
  assert.equal((await openSnapshot(store))!.files.size, 1)
  assert.equal((await tableRows(store)).length, 4)
})

test('rewrites whose files still stand are committed though others of their group were lost', async (t) => {
  const world = await optimizeWorld(t)
  const store = world.lake.at('silver/parted')
  const shape: TableShape = {
    fields: [...SHAPE.fields, { name: 'day', type: { kind: 'string' }, nullable: true }],
    partitionColumns: ['day'],
  }
  const of = (day: string | null, n: number): FileRows => ({ rows: [[BigInt(n), null]], partitionValues: { day } })
  await appendFiles(store, shape, [of('a', 0), of('a', 1), of(null, 2), of(null, 3)])
  const remove = async (call: number): Promise<void> => {
    if (call > 1) return
    const snapshot = (await openSnapshot(store))!
    const gone = [...snapshot.files.values()].find(({ partitionValues }) => partitionValues['day'] === 'a')!
    await step(store, snapshot, { removes: [gone], reads: 'removed-files', clock: systemClock })
  }
  const report = await optimizeTable(interrupted(world, remove), { table: 'silver.parted', zorder: [] })
  assert.deepEqual([report.outcome, report.commits, report.conflicts, report.filesRemoved], ['optimized', 1, 1, 2])
  assert.equal((await openSnapshot(store))!.files.size, 2)
  assert.equal((await tableRows(store)).length, 3)
})

test('it yields to a writer that takes its files away again and again', async (t) => {
  const { store, run } = await someFiles(t, 9)
  const replace = async (call: number): Promise<void> => {
    const snapshot = (await openSnapshot(store))!
    const removes = [...snapshot.files.values()].slice(0, 1)
    const adds = [await writeFile(store, SHAPE, file(100 + call))]
    await step(store, snapshot, { adds, removes, reads: 'removed-files', clock: systemClock })
  }
  const report = await run(replace)
  assert.deepEqual([report.outcome, report.commits, report.conflicts], ['yielded', 0, 5])
  assert.equal((await tableRows(store)).length, 9)
})

test('new columns that come in between make it plan again, and no row is lost', async (t) => {
  const { store, run } = await someFiles(t)
  const fields = [...SHAPE.fields, { name: 'more', type: { kind: 'string' }, nullable: true } as const]
  const widen = async (call: number): Promise<void> => {
    if (call > 1) return
    await step(store, (await openSnapshot(store))!, { metadata: { fields }, clock: systemClock })
  }
  const report = await run(widen)
  assert.deepEqual([report.outcome, report.commits, report.conflicts], ['optimized', 1, 1])
  assert.equal((await openSnapshot(store))!.metadata.fields.length, 2)
  assert.equal((await tableRows(store)).length, 4)
})

test(`I1, I17: two compactions race an ingest: it never fails, positions only move on, and no row is lost or doubled (SLUICE_SEED=${seed})`, async (t) => {
  const world = await optimizeWorld(t)
  const again = await optimizeWorld(t, 1 << 20, { folder: world.folder })
  const random = seededRandom(seed)
  const schema = await registerOrders(world)
  let produced = 0
  const seen = new Set<string>()
  for (let round = 0; round < rounds; round += 1) {
    const ingest = async (): Promise<void> => {
      for (let flush = 0; flush < 3; flush += 1) {
        const count = 1 + Math.floor(random() * 4)
        await produce(world, orders(schema, count, produced))
        produced += count
        for (const table of await ingestAll(world)) assert.deepEqual(table.errors, [])
      }
    }
    if (round === 0) await ingest()
    const compact = async (mine: TestWorld): Promise<void> => {
      for (let turn = 0; turn < 2; turn += 1) {
        const zorder = random() < 0.3 ? ['n', 'id'] : []
        seen.add((await optimizeTable(mine, { table: 'bronze.orders', zorder })).outcome)
      }
    }
    await Promise.all([ingest(), compact(world), compact(again)])
  }
  await ingestAll(world)
  await assertConserved(world)
  const sql = 'select _offset::int as o, n from rows order by 1'
  assert.deepEqual(
    await rawRows(join(world.folder, 'lake/bronze/orders'), sql),
    Array.from({ length: produced }, (_, i) => ({ o: i, n: i })),
  )
  const { txns } = (await openSnapshot(world.lake.at('bronze/orders')))!
  assert.equal(txns.get('sluice/orders/0'), BigInt(produced))
  assert.ok(seen.has('optimized'))
})
