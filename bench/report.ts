import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatabaseRow } from './databases.ts'
import { lakePage, readsPage } from './lake/lake-page.ts'
import type { ZorderMeasured } from './lake/maintenance.ts'
import type { LakeRow } from './lake/scenarios.ts'
import { kafkaPage, loadPage } from './kafka/kafka-page.ts'
import type { KafkaRow, LoadRow } from './kafka/kafka.ts'
import type { OrdersRow } from './ingest/orders.ts'
import { median, REPOSITORY, type Measured } from './measure.ts'
import type { RetailRow } from './retail.ts'

interface Section<Row> {
  readonly machine: string
  readonly rows: readonly Row[]
}

interface Results {
  readonly orders?: Section<OrdersRow>
  readonly retail?: Section<RetailRow>
  readonly databases?: Section<DatabaseRow>
  readonly snowflake?: Section<DatabaseRow>
  readonly kafka?: Section<KafkaRow>
  readonly kafkaLoad?: Section<LoadRow>
  readonly scd2?: Section<LakeRow>
  readonly silver?: Section<LakeRow>
  readonly activity?: Section<LakeRow>
  readonly optimize?: Section<LakeRow>
  readonly snapshot?: Section<LakeRow>
  readonly zorder?: Section<LakeRow> & Pick<ZorderMeasured, 'reads'>
}

const JSON_FILE = join(REPOSITORY, 'bench/results.json')
const PAGE = join(REPOSITORY, 'bench/RESULTS.md')

/** Where the time of the slowest stage goes, as perf saw it; said again whenever that changes. */
const PROFILE = [
  'CPU profile of the slowest stage (bytes → Parquet in memory, warm, V8’s profiler at 4 kHz, main thread): 33 % of the samples are zstd, 15 % the',
  'generated reader, 11 % the letters of the 1.5 % that are refused, 12 % the columns’ encodings, 10 % texts (dictionary, pattern, UTF-8), 4 % the',
  'differences of integers, 4 % copies (batches joined, columns), 3 % the garbage collector, 2 % writing the file, and the rest is spread over the judge. A process that begins pays some',
  '0.7 CPU-seconds to V8’s optimising compiler, 1.2 where two worker threads each compile alike, so that a short run by two workers fills both cores and gains little.',
]

/** Lines measured anew take the place of theirs; the page is made from all that is kept. */
export async function keepResults(fresh: Results): Promise<void> {
  const kept = JSON.parse(await readFile(JSON_FILE, 'utf8')) as Results
  const results: Results = { ...kept, ...fresh }
  const orders = fresh.orders
  const all =
    orders === undefined
      ? results
      : { ...results, orders: { ...orders, rows: joinRows(kept.orders?.rows ?? [], orders.rows) } }
  await writeFile(JSON_FILE, `${JSON.stringify(all, null, 2)}\n`)
  const page = [
    ordersPage(all.orders),
    kafkaPage(all.kafka),
    loadPage(all.kafkaLoad),
    databasesPage(all.databases, 'Tables of databases', 'redshift'),
    databasesPage(all.snowflake, 'Tables of Snowflake', 'snowflake'),
    retailPage(all.retail),
    lakePage(all.scd2, 'scd2'),
    lakePage(all.silver, 'silver'),
    lakePage(all.activity, 'activity'),
    lakePage(all.optimize, 'optimize'),
    lakePage(all.zorder, 'zorder'),
    readsPage(all.zorder?.reads),
    lakePage(all.snapshot, 'snapshot'),
  ]
    .flat()
    .join('\n')
  await writeFile(PAGE, page)
  process.stdout.write(page)
}

function joinRows(kept: readonly OrdersRow[], fresh: readonly OrdersRow[]): OrdersRow[] {
  const byName = new Map([...kept, ...fresh].map((row) => [row.name, row]))
  return [...byName.values()]
}

