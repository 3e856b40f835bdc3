import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { openFilesystemStore } from '../../src/adapters/filesystem/filesystem-store.ts'
import type { ColumnField } from '../../src/domain/column-batch.ts'
import { commitTransaction } from '../../src/lake/commit.ts'
import { writeDataFile, type NewFile } from '../../src/lake/data-file.ts'
import { openSnapshot } from '../../src/lake/snapshot.ts'
import { skippingEffect, type SkippingEffect } from '../../src/operate/optimize/skipping-effect.ts'
import { measure, REPOSITORY, type Measured } from '../measure.ts'
import { ORDER_FIELDS, orderMaker } from '../parquet-alone.ts'
import { openBenchLakes, type BenchLakes } from './bench-lake.ts'
import { deltalakeSums, measureDeltalake } from './deltalake.ts'
import type { LakeRequest, LakeRow } from './scenarios.ts'

const MAIN = join(REPOSITORY, 'src/main.ts')
const CONFIG = join(REPOSITORY, 'bench/lake/plain.yaml')
const MIB = 1024 * 1024

interface Task {
  readonly lakes: BenchLakes
  readonly base: string
  /** `layer.table` */
  readonly table: string
  readonly columns: readonly string[]
  readonly targetMb: number
  /** What must be the same afterwards, as another engine reads it. */
  readonly sums: readonly string[]
}

/** 2,000 files as ingest leaves them, about 0.5 MB each at full size: `request.rows` of 12,000 each. */
export async function measureOptimize(request: LakeRequest): Promise<LakeRow[]> {
  const lakes = await openBenchLakes()
  try {
    const base = join(lakes.root, 'base')
    const files = Math.max(2, Math.round(request.rows / ROWS_A_FILE))
    request.say(`making ${files} files`)
    await landOrders(join(base, 'bronze/orders'), files)
    const task = { lakes, base, table: 'bronze.orders', columns: [], targetMb: 128, sums: ['_offset', 'amount'] }
    return await besideDeltalake(request, task)
  } finally {
    await lakes.close()
  }
}

const ROWS_A_FILE = 12_000

async function landOrders(folder: string, files: number): Promise<void> {
  const store = openFilesystemStore(folder)
  const make = orderMaker()
  const adds: NewFile[] = []
  for (let at = 0; at < files; at += 1) {
    const batches = [make(at * ROWS_A_FILE, ROWS_A_FILE)]
    const shape = { fields: ORDER_FIELDS, partitionColumns: [], partitionValues: {}, unstated: new Set<string>() }
    adds.push(await writeDataFile({ store, batches, ...shape, newId: () => randomUUID() }))
  }
  await commitTransaction({
    store,
    snapshot: null,
    create: { fields: ORDER_FIELDS, partitionColumns: [], configuration: {} },
    adds,
    removes: [],
    txns: new Map(),
    expectTxns: new Map(),
    reads: 'nothing',
    dataChange: true,
    operation: { name: 'WRITE', parameters: { mode: 'Append' }, metrics: {} },
    clock: systemClock,
  })
}

export const EVENT_COLUMNS: readonly ColumnField[] = [
  { name: 'event_id', type: { kind: 'int64' }, nullable: true },
  { name: 'customer_id', type: { kind: 'string' }, nullable: true },
  { name: 'seen_at', type: { kind: 'timestamp' }, nullable: true },
  { name: 'amount', type: { kind: 'decimal', precision: 12, scale: 2 }, nullable: true },
  { name: 'kind', type: { kind: 'string' }, nullable: true },
  { name: 'session', type: { kind: 'string' }, nullable: true },
]
const EVENT_FIELDS: readonly ColumnField[] = [
  ...EVENT_COLUMNS,
  { name: '_run_date', type: { kind: 'date' }, nullable: true },
]
const EVENT_FILES = 128
const EVENT_TARGET_MB = 2

export interface ZorderMeasured {
  readonly rows: readonly LakeRow[]
  /** What a query must read of the table by its statistics, before and after each way. */
  readonly reads: readonly { readonly what: string; readonly effect: readonly SkippingEffect[] }[]
}

