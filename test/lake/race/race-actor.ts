import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../../src/adapters/clock/system-clock.ts'
import { openDuckdbEngine } from '../../../src/adapters/duckdb/duckdb-engine.ts'
import { commitTransaction } from '../../../src/lake/commit.ts'
import type { Transaction } from '../../../src/lake/commit.ts'
import { openSnapshot } from '../../../src/lake/snapshot.ts'
import type { AddFile, Snapshot } from '../../../src/lake/snapshot.ts'
import { readCommit } from '../../../src/lake/history.ts'
import { logPath } from '../../../src/lake/log/file-key.ts'
import { optimizeTable } from '../../../src/operate/optimize/optimize-table.ts'
import type { OptimizeWorld } from '../../../src/operate/optimize/optimize-table.ts'
import { prepareVacuum } from '../../../src/operate/vacuum/prepare-vacuum.ts'
import { vacuumTable } from '../../../src/operate/vacuum/vacuum-table.ts'
import { readParquetRows } from '../../parquet/whole-file.ts'
import type { ModelEngine } from '../../../src/ports/model-engine.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import { faultyStore } from '../../support/faulty-store.ts'
import { seededRandom } from '../../support/random.ts'
import { transaction } from '../table-steps.ts'
import { FOLDER, openRaceLake, PARTS, raceRow, readRows, rowKey, TABLE, TRAVEL_MS, writeRows } from './race-table.ts'
import type { RacePlace, RaceRow } from './race-table.ts'

/**
 * One process of a race. It does what it is told to for a round, and tells of everything it did. It asks before each
 * step, so that whoever leads the race knows how old the oldest step is, and so how much a vacuum must leave.
 */

export type Role = 'appender' | 'merger' | 'compactor' | 'vacuum' | 'reader'

export interface RoundOrder {
  readonly kind: 'round'
  readonly place: RacePlace
  readonly seed: number
  readonly role: Role
  readonly name: string
  /** An appender's; two processes may share one, as two that ingest one partition. */
  readonly lane: string
  /** Commits that writers make; others go on until they are told to stop. */
  readonly turns: number
}

export type Order =
  | RoundOrder
  /** The step may begin; it began at this time. What was removed `retainMs` ago may go. */
  | { readonly kind: 'go'; readonly startedMs: number; readonly retainMs: number }
  | { readonly kind: 'stop' }

export type Told =
  | { readonly kind: 'ready' }
  | { readonly kind: 'begin' }
  /** The step is over. */
  | { readonly kind: 'end' }
  /** A file that is about to be committed. */
  | { readonly kind: 'prepared'; readonly path: string; readonly rows: readonly RaceRow[] }
  | { readonly kind: 'committed'; readonly version: number; readonly what: Committed }
  | { readonly kind: 'conflicted' }
  | { readonly kind: 'read'; readonly version: number; readonly newest: number; readonly rows: readonly RaceRow[] }
  | { readonly kind: 'vacuumed'; readonly files: number }
  | { readonly kind: 'finished' }
  | { readonly kind: 'failed'; readonly message: string }

export type Committed =
  | { readonly kind: 'append'; readonly rows: readonly RaceRow[]; readonly next: number }
  | { readonly kind: 'merge'; readonly row: RaceRow }
  | { readonly kind: 'compaction' }

const APP = 'sluice/race/'
const MOST_FILES = 6

const tell = (told: Told): void => void process.send!(told)
let going: ((go: Extract<Order, { kind: 'go' }>) => void) | null = null
let isStopped = false

process.on('message', (order: Order) => {
  if (order.kind === 'go') going?.(order)
  else if (order.kind === 'stop') isStopped = true
  else {
    isStopped = false
    runRound(order).then(
      () => tell({ kind: 'finished' }),
      (error: unknown) =>
        tell({ kind: 'failed', message: error instanceof Error ? (error.stack ?? '') : String(error) }),
    )
  }
})
tell({ kind: 'ready' })

interface Round {
  readonly order: RoundOrder
  readonly lake: ObjectStore
  readonly store: ObjectStore
  readonly random: () => number
}