function ordersPage(section: Section<OrdersRow> | undefined): string[] {
  if (section === undefined) return []
  const perRow = (name: string): number | null => {
    const row = section.rows.find((each) => each.name === name)
    return row === undefined ? null : median(row.runs).cpuSeconds / row.rows
  }
  const naive = perRow('naive')
  const byHand = perRow('hand-written')
  const times = (base: number | null, seconds: number, rows: number): string =>
    base === null ? '–' : `${(base / (seconds / rows)).toFixed(1)} ×`
  return [
    '# Orders: measured',
    '',
    'Avro orders of 14 fields and about 200 bytes, seeded, 1.5 % of them bad, by `npm run bench`: medians of the runs, in turn, each in a',
    `process of its own, on ${section.machine}. CPU-seconds count all threads.`,
    '',
    'Stages, the in-memory lines and the naive path are measured warm: the process has taken in the same orders three times, as a service that is',
    'always on has, with two workers six times, so that each thread has read as many; "in a process that begins" is the same without. A row of the log → Delta lines is the whole cold program from start to end, but',
    'where it says warm: there the verb has run three times in the same process, each time over the whole log into a new lake;',
    'the Python path has nothing to warm, and its imports are not counted. Peaks of the in-memory lines hold the orders themselves (450 MB, more',
    'where warm).',
    '',
    ...PROFILE,
    '',
    '| what | rows | runs | M rows a CPU-second | M rows a second | peak MB | CPU a row: naive / this | by hand / this |',
    '|---|---:|---:|---:|---:|---:|---:|---:|',
    ...section.rows.map(({ what, rows, runs }) => {
      const { wallSeconds, cpuSeconds, peakBytes } = median(runs)
      const rate = (seconds: number): string => (rows / seconds / 1e6).toFixed(rows / seconds > 1e5 ? 2 : 3)
      return `| ${[what, rows.toLocaleString('en'), runs.length, rate(cpuSeconds), rate(wallSeconds), Math.round(peakBytes / 2 ** 20), times(naive, cpuSeconds, rows), times(byHand, cpuSeconds, rows)].join(' | ')} |`
    }),
    '',
  ]
}

function databasesPage(section: Section<DatabaseRow> | undefined, title: string, name: string): string[] {
  if (section === undefined) return []
  return [
    `# ${title}: measured`,
    '',
    `A first load by \`sluice connect\`, the database on the same machine; medians of ${section.rows[0]!.runs.length} runs in turn, by \`npm run bench -- ${name}\`, on ${section.machine}. CPU-seconds are those of Sluice, from its start to its end.`,
    '',
    '| what | rows | rows a second | rows a CPU-second | peak MB |',
    '|---|---:|---:|---:|---:|',
    ...section.rows.map(({ what, rows, runs }) => {
      const { wallSeconds, cpuSeconds, peakBytes } = median(runs)
      const count = (each: number): string => Math.round(each).toLocaleString('en')
      return `| ${[what, count(rows), count(rows / wallSeconds), count(rows / cpuSeconds), Math.round(peakBytes / 2 ** 20)].join(' | ')} |`
    }),
    '',
  ]
}

function retailPage(section: Section<RetailRow> | undefined): string[] {
  if (section === undefined) return []
  const base = median(section.rows.at(-1)!.runs)
  return [
    '# Retail example: measured',
    '',
    `Medians of ${section.rows[0]!.runs.length} runs in turn, by \`npm run bench -- retail\`, on ${section.machine}. Wall times on a shared machine swing; CPU-seconds swing less.`,
    '',
    '| what | wall s | CPU s | peak MB | CPU against plain DuckDB |',
    '|---|---:|---:|---:|---:|',
    ...section.rows.map(({ what, runs }) => retailLine(what, median(runs), base)),
    '',
  ]
}

function retailLine(what: string, { wallSeconds, cpuSeconds, peakBytes }: Measured, base: Measured): string {
  return `| ${what} | ${wallSeconds.toFixed(1)} | ${cpuSeconds.toFixed(1)} | ${Math.round(peakBytes / 2 ** 20)} | ${(cpuSeconds / base.cpuSeconds).toFixed(1)} × |`
}
