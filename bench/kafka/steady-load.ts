import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { openKafkaLog } from '../../src/adapters/kafka/kafka-log.ts'
import { KAFKA_DEFAULTS } from '../../src/adapters/kafka/kafka-settings.ts'
import type { ObjectStore } from '../../src/ports/object-store.ts'
import { orderRecords } from '../orders/order-records.ts'
import { readOrdersFile } from '../orders/orders-file.ts'

/** Records that one append brought to a partition, and when it was asked for. */
interface Sent {
  readonly partition: number
  readonly first: bigint
  readonly next: bigint
  readonly atMs: number
}

/** Where the table's log stood when a commit was first seen. */
interface Commit {
  readonly nexts: ReadonlyMap<number, bigint>
  readonly atMs: number
}

export interface Load {
  readonly brokers: string
  readonly topic: string
  readonly file: string
  readonly schemaId: number
  readonly seconds: number
  /** Over all partitions. */
  readonly recordsPerSecond: number
  /** Of the table that an ingest process of its own writes meanwhile. */
  readonly table: ObjectStore
}

export interface Seen {
  readonly records: number
  readonly commits: number
  /** From before a record's append to when its commit was seen in the table's log. */
  readonly p50Ms: number
  readonly p99Ms: number
  readonly mostMs: number
}

const TICK_MS = 50
const LOOK_MS = 10
const PARTITIONS = 4
const LATE_MS = 30_000
/** Not measured: the first commits make the table, and code that was never run is slow. */
const WARM_MS = 5_000

/**
 * Appends at an even pace, come what may, and watches the table's log for the commits that show what was appended. The
 * topic must be there and be read from its start.
 */
export async function steadyLoad(load: Load): Promise<Seen> {
  const sent: Sent[] = []
  const seen: Commit[] = []
  const ended = new AbortController()
  const watching = watch(load, { seen, ended: ended.signal })
  await append(load, sent)
  const ends = new Map(sent.map(({ partition, next }) => [partition, next]))
  const all = (): boolean => [...ends].every(([partition, next]) => (seen.at(-1)?.nexts.get(partition) ?? 0n) >= next)
  for (const endMs = Date.now() + LATE_MS; !all();) {
    if (Date.now() > endMs) throw new Error('what was appended was not committed')
    await sleep(LOOK_MS)
  }
  ended.abort()
  await watching
  return summary(sent, seen)
}

async function append(
  { brokers, topic, file, schemaId, seconds, recordsPerSecond }: Load,
  sent: Sent[],
): Promise<void> {
  const settings = { ...KAFKA_DEFAULTS, brokers: brokers.split(','), membersGroup: 'bench.load' }
  const log = openKafkaLog({ settings, clock: systemClock })
  const each = Math.round((recordsPerSecond * TICK_MS) / 1000 / PARTITIONS)
  const records = readOrdersFile(file).flatMap((batch) => orderRecords(batch, schemaId))
  const ticks = (seconds * 1000) / TICK_MS
  const startMs = Date.now()
  for (let tick = 0; tick < ticks; tick += 1) {
    await sleep(Math.max(0, startMs + tick * TICK_MS - Date.now()))
    const atMs = Date.now()
    const batches = Array.from({ length: PARTITIONS }, (_, partition) => {
      const from = ((tick * PARTITIONS + partition) * each) % (records.length - each)
      return {
        topic,
        partition,
        records: records.slice(from, from + each).map((one) => ({ ...one, timestampMs: atMs })),
      }
    })
    const outcome = await log.append({ batches, state: null })
    if (outcome.kind !== 'appended') throw new Error(outcome.kind)
    for (const { partition, first, next } of outcome.firsts) sent.push({ partition, first, next, atMs })
  }
  await log.close()
}

async function watch(
  { topic, table }: Load,
  { seen, ended }: { readonly seen: Commit[]; readonly ended: AbortSignal },
): Promise<void> {
  for (let version = 0; !ended.aborted;) {
    const entry = await table.read(`_delta_log/${String(version).padStart(20, '0')}.json`)
    if (entry === null) {
      await sleep(LOOK_MS)
      continue
    }
    const atMs = Date.now()
    version += 1
    const nexts = new Map(seen.at(-1)?.nexts)
    for (const line of Buffer.from(entry).toString('utf8').split('\n')) {
      const found = line === '' ? null : (JSON.parse(line) as { txn?: { appId: string; version: number } }).txn
      const [, partition] = found?.appId.split(`sluice/${topic}/`) ?? []
      if (partition !== undefined && /^\d+$/.test(partition)) nexts.set(Number(partition), BigInt(found!.version))
    }
    seen.push({ nexts, atMs })
  }
}

function summary(sent: readonly Sent[], seen: readonly Commit[]): Seen {
  const warmMs = sent[0]!.atMs + WARM_MS
  // Appends are equally large, so that counting them counts records.
  const delays: number[] = []
  for (const { partition, next, atMs } of sent) {
    if (atMs < warmMs) continue
    // An append is one batch a partition, which becomes visible as a whole or in parts: the last part counts.
    const commit = seen.find(({ nexts }) => (nexts.get(partition) ?? 0n) >= next)!
    delays.push(commit.atMs - atMs)
  }
  const sorted = delays.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!
  const records = sent.reduce((sum, { first, next }) => sum + Number(next - first), 0)
  return { records, commits: seen.length, p50Ms: at(0.5), p99Ms: at(0.99), mostMs: sorted.at(-1)! }
}
