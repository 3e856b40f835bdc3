import { join } from 'node:path'
import { measure, REPOSITORY, type Measured } from '../measure.ts'
import { openBenchLakes, type BenchLakes } from './bench-lake.ts'
import {
  BEHAVIOR_COLUMNS,
  CUSTOMER_COLUMNS,
  FX_ROWS,
  ORDER_COLUMNS,
  bronzeRows,
  customerId,
  customerValues,
  draw,
  orderValues,
  pick,
} from './shop-rows.ts'
import { measureSpark } from './spark.ts'

/** One line of the report. */
export interface LakeRow {
  readonly what: string
  readonly rows: number
  readonly runs: readonly Measured[]
}

export interface LakeRequest {
  readonly runs: number
  readonly rows: number
  readonly say: (line: string) => void
}

const MAIN = join(REPOSITORY, 'src/main.ts')
const CONFIG = join(REPOSITORY, 'bench/lake/config.yaml')
const BEFORE = '2026-01-30 00:00:00'
const NOW = '2026-01-31 00:00:00'

interface Stand extends LakeRequest {
  readonly lakes: BenchLakes
  /** Holds what stands before the measured run; the run works on a copy. */
  readonly base: string
}

async function withLakes<T>(request: LakeRequest, work: (stand: Stand) => Promise<T>): Promise<T> {
  const lakes = await openBenchLakes()
  try {
    return await work({ ...request, lakes, base: join(lakes.root, 'base') })
  } finally {
    await lakes.close()
  }
}

function build({ lakes }: Stand, lake: string, models: readonly string[]): Promise<Measured> {
  return measure([MAIN, 'build', ...models, '--config', CONFIG], { env: { LAKE: lake }, scratch: lakes.root })
}

/** The same rows in any order give the same; columns that begin with `_` are ours alone. */
async function fingerprint({ lakes }: Stand, lake: string, table: string): Promise<string> {
  const sql = `select count(*) as rows, sum(hash(columns(c -> c not like '\\_%' escape '\\'))::hugeint) from t`
  const [row] = await lakes.ask(lake, table, sql)
  return JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))
}

interface Run {
  readonly name: string
  readonly what: string
  readonly table: string
  readonly run: (lake: string) => Promise<Measured | null>
}

/** Each on a copy of the base, in turn; all must leave the same rows. */
async function inTurn(stand: Stand, rows: number, ways: readonly Run[]): Promise<LakeRow[]> {
  const results = ways.map(({ what }) => ({ what, rows, runs: [] as Measured[] }))
  let expected: string | null = null
  for (let run = 0; run < stand.runs; run += 1) {
    for (const [at, { name, table, run: work }] of ways.entries()) {
      const lake = join(stand.lakes.root, name)
      await stand.lakes.copy(stand.base, lake)
      const measured = await work(lake)
      if (measured !== null) {
        const { wallSeconds, cpuSeconds, peakBytes } = measured
        stand.say(
          `${name}: ${wallSeconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} CPU s, ${Math.round(peakBytes / 2 ** 20)} MB at most`,
        )
        results[at]!.runs.push(measured)
        const found = await fingerprint(stand, lake, table)
        expected ??= found
        if (found !== expected) throw new Error(`${name} comes to other rows: ${found}, not ${expected}`)
      }
      await stand.lakes.remove(lake)
    }
  }
  return results.filter(({ runs }) => runs.length > 0)
}

