import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../test/services/postgres.ts'
import { startSnowflake } from '../test/services/snowflake.ts'
import { measure, REPOSITORY, type Measured } from './measure.ts'

/** One line of the report: a table's first load into the embedded log, by `sluice connect`. */
export interface DatabaseRow {
  readonly name: string
  readonly what: string
  readonly rows: number
  readonly runs: readonly Measured[]
}

export interface DatabasesRequest {
  readonly runs: number
  readonly rows: number
  readonly say: (line: string) => void
}

const MAIN = join(REPOSITORY, 'src/main.ts')
const CONTRACT = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'order_id', type: 'long' },
    { name: 'customer_id', type: 'string' },
    { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 } },
    { name: 'note', type: ['null', 'string'], default: null },
    { name: 'gone', type: ['null', 'boolean'], default: null },
    { name: 'updated_at', type: { type: 'long', logicalType: 'timestamp-micros' } },
  ],
}

/** PostgreSQL in Redshift's place, on the same machine: its own CPU is not counted, its share of the time is. */
export async function measureRedshift(request: DatabasesRequest): Promise<DatabaseRow[]> {
  const { rows, say } = request
  const server = await startPostgres()
  try {
    say(`making ${rows} rows`)
    await server.run(
      'create table orders (order_id bigint primary key, customer_id text not null, amount numeric(12,2) not null, note text, gone boolean, updated_at timestamptz not null)',
      `insert into orders select i, 'C' || lpad((i % 100000)::text, 6, '0'), i * 1.01, case when i % 3 = 0 then 'note ' || i end, false,
         '2026-01-01'::timestamptz + i * interval '10 ms' from generate_series(1, ${rows}) i`,
      'create index on orders (updated_at, order_id)',
      'analyze orders',
    )
    return await measureLoads(request, {
      connector: 'redshift',
      what: 'PostgreSQL (in Redshift’s place) → embedded log, 10,000 rows a sync',
      options: server.options,
      env: {},
      some: (view, size) =>
        server.run(
          `create view ${view} as select * from orders where updated_at <= '2026-01-01'::timestamptz + ${size} * interval '10 ms'`,
        ),
    })
  } finally {
    await server.close()
  }
}

/** fakesnow in Snowflake's place: its answers are made in Python, which takes most of the time. */
export async function measureSnowflake(request: DatabasesRequest): Promise<DatabaseRow[]> {
  const { rows, say } = request
  const server = await startSnowflake()
  try {
    say(`making ${rows} rows`)
    await server.run(
      'create table orders (order_id number(18,0) not null, customer_id varchar not null, amount number(12,2) not null, note varchar, gone boolean, updated_at timestamp_ntz(9) not null)',
      `insert into orders select i, 'C' || lpad((i % 100000)::varchar, 6, '0'), i * 1.01, case when i % 3 = 0 then 'note ' || i end, false,
         dateadd(millisecond, i * 10, '2026-01-01'::timestamp_ntz) from (select row_number() over (order by seq4()) as i from table(generator(rowcount => ${rows})))`,
    )
    const { password, ...options } = server.options
    return await measureLoads(request, {
      connector: 'snowflake',
      what: 'fakesnow (in Snowflake’s place) → embedded log, 10,000 rows a sync',
      options: { ...options, password: '${SLUICE_BENCH_PASSWORD}' },
      env: { SLUICE_BENCH_PASSWORD: password! },
      some: (table, size) => server.run(`create table ${table} as select * from orders where order_id <= ${size}`),
    })
  } finally {
    await server.close()
  }
}

interface LoadedDatabase {
  readonly connector: string
  readonly what: string
  readonly options: Readonly<Record<string, string | number>>
  readonly env: Readonly<Record<string, string>>
  /** Makes a table, under this name, of the first rows of `orders`. */
  readonly some: (name: string, rows: number) => Promise<unknown>
}

/** All rows, and a quarter of them: memory that grew with the table would show. */
async function measureLoads(
  { runs, rows, say }: DatabasesRequest,
  { connector, what, options, env, some }: LoadedDatabase,
): Promise<DatabaseRow[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
  try {
    const sizes = [Math.round(rows / 4), rows]
    await some('some_orders', sizes[0]!)
    const done = sizes.map((size) => ({ size, runs: [] as Measured[] }))
    for (let i = 0; i < runs; i += 1)
      for (const each of done) {
        const project = join(scratch, `${each.size}-${i}`)
        const table = each.size === rows ? 'orders' : 'some_orders'
        await makeProject(project, { connector, ...options, table })
        const measured = await measure([MAIN, 'connect', '--config', join(project, 'sluice.yaml')], { env, scratch })
        each.runs.push(measured)
        say(`${each.size} rows: ${measured.wallSeconds.toFixed(1)} s, ${measured.cpuSeconds.toFixed(1)} CPU s`)
        await rm(project, { recursive: true })
      }
    return done.map(({ size, runs: all }) => ({ name: `${connector}-${size}`, what, rows: size, runs: all }))
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function makeProject(folder: string, options: Readonly<Record<string, string | number>>): Promise<void> {
  await mkdir(join(folder, 'schemas'), { recursive: true })
  await writeFile(join(folder, 'schemas/orders-value.avsc'), JSON.stringify(CONTRACT))
  const source = {
    topic: 'orders',
    primary_key: ['order_id'],
    watermark_column: 'updated_at',
    soft_delete_column: 'gone',
    ...options,
  }
  const settings = {
    lake: { uri: 'lake' },
    broker: { kind: 'embedded', dir: 'log' },
    registry: { kind: 'embedded', dir: 'registry' },
    log: { level: 'warn' },
    sources: { orders: source },
    topics: { orders: { partitions: 4 } },
    tables: { bronze: { orders: { topic: 'orders' } } },
  }
  await writeFile(join(folder, 'sluice.yaml'), JSON.stringify(settings))
}
