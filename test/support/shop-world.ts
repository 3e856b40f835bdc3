import assert from 'node:assert/strict'
import { join } from 'node:path'
import { readSimulatorOptions } from '../../connectors/simulator/simulator-options.ts'
import type { SimulatorOptions } from '../../connectors/simulator/simulator-options.ts'
import { STREAMS } from '../../connectors/simulator/shop/shop-event.ts'
import type { Stream } from '../../connectors/simulator/shop/shop-event.ts'
import { brokenAfter } from '../../connectors/simulator/truth.ts'
import { connectPass, ingestPass, modelErrors, sourceErrors, tableErrors } from '../../src/cli/pass.ts'
import { CONNECTOR_DECLARATIONS } from '../../src/compose/connector-declarations.ts'
import { openWorld } from '../../src/compose/world.ts'
import { distinctLetters, readLetters } from '../../src/error-lane/ledger.ts'
import { verifyTable } from '../../src/operate/verify.ts'
import type { World } from '../../src/ports/world.ts'
import { loadSettings } from '../../src/settings/load-settings.ts'
import { loadModels } from '../../src/settings/model-file.ts'
import { buildModels } from '../../src/transform/build.ts'
import { rawRows } from './raw-delta.ts'
import { REPOSITORY } from './sluice.ts'
import { shopTables } from './shop-truth.ts'
import type { DaysTold, ShopTables, TruthRow } from './shop-truth.ts'

/** The default shop as a project: a lake of its own a world, every pass a process's view of it. */

export const SHOP_CONFIG = join(REPOSITORY, 'config/dev.yaml')

export interface ShopOptions {
  readonly seed: number
  readonly rows: number
  readonly badRate: number
}

export interface ShopWorld {
  readonly lake: string
  readonly sets: readonly string[]
  readonly options: (stream: Stream) => SimulatorOptions
}

export function shopWorld(folder: string, shop: ShopOptions, sets: readonly string[] = []): ShopWorld {
  const raw = { seed: shop.seed, rows: shop.rows, bad_rate: shop.badRate, late_rate: 0.1, duplicate_rate: 0.1 }
  const own = STREAMS.flatMap((stream) =>
    Object.entries(raw).map(([name, value]) => `sources.${stream}.${name}=${value}`),
  )
  return {
    lake: join(folder, 'lake'),
    sets: [...own, 'log.level=silent', ...sets],
    options: (stream) => readSimulatorOptions(stream, { ...raw, stream }),
  }
}

export async function inWorld<T>(shop: ShopWorld, work: (world: World) => Promise<T>): Promise<T> {
  const settings = loadSettings({
    file: SHOP_CONFIG,
    sets: shop.sets,
    env: { LAKE: shop.lake },
    cwd: REPOSITORY,
    connectors: CONNECTOR_DECLARATIONS,
  })
  const world = await openWorld({ settings, signal: new AbortController().signal, listeners: [] })
  try {
    return await work(world)
  } finally {
    await world.close()
  }
}

export function connectDays(shop: ShopWorld, days: number): Promise<void> {
  return inWorld(shop, async (world) => {
    for (let day = 0; day < days; day += 1) assert.deepEqual(sourceErrors(await connectPass(world, [])), [])
  })
}

/** Without a gate: what is judged here is what the models come to. */
export function ingestAndBuild(shop: ShopWorld, fullRefresh = false): Promise<void> {
  return inWorld(shop, async (world) => {
    assert.deepEqual(tableErrors(await ingestPass(world, [])), [])
    const models = loadModels(world.settings.paths.models)
    assert.deepEqual(modelErrors(await buildModels({ world, models, select: [], fullRefresh, dryRun: false })), [])
  })
}

/** As the sources' own states say. */
export function daysTold(shop: ShopWorld): Promise<DaysTold> {
  return inWorld(shop, async (world) => {
    const told: Partial<Record<Stream, number>> = {}
    for (const stream of STREAMS) {
      const { entries } = await world.log.sourceState(stream)
      assert.equal(entries.get('rows'), undefined, `${stream} has a day that is not whole`)
      told[stream] = Number(entries.get('days'))
    }
    return told as DaysTold
  })
}

export const SHOP_TABLES = [
  ...STREAMS.map((stream) => `bronze.${stream}`),
  'silver.customers',
  'silver.products',
  'silver.fx_rates',
  'silver.orders',
  'silver.customer_activity',
  'gold.dim_customer',
  'gold.dim_product',
  'gold.dim_date',
  'gold.fact_sales',
  'gold.fact_behavior',
] as const

