import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { openFilesystemStore } from '../../src/adapters/filesystem/filesystem-store.ts'
import { commitTransaction } from '../../src/lake/commit.ts'
import type { CommitFact } from '../../src/lake/commit.ts'
import { openSnapshot, refreshSnapshot } from '../../src/lake/snapshot.ts'
import type { Snapshot } from '../../src/lake/snapshot.ts'
import type { Clock } from '../../src/ports/clock.ts'
import { FIELDS, loggedFile, PARTITIONS, transaction } from './table-steps.ts'

/**
 * Many commits on one table, as a lane that stays on for years makes them, a quarter of a day apart: an append with its
 * position, the table now and then compacted and its properties changed, checkpoints on the way, the log cleaned.
 * SOAK_COMMITS sets how many (10,000 take two minutes). What is held, in memory and in the log, goes by what is within
 * the retentions and not by how long the lane has been on; what the tenths took is printed.
 */

const COMMITS = Number(process.env['SOAK_COMMITS'] ?? 600)
const COMPACT_EVERY = 50
const CHANGE_EVERY = 100
const STEP_MS = 6 * 3_600_000
/** Seven days of removes at four commits a day, what may come until they are looked through, and a compaction. */
const MOST_TOMBSTONES = 256 + COMPACT_EVERY
/** Thirty days of entries, the day that is not over, and those until the next two checkpoints of every hundredth version. */
const MOST_ENTRIES = 31 * 4 + 2 * 100
/** What runs on makes a few MB of compiled code; ten thousand commits that each left a kilobyte are ten. */
const MOST_GROWTH = 8 * 2 ** 20

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

test(`I12: ${COMMITS} commits on one table: nothing of it is lost, each opens on the last, and what is held does not grow`, async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'sluice-soak-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  const store = openFilesystemStore(root)
  const checkpoints: number[] = []
  const warnings: CommitFact[] = []
  const onEvent = (fact: CommitFact): void => {
    if (fact.type === 'checkpoint.written') checkpoints.push(fact.version)
    if (fact.type === 'warning') warnings.push(fact)
  }
  const clock: Clock = { ...systemClock, nowMs: () => nowMs }
  // From now on: what expires goes by the times of files too, which are never later.
  let nowMs = Date.now()
  const create = { fields: FIELDS, partitionColumns: PARTITIONS, configuration: {} }
  await commitTransaction({ ...transaction(store, null, { create }), clock, onEvent })
  let snapshot = (await openSnapshot(store))!
  const tenth = Math.ceil(COMMITS / 10)
  const tenths: Tenth[] = []
  let tookMs: number[] = []
  let mostTombstones = 0
  for (let i = 1; i <= COMMITS; i += 1) {
    nowMs += STEP_MS
    const startMs = performance.now()
    const outcome = await commitTransaction({ ...transaction(store, snapshot, changeOf(i, snapshot)), clock, onEvent })
    assert.equal(outcome.kind, 'committed')
    snapshot = (await refreshSnapshot(store, snapshot))!
    tookMs.push(performance.now() - startMs)
    mostTombstones = Math.max(mostTombstones, snapshot.tombstones.size)
    if (i % tenth !== 0 && i !== COMMITS) continue
    collect()
    const entries = (await readdir(join(root, '_delta_log'))).filter((name) => name.endsWith('.json')).length
    const { heapUsed, rss } = process.memoryUsage()
    tenths.push({ medianMs: medianOf(tookMs), heapUsed, rss, entries })
    tookMs = []
  }
  const mb = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MB`
  for (const { medianMs, heapUsed, rss, entries } of tenths) {
    t.diagnostic(
      `a commit ${medianMs.toFixed(2)} ms, live heap ${mb(heapUsed)}, RSS ${mb(rss)}, ${entries} log entries`,
    )
  }
  const fresh = (await openSnapshot(store))!
  assert.deepEqual(warnings, [])
  assert.deepEqual(
    checkpoints,
    Array.from({ length: Math.floor(COMMITS / 100) }, (_, i) => (i + 1) * 100),
  )
  for (const held of [snapshot, fresh]) {
    assert.equal(held.version, COMMITS)
    assert.equal(held.txns.get('sluice/orders/0'), BigInt(COMMITS))
    assert.equal(held.metadata.configuration['round'], String(Math.floor(COMMITS / CHANGE_EVERY) * CHANGE_EVERY))
    let rows = 0
    for (const file of held.files.values()) rows += file.rows!
    assert.equal(rows, COMMITS - Math.floor(COMMITS / COMPACT_EVERY))
  }
  assert.ok(mostTombstones <= MOST_TOMBSTONES, `${mostTombstones} tombstones in memory`)
  const mostEntries = Math.max(...tenths.map(({ entries }) => entries))
  assert.ok(mostEntries <= MOST_ENTRIES, `${mostEntries} entries in the log`)
  const growth = Math.max(...tenths.slice(2).map(({ heapUsed }) => heapUsed)) - tenths[1]!.heapUsed
  assert.ok(growth <= MOST_GROWTH, `the live heap grew by ${mb(growth)}`)
})

interface Tenth {
  readonly medianMs: number
  readonly heapUsed: number
  readonly rss: number
  readonly entries: number
}

/** An append with its position; now and then all files become one, and with other commits a property changes. */
function changeOf(i: number, snapshot: Snapshot): Partial<Parameters<typeof transaction>[2]> {
  const txns = new Map([['sluice/orders/0', BigInt(i)]])
  const expectTxns = new Map([['sluice/orders/0', i === 1 ? null : BigInt(i - 1)]])
  const metadata = { configuration: { ...snapshot.metadata.configuration, round: String(i) } }
  if (i % COMPACT_EVERY === 0) {
    const removes = [...snapshot.files.values()]
    const rows = removes.reduce((sum, file) => sum + file.rows!, 0)
    const statsText = JSON.stringify({ numRecords: rows })
    const adds = [loggedFile(`compacted-${i}`, { rows, statsText })]
    const changed = i % CHANGE_EVERY === 0 ? { metadata } : {}
    return { adds, removes, txns, expectTxns, reads: 'removed-files', dataChange: false, ...changed }
  }
  return { adds: [loggedFile(`part-${i}`)], txns, expectTxns }
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
