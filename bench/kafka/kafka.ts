import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startKafka, type Kafka } from '../../test/services/kafka.ts'
import { findPython } from '../../test/services/python.ts'
import { startS3, type S3 } from '../../test/services/s3.ts'
import { handWritten } from '../ingest/orders.ts'
import { measure, REPOSITORY, runProgram, startProgram, type Measured } from '../measure.ts'
import { ORDERS_SCHEMA } from '../orders/order-schema.ts'
import type { Seen } from './steady-load.ts'

/** One line of the report: the same orders from Kafka by one way. */
export interface KafkaRow {
  readonly name: string
  readonly what: string
  readonly rows: number
  readonly runs: readonly Measured[]
}

/** One line of the other: how soon what is appended can be seen. */
export interface LoadRow {
  readonly name: string
  readonly what: string
  readonly recordsPerSecond: number
  readonly seconds: number
  readonly runs: readonly (Seen & Measured)[]
}

export interface KafkaRequest {
  readonly runs: number
  readonly count: number
  readonly say: (line: string) => void
}

interface Place {
  readonly scratch: string
  readonly file: string
  readonly count: number
  readonly kafka: Kafka
  readonly s3: S3
}

const HERE = join(REPOSITORY, 'bench/kafka')
const CONFIG = join(HERE, 'config.yaml')
const BUCKET = 'bench'
const LOAD_SECONDS = 20
const LOADED_ORDERS = 200_000
const RECORDS_PER_SECOND = 20_000
const PYTHON = ['confluent-kafka==2.14.2', 'deltalake==1.6.6', 'fastavro==1.12.1', 'pyarrow==22.0.0']

/** In turn, so that what else the machine does falls on all alike; each in a process of its own, broker and S3 beside it. */
export function measureKafka({ runs, count, say }: KafkaRequest): Promise<KafkaRow[]> {
  return withServices({ count, say }, async (place) => {
    say('filling the topic')
    await runProgram([join(HERE, 'fill-topic.ts'), place.file, place.kafka.bootstrap, place.scratch])
    const done = (await waysOf(place, say)).map((way) => ({ ...way, runs: [] as Measured[] }))
    for (let i = 0; i < runs; i += 1)
      for (const { name, rows, run, runs: all } of done) {
        const measured = await run(`${name}-${i}`)
        all.push(measured)
        const cost = (measured.cpuSeconds / rows) * 1e6
        say(`${name}: ${cost.toFixed(2)} CPU µs a row, ${measured.wallSeconds.toFixed(1)} s`)
      }
    return done.map(({ name, what, rows, runs: all }) => ({ name, what, rows, runs: all }))
  })
}

/** How soon what is appended at an even pace can be seen, on disk and on S3. */
export function measureLoads({ runs, say }: Omit<KafkaRequest, 'count'>): Promise<LoadRow[]> {
  return withServices({ count: LOADED_ORDERS, say }, async (place) => {
    const loads = [
      { name: 'load', what: 'Delta on disk', onS3: false, runs: [] as (Seen & Measured)[] },
      { name: 'load-s3', what: 'Delta on S3', onS3: true, runs: [] as (Seen & Measured)[] },
    ]
    for (let i = 0; i < runs; i += 1)
      for (const { name, onS3, runs: all } of loads) {
        const seen = await steady(place, { topic: `${name}-${i}`, onS3 })
        all.push(seen)
        say(`${name}: p50 ${seen.p50Ms} ms, p99 ${seen.p99Ms} ms`)
      }
    const even = { recordsPerSecond: RECORDS_PER_SECOND, seconds: LOAD_SECONDS }
    return loads.map(({ name, what, runs: all }) => ({ name, what, ...even, runs: all }))
  })
}

async function withServices<T>(
  { count, say }: Omit<KafkaRequest, 'runs'>,
  work: (place: Place) => Promise<T>,
): Promise<T> {
  const scratch = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
  const kafka = await startKafka()
  const s3 = await startS3({ kind: 'versitygw' })
  try {
    await s3.bucket(BUCKET)
    const file = join(scratch, 'orders.bin')
    say(`making ${count} orders`)
    await runProgram([join(REPOSITORY, 'bench/ingest/make-orders.ts'), file, String(count)])
    return await work({ scratch, file, count, kafka, s3 })
  } finally {
    await s3.close()
    await kafka.close()
    await rm(scratch, { recursive: true, force: true })
  }
}

