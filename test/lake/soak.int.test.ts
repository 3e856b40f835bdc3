import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { openFilesystemStore } from '../../src/adapters/filesystem/filesystem-store.ts'
import { commitTransaction } from '../../src/lake/commit.ts'
import type { CommitFact } from '../../src/lake/commit.ts'
import { openSnapshot, refreshSnapshot } from '../../src/lake/snapshot.ts'
import type { Snapshot } from '../../src/lake/snapshot.ts'
import { FIELDS, loggedFile, PARTITIONS, transaction } from './table-steps.ts'

/**
 * Many commits on one table, as a lane that is always on makes them: an append with its position, the table now and then
 * compacted and its properties changed, checkpoints on the way. SOAK_COMMITS sets how many (10,000 take minutes);
 * what the first and the last tenth took, and the memory, are printed.
 */

const COMMITS = Number(process.env['SOAK_COMMITS'] ?? 300)
const COMPACT_EVERY = 50
const CHANGE_EVERY = 100

test(`${COMMITS} commits on one table: nothing of it is lost, and each opens on the last`, async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'sluice-soak-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  const store = openFilesystemStore(root)
  const checkpoints: number[] = []
  const warnings: CommitFact[] = []
  const onEvent = (fact: CommitFact): void => {
    if (fact.type === 'checkpoint.written') checkpoints.push(fact.version)
    if (fact.type === 'warning') warnings.push(fact)
  }
  const create = { fields: FIELDS, partitionColumns: PARTITIONS, configuration: {} }
  await commitTransaction({ ...transaction(store, null, { create }), clock: systemClock, onEvent })
  let snapshot = (await openSnapshot(store))!
  const tookMs: number[] = []
  const rssMb: number[] = []
  for (let i = 1; i <= COMMITS; i += 1) {
    const startMs = performance.now()
    const outcome = await commitTransaction({
      ...transaction(store, snapshot, changeOf(i, snapshot)),
      clock: systemClock,
      onEvent,
    })
    assert.equal(outcome.kind, 'committed')
    snapshot = (await refreshSnapshot(store, snapshot))!
    tookMs.push(performance.now() - startMs)
    if (i % 50 === 0) rssMb.push(process.memoryUsage.rss() / 2 ** 20)
  }
  const fresh = (await openSnapshot(store))!
  assert.deepEqual(warnings, [])
  assert.deepEqual(
    checkpoints,
    Array.from({ length: Math.floor(COMMITS / 100) }, (_, i) => (i + 1) * 100),
  )
  assert.equal(fresh.version, COMMITS)
  assert.equal(fresh.txns.get('sluice/orders/0'), BigInt(COMMITS))
  assert.equal(fresh.metadata.configuration['round'], String(Math.floor(COMMITS / CHANGE_EVERY) * CHANGE_EVERY))
  let rows = 0
  for (const file of fresh.files.values()) rows += file.rows!
  assert.equal(rows, COMMITS - Math.floor(COMMITS / COMPACT_EVERY))
  const tenth = Math.ceil(COMMITS / 10)
  const [first, last] = [tookMs.slice(0, tenth), tookMs.slice(-tenth)].map(medianOf)
  t.diagnostic(
    `median commit: first tenth ${first!.toFixed(2)} ms, last ${last!.toFixed(2)} ms; RSS after a tenth ${Math.round(rssMb[Math.floor(rssMb.length / 10)] ?? 0)} MB, at the end ${Math.round(rssMb.at(-1) ?? 0)} MB, most ${Math.round(Math.max(...rssMb))} MB`,
  )
})

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