/** Events of skewed customers at random times, in files that each hold some of all; clustered by both. */
export async function measureZorder(request: LakeRequest): Promise<ZorderMeasured> {
  const lakes = await openBenchLakes()
  try {
    const base = join(lakes.root, 'base')
    request.say(`making ${request.rows} events`)
    const each = Math.ceil(request.rows / EVENT_FILES)
    const selects = Array.from({ length: EVENT_FILES }, (_, file) => eventsSql(file * each, each))
    await lakes.land(base, { table: 'silver.events', fields: EVENT_FIELDS, selects })
    const columns = ['customer_id', 'seen_at']
    const task = {
      lakes,
      base,
      table: 'silver.events',
      columns,
      targetMb: EVENT_TARGET_MB,
      sums: ['event_id', 'amount'],
    }
    const some = `event_id % ${Math.ceil(request.rows / 200)} = 0`
    const sample = await lakes.ask(base, task.table, `select customer_id, seen_at from t where ${some}`)
    const before = await openSnapshot(openFilesystemStore(join(base, 'silver/events')))
    const reads: { what: string; effect: readonly SkippingEffect[] }[] = []
    const rows = await besideDeltalake(request, task, async (what, folder) => {
      if (reads.some((known) => known.what === what)) return
      const after = await openSnapshot(openFilesystemStore(folder))
      const files = { before: [...before!.files.values()], after: [...after!.files.values()] }
      reads.push({ what, effect: skippingEffect({ table: before!.metadata, ...files, columns, sample }) })
    })
    return { rows, reads }
  } finally {
    await lakes.close()
  }
}

/** Seeded by the row's number, so that every run makes the same. */
function eventsSql(from: number, rows: number): string {
  const draw = (salt: number): string => `(hash(i * 31 + ${salt}) / 18446744073709551616.0)`
  return `select i as event_id, 'C' || lpad(cast(cast(power(${draw(1)}, 3) * 200000 as int) as varchar), 7, '0') as customer_id,
    make_timestamp(cast(1767225600000000 + ${draw(2)} * 2592000000000 as bigint)) as seen_at,
    cast(${draw(3)} * 10000 as decimal(12, 2)) as amount, ['view', 'click', 'buy', 'search'][1 + cast(floor(${draw(4)} * 4) as int)] as kind,
    md5(cast(i as varchar)) as session, date '2026-01-31' as _run_date from range(${from}, ${from + rows}) r(i)`
}

async function besideDeltalake(
  { runs, rows, say }: LakeRequest,
  task: Task,
  look: (what: string, folder: string) => Promise<void> = async () => undefined,
): Promise<LakeRow[]> {
  const { lakes, base, table, columns, targetMb } = task
  const verb = columns.length === 0 ? 'optimize' : `optimize --zorder ${columns.join(',')}`
  const ours = `\`sluice ${verb}\``
  const theirs = columns.length === 0 ? 'delta-rs `optimize.compact`' : 'delta-rs `optimize.z_order`'
  const done = new Map<string, Measured[]>([
    [ours, []],
    [theirs, []],
  ])
  const place = (lake: string): string => join(lake, table.replace('.', '/'))
  const expected = await deltalakeSums(place(base), task.sums)
  for (let run = 0; run < runs; run += 1) {
    for (const what of [ours, theirs]) {
      const lake = join(lakes.root, 'copy')
      await lakes.copy(base, lake)
      const flags = columns.length === 0 ? [] : ['--zorder', columns.join(',')]
      const words = ['optimize', table, ...flags, '--set', `performance.partition_size_mb=${targetMb}`]
      const measured =
        what === ours
          ? await measure([MAIN, ...words, '--config', CONFIG], { env: { LAKE: lake }, scratch: lakes.root })
          : await measureDeltalake({ table: place(lake), columns, targetBytes: targetMb * MIB }, say)
      if (measured !== null) {
        const { wallSeconds, cpuSeconds, peakBytes } = measured
        say(
          `${what}: ${wallSeconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} CPU s, ${Math.round(peakBytes / MIB)} MB at most`,
        )
        done.get(what)!.push(measured)
        const found = await deltalakeSums(place(lake), task.sums)
        if (found !== expected) throw new Error(`${what} comes to other rows: ${found}, not ${expected}`)
        await look(what, place(lake))
      }
      await lakes.remove(lake)
    }
  }
  return [...done].map(([what, measured]) => ({ what, rows, runs: measured })).filter((row) => row.runs.length > 0)
}
