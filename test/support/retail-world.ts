import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { rawRows } from './raw-delta.ts'
import { writeLines, type MadeLines } from './retail-lines.ts'
import { REPOSITORY, sluiceJson } from './sluice.ts'

/** The retail example as a project over made-up lines: a lake of its own a world. */

export const RETAIL_CONFIG = join(REPOSITORY, 'examples/online-retail/config.yaml')
export const RETAIL_MODELS = [
  'silver/order_lines',
  'gold/dim_product',
  'gold/dim_customer',
  'gold/dim_date',
  'gold/fact_sales',
]

export interface RetailWorld {
  readonly lake: string
  readonly data: string
  readonly env: Readonly<Record<string, string>>
  /** The example's own settings, if not stated. */
  readonly config?: string
}

export async function retailWorld(folder: string, files: MadeLines['files']): Promise<RetailWorld> {
  const lake = join(folder, 'lake')
  const data = join(folder, 'data')
  await writeLines(data, files)
  return { lake, data, env: { LAKE: lake, RETAIL_DATA: data } }
}

/** Arguments of a verb on the example, its flushes small enough that there are many. */
export function retailArgs(verb: string, flushMb = 0.02, config = RETAIL_CONFIG): string[] {
  const set = ['ingest.flush_mb', 'ingest.fetch_mb'].flatMap((key) => ['--set', `${key}=${flushMb}`])
  return [verb, '--config', config, ...set]
}

/** Nothing is missing and nothing is there twice, by Sluice's own proof and by a count that shares nothing with it. */
export async function proveBronze(world: RetailWorld, made: MadeLines): Promise<void> {
  const proof = await sluiceJson<{ ok: boolean }>(
    ['verify', '--against-log', '--config', world.config ?? RETAIL_CONFIG],
    {
      env: world.env,
    },
  )
  assert.equal(proof.ok, true)
  const truth = [...made.files.values()].flat().filter((line) => line.customerId !== '')
  assert.deepEqual(
    await rawRows(
      join(world.lake, 'bronze/order_lines'),
      'select count(*)::int as n, count(distinct (_partition, _offset))::int as places, sum("Quantity")::int as quantity from rows',
    ),
    [{ n: made.good, places: made.good, quantity: truth.reduce((sum, line) => sum + line.quantity, 0) }],
  )
  assert.equal((await letterIds(world)).size, made.bad)
}

/** Distinct row ids of the lane, read without Sluice. */
export async function letterIds(world: RetailWorld): Promise<Set<string>> {
  const lane = join(world.lake, '_errors/bronze/order_lines')
  const ids = new Set<string>()
  for (const entry of await readdir(lane, { recursive: true })) {
    if (!entry.startsWith('dt=') || !entry.endsWith('.json')) continue
    for (const line of (await readFile(join(lane, entry), 'utf8')).trimEnd().split('\n'))
      ids.add((JSON.parse(line) as { row_id: string }).row_id)
  }
  return ids
}

/** Every model's rows, but for the columns that begin with `_`, are those of another world. */
export async function sameModels(world: RetailWorld, other: RetailWorld): Promise<void> {
  const sql = "select columns(c -> c not like '\\_%' escape '\\') from rows order by all"
  for (const table of RETAIL_MODELS) {
    assert.deepEqual(await rawRows(join(world.lake, table), sql), await rawRows(join(other.lake, table), sql), table)
  }
}

export interface LagReport {
  readonly partitions: readonly { readonly lag: string | number }[]
}

/** Records that the table has not read yet. */
export async function unread(world: RetailWorld): Promise<number> {
  const { partitions } = await sluiceJson<LagReport>(['lag', '--config', world.config ?? RETAIL_CONFIG], {
    env: world.env,
  })
  return partitions.reduce((sum, { lag }) => sum + Number(lag), 0)
}

export interface PassReport {
  readonly tables: readonly { readonly read: number; readonly landed: number; readonly quarantined: number }[]
}