async function runRound(order: RoundOrder): Promise<void> {
  const lake = openRaceLake(order.place)
  const round = { order, lake, store: lake.at(FOLDER), random: seededRandom(order.seed) }
  const step = { appender: append, merger: merge, compactor: compact, vacuum, reader: read }[order.role]
  for (let done = 0; done < order.turns && !isStopped;) {
    if (await inStep((go) => step(round, go))) done += 1
    else await systemClock.sleep(round.random() * 20)
  }
}

type Go = Extract<Order, { kind: 'go' }>

async function inStep<T>(act: (go: Go) => Promise<T>): Promise<T> {
  const go = await new Promise<Go>((resolve) => {
    going = resolve
    tell({ kind: 'begin' })
  })
  try {
    return await act(go)
  } finally {
    tell({ kind: 'end' })
  }
}

/** As ingest: rows under the lane's next offsets, and the position with them, compare-and-set. */
async function append({ order, store, random }: Round): Promise<boolean> {
  const table = await newest(store)
  const position = table.txns.get(APP + order.lane) ?? null
  const first = Number(position ?? 0n)
  const rows = Array.from({ length: 1 + Math.floor(random() * 4) }, (_, i): RaceRow => [order.lane, first + i, 0])
  const next = first + rows.length
  const file = await writeRows(store, rows, PARTS[Math.floor(random() * PARTS.length)]!)
  tell({ kind: 'prepared', path: file.path, rows })
  return commit(
    { store, table },
    {
      adds: [file],
      txns: new Map([[APP + order.lane, BigInt(next)]]),
      expectTxns: new Map([[APP + order.lane, position]]),
      operation: { name: 'WRITE', parameters: { mode: 'Append' }, metrics: {} },
    },
    { kind: 'append', rows, next },
  )
}

/** As a model: one row of a file gets its next revision; the file is written anew. */
async function merge({ order, store, random }: Round): Promise<boolean> {
  const table = await newest(store)
  const files = [...table.files.values()]
  const file = files[Math.floor(random() * files.length)]
  if (file === undefined) return false
  const before = await readRows(store, file)
  const chosen = before[Math.floor(random() * before.length)]!
  const row: RaceRow = [chosen[0], chosen[1], chosen[2] + 1]
  const rows = before.map((each) => (rowKey(each) === rowKey(row) ? row : each))
  const part = (file.partitionValues['part'] ?? null) as (typeof PARTS)[number]
  const added = await writeRows(store, rows, part)
  tell({ kind: 'prepared', path: added.path, rows })
  const turn = table.txns.get(APP + order.name) ?? null
  // Some say that they have read the whole partition, and yield to whatever was appended there meanwhile.
  const reads = random() < 0.3 ? { partitions: [{ part }], within: [] } : 'removed-files'
  return commit(
    { store, table },
    {
      adds: [added],
      removes: [file],
      txns: new Map([[APP + order.name, (turn ?? 0n) + 1n]]),
      expectTxns: new Map([[APP + order.name, turn]]),
      reads,
      operation: { name: 'MERGE', parameters: {}, metrics: {} },
    },
    { kind: 'merge', row },
  )
}

/** Now by the verb, now by the kernel alone, which is quicker and so meets more of what others do. */
async function compact(round: Round): Promise<boolean> {
  const { store, random } = round
  if (random() < 0.3) return optimize(round)
  const table = await newest(store)
  const part = PARTS[Math.floor(random() * PARTS.length)]!
  const files = [...table.files.values()]
    .filter((file) => (file.partitionValues['part'] ?? null) === part)
    .slice(0, MOST_FILES)
  if (files.length < 2) return false
  const rows = (await Promise.all(files.map((file) => readRows(store, file)))).flat()
  const added = await writeRows(store, rows, part)
  tell({ kind: 'prepared', path: added.path, rows })
  return commit(
    { store, table },
    {
      adds: [added],
      removes: files,
      reads: 'removed-files',
      dataChange: false,
      operation: { name: 'OPTIMIZE', parameters: {}, metrics: {} },
    },
    { kind: 'compaction' },
  )
}

