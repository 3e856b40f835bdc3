import { cpus, loadavg, totalmem } from 'node:os'
import { measureRedshift, measureSnowflake } from './databases.ts'
import { measureOrders } from './ingest/orders.ts'
import { measureOptimize, measureZorder } from './lake/maintenance.ts'
import { measureSnapshot } from './lake/open-table.ts'
import { measureActivity, measureScd2, measureSilver } from './lake/scenarios.ts'
import { measureKafka, measureLoads } from './kafka/kafka.ts'
import { measureRetail } from './retail.ts'
import { keepResults } from './report.ts'

/**
 * `npm run bench [-- NAME…]`: orders through each stage and from the log to the lake, beside the paths that one would
 * write first; medians of SLUICE_BENCH_RUNS runs. `retail` is the retail example, `delta-20m` twenty million orders once,
 * `kafka` orders from a Kafka on this machine to disk and to S3, `kafka-load` how soon they can be seen there, `redshift` a table's first load from PostgreSQL.
 * `scd2` and `activity` set models of ours beside Spark's over the same tables, `silver` an increment beside a rebuild; SLUICE_BENCH_ROWS sets
 * their size, SLUICE_BENCH_SPARK=none leaves Spark out.
 * `optimize` and `zorder` set the verb beside delta-rs, over 2,000 small files and 10 M rows at full size, `snapshot` the opening of a
 * table of 100,000 files and 10,000 commits.
 * What is measured anew replaces its lines in results.json and RESULTS.md; the others stay.
 */
const BY_DEFAULT = [
  'decode',
  'judge',
  'parquet',
  'memory',
  'memory-workers',
  'memory-cold',
  'memory-workers-cold',
  'delta',
  'delta-workers',
  'delta-warm',
  'naive',
  'hand-written',
]
const APART = [
  'retail',
  'kafka',
  'kafka-load',
  'redshift',
  'snowflake',
  'scd2',
  'silver',
  'activity',
  'optimize',
  'zorder',
  'snapshot',
]
const NAMES = [...BY_DEFAULT, 'delta-20m', ...APART]

const runs = Number(process.env['SLUICE_BENCH_RUNS'] ?? 5)
const count = Number(process.env['SLUICE_BENCH_ROWS'] ?? 2_000_000)
const asked = process.argv.slice(2)
const unknown = asked.find((name) => !NAMES.includes(name))
if (unknown !== undefined) throw new Error(`there is no measurement ${unknown}; there are ${NAMES.join(', ')}`)
const names = asked.length === 0 ? BY_DEFAULT : asked
const say = (line: string): void => void process.stderr.write(`${line}\n`)

const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, ${process.platform}, load average ${loadavg()[0]!.toFixed(1)} as it began`
const orders = names.filter((name) => !APART.includes(name))
if (orders.length > 0)
  await keepResults({ orders: { machine, rows: await measureOrders({ names: orders, runs, count, say }) } })
if (names.includes('retail')) await keepResults({ retail: { machine, rows: await measureRetail(runs) } })
if (names.includes('kafka')) await keepResults({ kafka: { machine, rows: await measureKafka({ runs, count, say }) } })
if (names.includes('kafka-load')) await keepResults({ kafkaLoad: { machine, rows: await measureLoads({ runs, say }) } })
if (names.includes('redshift'))
  await keepResults({
    databases: { machine, rows: await measureRedshift({ runs, rows: Math.min(count, 1_000_000), say }) },
  })
if (names.includes('snowflake'))
  await keepResults({
    snowflake: { machine, rows: await measureSnowflake({ runs, rows: Math.min(count, 100_000), say }) },
  })
const lakeRows = (usual: number): number => Number(process.env['SLUICE_BENCH_ROWS'] ?? usual)
if (names.includes('scd2'))
  await keepResults({ scd2: { machine, rows: await measureScd2({ runs, rows: lakeRows(5_000_000), say }) } })
if (names.includes('silver'))
  await keepResults({ silver: { machine, rows: await measureSilver({ runs, rows: lakeRows(10_000_000), say }) } })
if (names.includes('activity'))
  await keepResults({ activity: { machine, rows: await measureActivity({ runs, rows: lakeRows(10_000_000), say }) } })
if (names.includes('optimize'))
  await keepResults({ optimize: { machine, rows: await measureOptimize({ runs, rows: lakeRows(24_000_000), say }) } })
if (names.includes('zorder')) {
  const { rows, reads } = await measureZorder({ runs, rows: lakeRows(10_000_000), say })
  await keepResults({ zorder: { machine, rows, reads } })
}
if (names.includes('snapshot'))
  await keepResults({
    snapshot: { machine, rows: await measureSnapshot({ runs, rows: lakeRows(100_000_000), say }) },
  })