/** A dimension of `rows` current rows takes a tenth as many changes: moves, late ones, new customers, deletions. */
export function measureScd2(request: LakeRequest): Promise<LakeRow[]> {
  return withLakes(request, async (stand) => {
    const { lakes, base, rows, say } = stand
    const again = Math.floor(rows / 5)
    const changes = Math.floor(rows / 10)
    say(`making ${rows} customers`)
    const shared = { table: 'customers', columns: CUSTOMER_COLUMNS, from: 0 }
    await lakes.land(
      base,
      bronzeRows({
        ...shared,
        values: customerValues('i', `timestamp '2025-01-01' + to_seconds(${draw(1)} * 86400 * 300)`, 1),
        count: rows,
        landedAt: BEFORE,
      }),
    )
    await lakes.land(
      base,
      bronzeRows({
        ...shared,
        values: customerValues(
          `floor(${draw(5)} * ${rows})`,
          `timestamp '2025-11-01' + to_seconds(${draw(6)} * 86400 * 60)`,
          11,
        ),
        count: again,
        landedAt: BEFORE,
        offset: rows,
      }),
    )
    say(`building ${rows} rows first: ${JSON.stringify(await build(stand, base, ['gold.dim_customer']))}`)
    const kind = 'i % 20'
    const moved = customerValues(
      `case when ${kind} in (15, 16, 17) then ${rows} + i else floor(${draw(21)} * ${rows}) end`,
      `case when ${kind} = 19 then null when ${kind} in (11, 12, 13, 14) then timestamp '2025-01-01' + to_seconds(${draw(22)} * 86400 * 360)
         else timestamp '2026-01-30' + to_seconds(${draw(23)} * 86400) end`,
      31,
    )
    const gone = Object.entries(moved).map(([name, sql]) =>
      name === 'customer_id' || name === 'updated_at'
        ? [name, sql]
        : [name, `case when ${kind} = 19 then null else ${sql} end`],
    )
    await lakes.land(
      base,
      bronzeRows({
        ...shared,
        values: { ...Object.fromEntries(gone), _op: `case when ${kind} = 19 then 'd' else 'u' end` },
        count: changes,
        landedAt: NOW,
        offset: rows + again,
      }),
    )
    const table = 'gold.dim_customer'
    return inTurn(stand, rows, [
      {
        name: 'sluice',
        what: '`sluice build gold.dim_customer`, the whole program',
        table,
        run: (lake) => build(stand, lake, [table]),
      },
      {
        name: 'spark',
        what: 'Spark 4.0.1 local[2], delta-spark 4.0.0, a warm session',
        table,
        run: (lake) => measureSpark('scd2.py', { lake, say }),
      },
    ])
  })
}

/** How far back a day's changes reach, as in the simulated shop; SLUICE_BENCH_REACH_DAYS sets it. */
const REACH_DAYS = Number(process.env['SLUICE_BENCH_REACH_DAYS'] ?? 10)

/** Of `rows` order lines one in a hundred is new or changed. */
export function measureSilver(request: LakeRequest): Promise<LakeRow[]> {
  return withLakes(request, async (stand) => {
    const { lakes, base, rows, say } = stand
    const changes = Math.floor(rows / 100)
    const customers = Math.max(1, Math.floor(rows / 50))
    say(`making ${rows} order lines`)
    const orderedAt = (line: string): string =>
      `timestamp '2025-01-30' + to_seconds(cast((${line}) // 2 as bigint) * 2 * 86400.0 * 365 / ${rows})`
    const shared = { table: 'orders', columns: ORDER_COLUMNS, from: 0 }
    await lakes.land(base, FX_ROWS)
    const values = orderValues({
      line: 'i',
      customer: `hash(i // 2) % ${customers}`,
      orderedAt: orderedAt('i'),
      updatedAt: orderedAt('i'),
      status: `'placed'`,
    })
    await lakes.land(base, bronzeRows({ ...shared, values, count: rows, landedAt: BEFORE }))
    say(
      `building ${rows} rows first: ${JSON.stringify(await build(stand, base, ['silver.fx_rates', 'silver.orders']))}`,
    )
    // half are new, the others lines of the days before that are changed
    const line = `case when i % 2 = 0 then ${rows} + i else ${rows} - 1 - floor(${draw(41)} * ${rows} * ${REACH_DAYS} / 365) end`
    const number = `cast(${line} as bigint)`
    const changed = orderValues({
      line: number,
      customer: `hash(${number} // 2) % ${customers}`,
      orderedAt: orderedAt(number),
      updatedAt: `timestamp '2026-01-30' + to_seconds(${draw(43)} * 86400)`,
      status: pick(44, 'placed', 'shipped', 'delivered'),
    })
    await lakes.land(base, bronzeRows({ ...shared, values: changed, count: changes, landedAt: NOW, offset: rows }))
    const table = 'silver.orders'
    return inTurn(stand, rows, [
      {
        name: 'increment',
        what: `\`sluice build silver.orders\`, ${changes.toLocaleString('en')} rows came, half new, half of the ${REACH_DAYS} days before`,
        table,
        run: (lake) => build(stand, lake, [table]),
      },
      {
        name: 'rebuild',
        what: '`sluice build silver.orders --full-refresh`',
        table,
        run: (lake) => build(stand, lake, [table, '--full-refresh']),
      },
    ])
  })
}

