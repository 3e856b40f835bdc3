import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findPython } from '../../test/services/python.ts'
import { measure, measureSection, REPOSITORY, runProgram, type Measured } from '../measure.ts'
import { ORDERS_SCHEMA } from '../orders/order-schema.ts'

/** One line of the report: the same orders by one way. */
export interface OrdersRow {
  readonly name: string
  readonly what: string
  /** Rows that each run takes in. */
  readonly rows: number
  readonly runs: readonly Measured[]
}

export interface OrdersRequest {
  readonly names: readonly string[]
  readonly runs: number
  readonly count: number
  readonly say: (line: string) => void
}

interface Way {
  readonly name: string
  readonly what: string
  readonly rows: number
  readonly once?: true
  readonly run: () => Promise<Measured>
}

const INGEST = join(REPOSITORY, 'bench/ingest')
const TIMES_MANY = 10
/** As a process that is always on: it has done the same three times before it is measured. */
const WARM: Readonly<Record<string, string>> = { SLUICE_BENCH_WARM: '3' }

/** In turn, so that what else the machine does falls on all of them alike; each in a process of its own. */
export async function measureOrders({ names, runs, count, say }: OrdersRequest): Promise<OrdersRow[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
  try {
    const file = join(scratch, 'orders.bin')
    say(`making ${count} orders`)
    await runProgram([join(INGEST, 'make-orders.ts'), file, String(count)])
    const ways = (await waysOf({ scratch, file, count, say })).filter(({ name }) => names.includes(name))
    const done = new Map<string, Measured[]>(ways.map(({ name }) => [name, []]))
    for (let i = 0; i < runs; i += 1) {
      for (const { name, once, rows, run } of ways) {
        if (once === true && i > 0) continue
        const measured = await run()
        done.get(name)!.push(measured)
        say(`${name}: ${(rows / measured.cpuSeconds / 1e6).toFixed(2)} M rows a CPU-second`)
      }
    }
    return ways.map(({ name, what, rows }) => ({ name, what, rows, runs: done.get(name)! }))
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

interface Place {
  readonly scratch: string
  readonly file: string
  readonly count: number
  readonly say: (line: string) => void
}

async function waysOf({ scratch, file, count, say }: Place): Promise<Way[]> {
  const stage =
    (name: string, env = WARM) =>
    () =>
      measureSection([join(INGEST, 'measure-stage.ts'), name, file, scratch], env)
  const found = await findPython(['deltalake==1.6.6', 'fastavro==1.12.1', 'pyarrow==22.0.0'])
  const few = Math.min(count, 40_000)
  const some = Math.min(count, 200_000)
  const filled = new Map<number, Promise<string>>()
  const log = (times: number): Promise<string> => {
    const known = filled.get(times)
    if (known !== undefined) return known
    say(`filling the log with ${count * times} orders`)
    const folder = join(scratch, `world-${times}`)
    const filling = runProgram([join(INGEST, 'fill-log.ts'), file, String(times), folder]).then(() => folder)
    filled.set(times, filling)
    return filling
  }
  const ingest = (times: number, workers: string) => async (): Promise<Measured> => {
    const folder = await log(times)
    await rm(join(folder, 'lake'), { recursive: true, force: true })
    const set = workers === '' ? [] : ['--set', `ingest.workers=${workers}`]
    const words = ['ingest', '--config', join(INGEST, 'config.yaml'), ...set]
    const program = [join(REPOSITORY, 'src/main.ts'), ...words]
    return measure(program, { env: { BENCH_FOLDER: folder, SLUICE_LOG: 'warn' }, scratch })
  }
  /** The same verb over and over in one process. */
  const ingestWarm = async (): Promise<Measured> => {
    const folder = await log(1)
    await rm(join(folder, 'lake'), { recursive: true, force: true })
    const words = [join(INGEST, 'config.yaml'), String(count), '4', '--set', 'ingest.workers=0']
    return measureSection([join(INGEST, 'warm-ingest.ts'), ...words], { BENCH_FOLDER: folder })
  }
  const delta = 'embedded log → Delta on disk, `sluice ingest`'
  const many = count * TIMES_MANY
  const ways: Way[] = [
    { name: 'decode', what: 'decode alone', rows: count, run: stage('decode') },
    { name: 'judge', what: 'decode + contract', rows: count, run: stage('judge') },
    { name: 'parquet', what: 'Parquet alone, zstd', rows: count, run: stage('parquet') },
    { name: 'memory', what: 'in memory, bytes → Parquet, one thread', rows: count, run: stage('memory') },
    { name: 'memory-workers', what: 'the same, two workers', rows: count, run: stage('memory-workers') },
    { name: 'memory-cold', what: 'one thread, in a process that begins', rows: count, run: stage('memory', {}) },
    { name: 'memory-workers-cold', what: 'two workers, likewise', rows: count, run: stage('memory-workers', {}) },
    { name: 'delta', what: `${delta}, one thread`, rows: count, run: ingest(1, '0') },
    { name: 'delta-workers', what: `${delta}, two workers`, rows: count, run: ingest(1, '2') },
    { name: 'delta-warm', what: `${delta}, one thread, warm`, rows: count, run: ingestWarm },
    {
      name: 'delta-20m',
      what: `${delta}, ${TIMES_MANY} × the orders`,
      rows: many,
      once: true,
      run: ingest(TIMES_MANY, ''),
    },
    {
      name: 'naive',
      what: 'avsc → ajv → parquetjs-lite',
      rows: few,
      run: () => measureSection([join(INGEST, 'naive.ts'), file, String(few), scratch], WARM),
    },
  ]
  if (found.skip !== false) {
    say(`without Python: ${found.skip}`)
    return ways
  }
  const { python } = found
  const byHand = async (): Promise<Measured> => {
    const table = join(scratch, 'by-hand')
    await rm(table, { recursive: true, force: true })
    await mkdir(table)
    const args = [file, String(some), table, ORDERS_SCHEMA.text]
    return (await python.json(await handWritten(join(INGEST, 'hand-written.py')), ...args)) as Measured
  }
  return [...ways, { name: 'hand-written', what: 'fastavro → pyarrow → deltalake', rows: some, run: byHand }]
}

/** A script by hand: what an order is, and what `file` says of where orders come from. */
export async function handWritten(file: string): Promise<string> {
  return `${await readFile(join(INGEST, 'by-hand.py'), 'utf8')}\n${await readFile(file, 'utf8')}`
}