async function optimize({ lake, order }: Round): Promise<boolean> {
  const world: OptimizeWorld = {
    lake: tellingLake(lake),
    clock: systemClock,
    engine: () => (engine ??= openEngine(order.place.work)),
    settings: { performance: { partitionSizeBytes: 1 << 20 } } as OptimizeWorld['settings'],
    stagingFolder: (purpose) => mkdtemp(join(order.place.work, `${purpose}-`)),
    runId: randomUUID(),
    traceId: randomUUID(),
    signal: new AbortController().signal,
    events: {
      emit(event) {
        if (event.type === 'commit.conflicted') tell({ kind: 'conflicted' })
        if (event.type !== 'commit.done') return
        tell({ kind: 'committed', version: event.version, what: { kind: 'compaction' } })
      },
    },
  }
  const { commits } = await optimizeTable(world, { table: TABLE, zorder: [] })
  return commits > 0
}

let engine: Promise<ModelEngine> | null = null

async function openEngine(work: string): Promise<ModelEngine> {
  const tempFolder = await mkdtemp(join(work, 'engine-'))
  return openDuckdbEngine({ memoryLimitBytes: 128 * 2 ** 20, threads: 1, tempFolder })
}

/** Tells what is in a file before it is put: what an engine wrote, nobody else knows. */
function tellingLake(lake: ObjectStore): ObjectStore {
  const telling = (store: ObjectStore): ObjectStore => ({
    ...faultyStore(store, () => null),
    at: (folder) => telling(store.at(folder)),
    async putFile(path, localFile) {
      const rows: RaceRow[] = []
      for await (const row of readParquetRows({ source: await readFile(localFile), name: path })) {
        rows.push(raceRow(row))
      }
      tell({ kind: 'prepared', path: logPath(path), rows })
      await store.putFile(path, localFile)
    },
  })
  return telling(lake)
}

/** Its clock stands still, so that what it may take is what was told when its step began, however slow it is. */
async function vacuum({ lake }: Round, { retainMs, startedMs }: Go): Promise<boolean> {
  const world = {
    lake,
    clock: { ...systemClock, nowMs: () => startedMs },
    events: { emit: () => {} },
    runId: randomUUID(),
    traceId: randomUUID(),
    signal: new AbortController().signal,
    assignment: ALONE,
  }
  const prepared = await prepareVacuum(world, { table: TABLE, retainMs, allowShort: true })
  const { gone } = await vacuumTable(world, prepared)
  tell({ kind: 'vacuumed', files: gone.files })
  return gone.files > 0
}

const ALONE = {
  join: async (_group: string, resources: readonly string[]) => ({
    poll: async () => new Set(resources),
    want: async () => {},
    release: async () => {},
    tell: async () => {},
    leave: async () => {},
  }),
  held: async () => new Set<string>(),
  told: async () => null,
}

/** The newest version, or one that still stood `TRAVEL_MS` before the step began. */
async function read({ store, random }: Round, { startedMs }: Go): Promise<boolean> {
  const { version: newestVersion } = await newest(store)
  let version = newestVersion
  const back = Math.floor(random() * 10)
  for (let older = 0; older < back && version > 0; older += 1) {
    const successor = await readCommit(store, version)
    if (successor === null || successor.timestampMs <= startedMs - TRAVEL_MS) break
    version -= 1
  }
  const table = await openSnapshot(store, { version })
  const rows = (await Promise.all(Array.from(table!.files.values(), (file) => readRows(store, file)))).flat()
  tell({ kind: 'read', version, newest: newestVersion, rows })
  return true
}

async function newest(store: ObjectStore): Promise<Snapshot> {
  const table = await openSnapshot(store)
  if (table === null) throw new Error(`${store.uri} is no table`)
  return table
}

interface At {
  readonly store: ObjectStore
  readonly table: Snapshot
}

type Change = Partial<Transaction> & { readonly removes?: readonly AddFile[] }

async function commit({ store, table }: At, change: Change, what: Committed): Promise<boolean> {
  const outcome = await commitTransaction(transaction(store, table, { clock: systemClock, ...change }))
  tell(outcome.kind === 'committed' ? { kind: 'committed', version: outcome.version, what } : { kind: 'conflicted' })
  return outcome.kind === 'committed'
}