interface Way {
  readonly name: string
  readonly what: string
  readonly rows: number
  readonly run: (turn: string) => Promise<Measured>
}

async function waysOf(place: Place, say: (line: string) => void): Promise<Way[]> {
  const { scratch, count, kafka } = place
  const ingest = (onS3: boolean) => async (turn: string) => {
    const { env, set, clean } = lakeOf(place, turn, onS3)
    const program = [join(REPOSITORY, 'src/main.ts'), 'ingest', '--config', CONFIG, ...set]
    const measured = await measure(program, { env, scratch })
    await clean()
    return measured
  }
  const withKafkajs = async (turn: string): Promise<Measured> => {
    const { env, clean } = lakeOf(place, turn, false)
    const program = [join(HERE, 'ingest-kafkajs.ts'), CONFIG, kafka.bootstrap, 'orders']
    const measured = await measure(program, { env, scratch })
    await clean()
    return measured
  }
  const ways: Way[] = [
    { name: 'kafka-delta', what: 'Kafka → Delta on disk, `sluice ingest`', rows: count, run: ingest(false) },
    { name: 'kafka-s3', what: 'Kafka → Delta on S3, `sluice ingest`', rows: count, run: ingest(true) },
    { name: 'kafkajs', what: 'the same to disk, read by kafkajs eachBatch', rows: count, run: withKafkajs },
  ]
  const found = await findPython(PYTHON)
  if (found.skip !== false) {
    say(`without Python: ${found.skip}`)
    return ways
  }
  const some = Math.min(count, 400_000)
  const script = await handWritten(join(HERE, 'hand-written.py'))
  const byHand = (onS3: boolean) => async (turn: string) => {
    const { lake, clean } = lakeOf(place, turn, onS3)
    if (!onS3) await mkdir(lake, { recursive: true })
    const options = onS3
      ? JSON.stringify({ ...place.s3.env, AWS_ENDPOINT_URL: place.s3.endpoint, AWS_ALLOW_HTTP: 'true' })
      : '{}'
    const args = [kafka.bootstrap, String(some), lake, ORDERS_SCHEMA.text, options]
    const measured = (await found.python.json(script, ...args)) as Measured
    await clean()
    return measured
  }
  const what = 'confluent-kafka → fastavro → deltalake'
  return [
    ...ways,
    { name: 'kafka-by-hand', what: `${what}, to disk`, rows: some, run: byHand(false) },
    { name: 'kafka-s3-by-hand', what: `${what}, to S3`, rows: some, run: byHand(true) },
  ]
}

/** `up --only ingest` beside an even load. */
async function steady(place: Place, { topic, onS3 }: { readonly topic: string; readonly onS3: boolean }) {
  const { scratch, file, kafka } = place
  const { lake, env, set, clean } = lakeOf(place, topic, onS3)
  const sets = ['ingest.flush_age=2s', `topics.${topic}.partitions=4`, `tables.bronze.orders.topic=${topic}`]
  const words = ['up', '--only', 'ingest', '--config', CONFIG, ...sets.flatMap((each) => ['--set', each]), ...set]
  const up = startProgram([join(REPOSITORY, 'src/main.ts'), ...words], { env, scratch })
  try {
    const args = [file, kafka.bootstrap, scratch, topic, lake, String(LOAD_SECONDS), String(RECORDS_PER_SECOND)]
    const seen = JSON.parse(await runProgram([join(HERE, 'measure-load.ts'), ...args], env)) as Seen
    return { ...seen, ...(await up.end()) }
  } finally {
    await up.end()
    await clean()
  }
}

function lakeOf({ scratch, kafka, s3 }: Place, name: string, onS3: boolean) {
  const lake = onS3 ? `s3://${BUCKET}/${name}` : join(scratch, 'lakes', name)
  return {
    lake,
    env: { BENCH_FOLDER: scratch, BENCH_BROKERS: kafka.bootstrap, BENCH_LAKE: lake, SLUICE_LOG: 'warn', ...s3.env },
    set: onS3 ? ['--set', 'lake.force_path_style=true'] : [],
    clean: async () => {
      if (!onS3) await rm(lake, { recursive: true, force: true })
    },
  }
}