/** `rows` events with a tenth as many order lines and a hundredth as many customers, some of whom are on the site all day. */
export function measureActivity(request: LakeRequest): Promise<LakeRow[]> {
  return withLakes(request, async (stand) => {
    const { lakes, base, rows, say } = stand
    const orders = Math.floor(rows / 10)
    const customers = Math.max(10, Math.floor(rows / 100))
    say(`making ${rows} events, ${orders} order lines and ${customers} customers`)
    const skewed = (salt: number): string => `floor(pow(${draw(salt)}, 3) * ${customers})`
    await lakes.land(
      base,
      bronzeRows({
        table: 'customers',
        columns: CUSTOMER_COLUMNS,
        values: customerValues('i', `timestamp '2025-01-01'`, 1),
        from: 0,
        count: customers,
        landedAt: BEFORE,
      }),
    )
    const orderedAt = `timestamp '2025-08-01' + to_seconds(floor(${draw(51)} * 86400 * 180))`
    const order = orderValues({
      line: 'i',
      customer: skewed(52),
      orderedAt,
      updatedAt: orderedAt,
      status: pick(53, 'placed', 'shipped', 'delivered'),
    })
    await lakes.land(base, FX_ROWS)
    await lakes.land(
      base,
      bronzeRows({ table: 'orders', columns: ORDER_COLUMNS, values: order, from: 0, count: orders, landedAt: BEFORE }),
    )
    await lakes.land(
      base,
      bronzeRows({
        table: 'behavior',
        columns: BEHAVIOR_COLUMNS,
        values: {
          event_id: `md5(cast(case when i % 100 = 99 then i - 1 else i end as varchar))`,
          customer_id: customerId(skewed(61)),
          event_type: pick(62, 'page_view', 'search', 'add_to_cart', 'checkout'),
          product_id: `'P' || lpad(cast(hash(i) % 20000 as varchar), 5, '0')`,
          session_id: `'s' || (i // 20)`,
          duration_ms: `cast(hash(i * 5) % 60000 as bigint)`,
          event_time: `timestamp '2025-11-01' + to_seconds(floor(${draw(63)} * 86400 * 90))`,
        },
        from: 0,
        count: rows,
        landedAt: BEFORE,
      }),
    )
    const models = ['silver.fx_rates', 'silver.customers', 'silver.orders']
    say(`building the others first: ${JSON.stringify(await build(stand, base, models))}`)
    const table = 'silver.customer_activity'
    return inTurn(stand, rows, [
      {
        name: 'sluice',
        what: '`sluice build silver.customer_activity`, the whole program',
        table,
        run: (lake) => build(stand, lake, [table]),
      },
      {
        name: 'spark',
        what: 'Spark 4.0.1 local[2], delta-spark 4.0.0, a warm session',
        table: 'spark.customer_activity',
        run: (lake) => measureSpark('activity.py', { lake, say }),
      },
    ])
  })
}