/** Snapshots of a date, and the time before which what happened counts. */
export interface SnapshotTime {
  readonly date: string
  readonly beforeMs: number
}

/** Every silver and gold table, or its snapshot, equals what the record of truth comes to. */
export async function assertTruth(shop: ShopWorld, asOf: SnapshotTime | null = null): Promise<void> {
  const { facts } = shop.options('orders')
  await assertTables(shop.lake, shopTables(facts, await daysTold(shop), asOf?.beforeMs), asOf)
}

/** The tables of a lake, or their snapshots, hold these rows and no others. */
export async function assertTables(lake: string, tables: ShopTables, asOf: SnapshotTime | null = null): Promise<void> {
  for (const [table, expected] of Object.entries(tables)) {
    const rows = await tableRows(lake, table, asOf)
    const wanted = table === 'gold.dim_date' ? ['date_sk', 'date'] : null
    const kept = rows.map((row) => withoutColumn(row, PARTITION_COLUMNS[table]))
    const found = kept.map((row) => (wanted === null ? row : pickColumns(row, wanted)))
    assert.deepEqual(sorted(found), sorted(expected), table)
  }
}

/** What was refused, by kind, is what the simulator broke; and conservation holds. */
export async function assertRefusals(shop: ShopWorld): Promise<void> {
  const told = await daysTold(shop)
  await inWorld(shop, async (world) => {
    for (const stream of STREAMS) {
      const expected: Record<string, number> = {}
      for (const { fault } of brokenAfter(shop.options(stream), told[stream])) {
        const kind = `${fault.stage} ${fault.code} ${fault.field ?? '-'}`
        expected[kind] = (expected[kind] ?? 0) + 1
      }
      const found: Record<string, number> = {}
      const letters = readLetters(world.lake.at('_errors'), { layer: 'bronze', table: stream })
      for await (const { errors, stage } of distinctLetters(letters)) {
        assert.equal(errors.length, 1)
        const kind = `${stage} ${errors[0]!.code} ${errors[0]!.field ?? '-'}`
        found[kind] = (found[kind] ?? 0) + 1
      }
      assert.deepEqual(found, expected, stream)
      const proof = await verifyTable(world, world.settings.tables.get(stream)!, { againstLog: true })
      assert.equal(proof.ok, true, stream)
    }
  })
}

async function tableRows(lake: string, table: string, asOf: SnapshotTime | null): Promise<readonly TruthRow[]> {
  const folder = join(lake, table.replace('.', '/'))
  // the column that a table is partitioned by is not in its files, but a snapshot keeps it as any other
  const rows =
    asOf === null
      ? await rawRows(folder, 'select * from rows')
      : await rawRows(`${folder}_snapshot`, 'select * from rows', { partition: `as_of_date=${asOf.date}` })
  return rows
    .filter((row) => row['_deleted'] !== true)
    .map((row) =>
      Object.fromEntries(
        Object.entries(row).flatMap(([name, value]) => (name.startsWith('_') ? [] : [[name, canonical(value)]])),
      ),
    )
}

function canonical(value: unknown): string | number | boolean | null {
  if (typeof value === 'string' && /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}/.test(value)) {
    return new Date(`${value.replace(' ', 'T').replace(/\+00$/, '')}Z`).toISOString()
  }
  return value as string | number | boolean | null
}

/** Not in the files of the tables themselves. */
const PARTITION_COLUMNS: Readonly<Record<string, string>> = {
  'silver.orders': 'order_date',
  'silver.customer_activity': 'event_date',
  'gold.fact_sales': 'order_date',
  'gold.fact_behavior': 'event_date',
}

function withoutColumn(row: TruthRow, column: string | undefined): TruthRow {
  return Object.fromEntries(Object.entries(row).filter(([name]) => name !== column))
}

function pickColumns(row: TruthRow, columns: readonly string[]): TruthRow {
  return Object.fromEntries(columns.map((name) => [name, row[name] ?? null]))
}

/** Texts in order; what is a long here and a number there is compared by its digits. */
function sorted(rows: readonly TruthRow[]): readonly string[] {
  return rows
    .map((row) =>
      Object.entries(row)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, value]) => `${name}=${String(value)}`)
        .join(' | '),
    )
    .toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}
