import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { median, measure, REPOSITORY, type Measured } from './measure.ts'

/**
 * `npm run bench`: the retail example from files to gold, a second run with nothing new, ingest alone on one and on four
 * times the input, and plain DuckDB over the same files, in turn in one session; medians.
 */
const RUNS = Number(process.env['SLUICE_BENCH_RUNS'] ?? 5)
const DATA = process.env['RETAIL_DATA'] ?? join(REPOSITORY, '../shared/data/online-retail')
const CONFIG = join(REPOSITORY, 'examples/online-retail/config.yaml')
const MAIN = join(REPOSITORY, 'src/main.ts')
const TIMES = 4

interface Row {
  readonly what: string
  readonly runs: Measured[]
}

const scratch = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
try {
  const four = join(scratch, 'data-times-4')
  await mkdir(four)
  for (const name of await readdir(DATA)) {
    if (!name.endsWith('.csv.gz')) continue
    for (let i = 0; i < TIMES; i += 1) await cp(join(DATA, name), join(four, `${i}-${name}`))
  }
  const whole: Row = { what: 'run: files → topic → bronze → silver → gold', runs: [] }
  const again: Row = { what: 'run again, nothing new', runs: [] }
  const connect: Row = { what: 'connect alone', runs: [] }
  const ingest: Row = { what: 'ingest alone', runs: [] }
  const ingestFour: Row = { what: `ingest alone, ${TIMES} × the input`, runs: [] }
  const plain: Row = { what: 'plain DuckDB over the same files, to a deduplicated table', runs: [] }
  for (let i = 0; i < RUNS; i += 1) {
    const lake = join(scratch, `lake-${i}`)
    const verb = (words: readonly string[], at: string, data: string): Promise<Measured> =>
      measure([MAIN, ...words, '--config', CONFIG], { env: { LAKE: at, RETAIL_DATA: data }, scratch })
    whole.runs.push(await verb(['run'], lake, DATA))
    again.runs.push(await verb(['run'], lake, DATA))
    connect.runs.push(await verb(['connect'], `${lake}-parts`, DATA))
    ingest.runs.push(await verb(['ingest'], `${lake}-parts`, DATA))
    await verb(['connect'], `${lake}-four`, four)
    ingestFour.runs.push(await verb(['ingest'], `${lake}-four`, four))
    plain.runs.push(
      await measure([join(REPOSITORY, 'bench/plain-duckdb.ts')], {
        env: { RETAIL_DATA: DATA, SCRATCH: scratch },
        scratch,
      }),
    )
    for (const each of [lake, `${lake}-parts`, `${lake}-four`])
      for (const part of [each, `${each}.state`]) await rm(part, { recursive: true, force: true })
  }
  await report([whole, again, connect, ingest, ingestFour, plain], median(plain.runs))
} finally {
  await rm(scratch, { recursive: true, force: true })
}

async function report(rows: readonly Row[], base: Measured): Promise<void> {
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, ${process.platform}`
  const lines = [
    '# Retail example: measured',
    '',
    `Medians of ${RUNS} runs in turn, by \`npm run bench\`, on ${machine}. Wall times on a shared machine swing; CPU-seconds swing less.`,
    '',
    '| what | wall s | CPU s | peak MB | CPU against plain DuckDB |',
    '|---|---:|---:|---:|---:|',
    ...rows.map(({ what, runs }) => {
      const { wallSeconds, cpuSeconds, peakBytes } = median(runs)
      return `| ${what} | ${wallSeconds.toFixed(1)} | ${cpuSeconds.toFixed(1)} | ${Math.round(peakBytes / 2 ** 20)} | ${(cpuSeconds / base.cpuSeconds).toFixed(1)} × |`
    }),
    '',
  ]
  process.stdout.write(lines.join('\n'))
  await writeFile(join(REPOSITORY, 'bench/RESULTS.md'), lines.join('\n'))
  await writeFile(
    join(REPOSITORY, 'bench/results.json'),
    `${JSON.stringify({ machine, runs: RUNS, rows: rows.map(({ what, runs }) => ({ what, median: median(runs), runs })) }, null, 2)}\n`,
  )
}
