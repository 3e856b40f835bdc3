import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../src/adapters/clock/system-clock.ts'
import { openEmbeddedLog } from '../src/adapters/embedded-log/embedded-log.ts'
import { measure, REPOSITORY, type Measured } from './measure.ts'

/**
 * `npm run bench:month`: a month of the simulated shop, a day a run: does a day cost more as history grows, and does
 * memory? SLUICE_BENCH_DAYS and SLUICE_BENCH_ROWS (new order lines a day) set the size. SLUICE_BENCH_FOLDER names a
 * folder that stays: a run that was cut short goes on there with the day after the last whole one.
 */
const DAYS = Number(process.env['SLUICE_BENCH_DAYS'] ?? 30)
const ROWS = Number(process.env['SLUICE_BENCH_ROWS'] ?? 10_000)
const CONFIG = join(REPOSITORY, 'config/dev.yaml')
const MAIN = join(REPOSITORY, 'src/main.ts')
/** Days that are shown; the first ones only fill empty tables. */
const SHOWN = [1, 3, 10, 20, DAYS]

interface Day {
  readonly day: number
  /** That the day's `connect` appended, over all topics. */
  readonly records: number
  readonly connect: Measured
  readonly ingest: Measured
  readonly build: Measured
}

const kept = process.env['SLUICE_BENCH_FOLDER']
const scratch = kept ?? (await mkdtemp(join(tmpdir(), 'sluice-month-')))
await mkdir(scratch, { recursive: true })
const told = join(scratch, 'days.json')
try {
  const env = { LAKE: join(scratch, 'lake'), SLUICE_DEMO_ROWS: String(ROWS) }
  const verb = (word: string): Promise<Measured> => measure([MAIN, word, '--config', CONFIG], { env, scratch })
  const days = JSON.parse(await readFile(told, 'utf8').catch(() => '[]')) as Day[]
  for (let day = days.length + 1; day <= DAYS; day += 1) {
    const connect = await verb('connect')
    const records =
      (await countRecords(`${env.LAKE}.state/log`)) - days.reduce((sum, before) => sum + before.records, 0)
    days.push({ day, records, connect, ingest: await verb('ingest'), build: await verb('build') })
    await writeFile(told, JSON.stringify(days))
  }
  await report(days)
} finally {
  if (kept === undefined) await rm(scratch, { recursive: true, force: true })
}

async function countRecords(dir: string): Promise<number> {
  const log = await openEmbeddedLog({ dir, clock: systemClock })
  try {
    const topics = await log.topics()
    return topics.flatMap(({ partitions }) => partitions).reduce((sum, { end }) => sum + Number(end), 0)
  } finally {
    await log.close()
  }
}

async function report(days: readonly Day[]): Promise<void> {
  const total = ({ connect, ingest, build }: Day): number => connect.cpuSeconds + ingest.cpuSeconds + build.cpuSeconds
  const base = days.find(({ day }) => day === 3) ?? days[0]!
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, ${process.platform}`
  const megabytes = ({ peakBytes }: Measured): number => Math.round(peakBytes / 2 ** 20)
  const lines = [
    '# A month of the shop: measured',
    '',
    `${DAYS} days of ${ROWS} new order lines, by \`npm run bench:month\`, on ${machine}. Later`,
    'days bring more records, since there is more to correct: so a record is set against day 3 too.',
    '',
    '| day | records | connect CPU s | ingest CPU s | build CPU s | day against day 3 | a record against day 3 | peak MB connect | ingest | build |',
    '|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|',
    ...days
      .filter(({ day }) => SHOWN.includes(day))
      .map((each) => {
        const { day, records, connect, ingest, build } = each
        const times = total(each) / total(base)
        const byRecord = (times * base.records) / records
        const seconds = [connect, ingest, build].map((part) => part.cpuSeconds.toFixed(1))
        return `| ${[day, records.toLocaleString('en'), ...seconds, `${times.toFixed(2)} ×`, `${byRecord.toFixed(2)} ×`, megabytes(connect), megabytes(ingest), megabytes(build)].join(' | ')} |`
      }),
    '',
  ]
  process.stdout.write(lines.join('\n'))
  await writeFile(join(REPOSITORY, 'bench/MONTH.md'), lines.join('\n'))
}
