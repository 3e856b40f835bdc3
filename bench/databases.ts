import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../test/services/postgres.ts'
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
export async function measureRedshift({ runs, rows, say }: DatabasesRequest): Promise<DatabaseRow[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
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
    const sizes = [Math.round(rows / 4), rows]
    const done = sizes.map((size) => ({ size, runs: [] as Measured[] }))
    for (let i = 0; i < runs; i += 1)
      for (const each of done) {
        const project = join(scratch, `${each.size}-${i}`)
        await makeProject(project, { ...server.options, table: each.size === rows ? 'orders' : 'some_orders' })
        if (i === 0 && each.size !== rows)
          await server.run(
            `create view some_orders as select * from orders where updated_at <= '2026-01-01'::timestamptz + ${each.size} * interval '10 ms'`,
          )
        const measured = await measure([MAIN, 'connect', '--config', join(project, 'sluice.yaml')], {
          env: {},
          scratch,
        })
        each.runs.push(measured)
        say(`${each.size} rows: ${measured.wallSeconds.toFixed(1)} s, ${measured.cpuSeconds.toFixed(1)} CPU s`)
        await rm(project, { recursive: true })
      }
    return done.map(({ size, runs: all }) => ({
      name: `redshift-${size}`,
      what: 'PostgreSQL (in Redshift’s place) → embedded log, 10,000 rows a sync',
      rows: size,
      runs: all,
    }))
  } finally {
    await server.close()
    await rm(scratch, { recursive: true, force: true })
  }
}

async function makeProject(folder: string, options: Readonly<Record<string, string | number>>): Promise<void> {
  await mkdir(join(folder, 'schemas'), { recursive: true })
  await writeFile(join(folder, 'schemas/orders-value.avsc'), JSON.stringify(CONTRACT))
  const source = {
    connector: 'redshift',
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
