import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { openFilesystemStore } from '../../src/adapters/filesystem/filesystem-store.ts'
import type { ColumnField } from '../../src/domain/column-batch.ts'
import { writeCheckpoint } from '../../src/lake/checkpoint/write-checkpoint.ts'
import type { NewFile } from '../../src/lake/data-file.ts'
import { entryPath } from '../../src/lake/log/log-file.ts'
import { prepareCommit, stageEntry } from '../../src/lake/log/stage-entry.ts'
import { openSnapshot } from '../../src/lake/snapshot.ts'
import type { Snapshot } from '../../src/lake/snapshot.ts'
import { measure, REPOSITORY, runProgram, type Measured } from '../measure.ts'
import { measureOpening } from './deltalake.ts'
import { EVENT_COLUMNS } from './maintenance.ts'
import type { LakeRequest, LakeRow } from './scenarios.ts'

const MAIN = join(REPOSITORY, 'src/main.ts')
const CONFIG = join(REPOSITORY, 'bench/lake/plain.yaml')
const TABLE = 'silver.events'
const FILES_A_COMMIT = 10
const ROWS_A_FILE = 1_000
/** Of the last version that has a checkpoint, as many commits came since: as bad as it gets with one each hundred. */
const SINCE = 99
const FIELDS: readonly ColumnField[] = [...EVENT_COLUMNS, { name: 'day', type: { kind: 'date' }, nullable: true }]

/** What a table comes to: both must say the same. */
export interface OpenedFacts {
  readonly version: number
  readonly files: number
  readonly bytes: number
  readonly rows: number
}

/** `request.rows` of a table, a thousand a file that its log alone holds, ten files a commit: opened, and all its files summed up. */
export async function measureSnapshot({ runs, rows, say }: LakeRequest): Promise<LakeRow[]> {
  const root = await mkdtemp(join(tmpdir(), 'sluice-bench-open-'))
  try {
    const lake = join(root, 'lake')
    const folder = join(lake, TABLE.replace('.', '/'))
    const commits = Math.max(SINCE + 2, Math.round(rows / ROWS_A_FILE / FILES_A_COMMIT))
    say(`making ${commits} commits`)
    await makeLog(folder, commits)
    const verb = ['table', 'describe', TABLE, '--config', CONFIG]
    const env = { LAKE: lake }
    const described = JSON.parse(await runProgram([MAIN, ...verb, '--json'], env)) as OpenedFacts
    const { version, files, bytes } = described
    const expected = { version, files, bytes, rows: described.rows }
    const ways: readonly [what: string, run: () => Promise<Measured | null>][] = [
      ['`sluice table describe`, the whole program', () => measure([MAIN, ...verb], { env, scratch: root })],
      ['deltalake: `DeltaTable`, `get_add_actions`', () => measureOpening(folder, expected, say)],
    ]
    const done = ways.map(([what]) => ({ what, rows: described.rows, runs: [] as Measured[] }))
    for (let run = 0; run < runs; run += 1) {
      for (const [at, [what, open]] of ways.entries()) {
        const measured = await open()
        if (measured === null) continue
        const { wallSeconds, cpuSeconds, peakBytes } = measured
        say(
          `${what}: ${wallSeconds.toFixed(2)} s, ${cpuSeconds.toFixed(2)} CPU s, ${Math.round(peakBytes / 2 ** 20)} MB at most`,
        )
        done[at]!.runs.push(measured)
      }
    }
    return done.filter((row) => row.runs.length > 0)
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

/** Versions 0 to `commits` - 1, the last checkpoint `SINCE` before the end: entries as commits stage them, with no race for each. */
async function makeLog(folder: string, commits: number): Promise<void> {
  const store = openFilesystemStore(folder)
  const startMs = Date.now() - commits * 1000
  let snapshot: Snapshot | null = null
  for (let version = 0; version < commits; version += 1) {
    const first = version * FILES_A_COMMIT
    const commit = prepareCommit({
      store,
      snapshot,
      ...(snapshot === null ? { create: { fields: FIELDS, partitionColumns: ['day'], configuration: {} } } : {}),
      adds: Array.from({ length: FILES_A_COMMIT }, (_, i) => eventsFile(first + i)),
      removes: [],
      txns: new Map([['sluice/events/0', BigInt(version)]]),
      expectTxns: new Map(),
      reads: 'nothing',
      dataChange: true,
      operation: { name: 'WRITE', parameters: { mode: 'Append' }, metrics: {} },
      clock: systemClock,
    })
    const attempt = { readVersion: version - 1, timestampMs: startMs + version * 1000 }
    await store.putIfAbsent(entryPath(version), stageEntry(commit, attempt))
    snapshot ??= await openSnapshot(store)
  }
  await writeCheckpoint(store, { version: commits - 1 - SINCE, nowMs: Date.now() })
}

/** What ingest states of a file of a thousand events; seeded by its number. */
function eventsFile(n: number): NewFile {
  const day = new Date(Date.UTC(2026, 0, 1 + Math.floor(n / 300))).toISOString().slice(0, 10)
  const id = (n * 2_654_435_761) % 2 ** 32
  const text = id.toString(16).padStart(8, '0')
  const min = {
    event_id: n * ROWS_A_FILE,
    customer_id: `C${text}`,
    seen_at: `${day}T00:00:00.000Z`,
    amount: 0.5,
    kind: 'buy',
    session: `0${text}`,
  }
  const max = {
    event_id: n * ROWS_A_FILE + 999,
    customer_id: `CX${text}`,
    seen_at: `${day}T23:59:59.999Z`,
    amount: 9_999.5,
    kind: 'view',
    session: `f${text}`,
  }
  const nulls = { event_id: 0, customer_id: 0, seen_at: 0, amount: n % 7, kind: 0, session: n % 11 }
  return {
    path: `day=${day}/part-${text}-94cf-4d5e-8f4e-${String(n).padStart(12, '0')}.parquet`,
    partitionValues: { day },
    bytes: 40_000 + (id % 10_000),
    modificationTimeMs: Date.UTC(2026, 0, 1) + n * 1000,
    rows: ROWS_A_FILE,
    statsText: JSON.stringify({ numRecords: ROWS_A_FILE, minValues: min, maxValues: max, nullCount: nulls }),
    tags: null,
  }
}
