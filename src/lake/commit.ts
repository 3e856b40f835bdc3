import { classifyError, SluiceError } from '../domain/errors.ts'
import type { CommitOutcome } from '../domain/outcome.ts'
import { checkConflict, checkExpectations } from './conflict.ts'
import type { CommitFacts } from './conflict.ts'
import { canOverwrite, engineOf } from './log/foreign-engine.ts'
import { fileKey, logicalKey } from './log/file-key.ts'
import { entryPath } from './log/log-file.ts'
import { checkWritable } from './log/protocol.ts'
import { readEntry } from './log/read-entry.ts'
import type { LogEntry } from './log/read-entry.ts'
import { isOwnEntry, prepareCommit, stageEntry } from './log/stage-entry.ts'
import type { PreparedCommit } from './log/stage-entry.ts'
import { keepLog } from './retention/keep-log.ts'
import { openSnapshot } from './snapshot.ts'
import type { Transaction } from './transaction.ts'

export type { CommitFact, MetadataChange, NewTable, Operation, Transaction } from './transaction.ts'

const MAX_WAIT_MS = 60_000
const FIRST_PAUSE_MS = 10
/** Between attempts against other writers. */
const LONGEST_TURN_MS = 80
/** Between attempts at a store that does not answer. */
const LONGEST_PAUSE_MS = 2_000

/**
 * Commits a transaction as the table's next version.
 *
 * Guarantees: the change stands whole or not at all; of writers that expect the same `expectTxns` exactly one commits
 * (I3); an entry that was written though its reply was lost is recognised, not written twice (I7). Other writers'
 * commits that do not touch what this one depends on are passed, and the commit takes a later version.
 * Non-guarantee: a throw (COMMIT_CONTENDED, STORE_UNAVAILABLE) may hide a commit that happened; `expectTxns` keeps a
 * second try from doubling it. What was prepared for a commit that failed stays in the store as a phantom (I4).
 */
export async function commitTransaction(tx: Transaction): Promise<CommitOutcome> {
  checkTransaction(tx)
  const stale = tx.snapshot === null ? missingTxn(tx) : checkAgainst(tx, tx.snapshot)
  const readVersion = tx.snapshot?.version ?? -1
  const outcome: CommitOutcome =
    stale === null ? await race(tx) : { kind: 'conflicted', version: readVersion, reason: stale }
  if (outcome.kind === 'conflicted') {
    tx.onEvent?.({ type: 'commit.conflicted', version: outcome.version, reason: outcome.reason })
    return outcome
  }
  const rows = tx.dataChange ? tx.adds.reduce((sum, file) => sum + (file.rows ?? 0), 0) : 0
  tx.onEvent?.({ type: 'commit.done', version: outcome.version, operation: tx.operation.name, rows })
  await keepLog(tx, outcome.version)
  return outcome
}

/** Where the commit stands: which version it builds on, and how long it has tried. */
interface Progress {
  readVersion: number
  lastTimestampMs: number
  pauseMs: number
  readonly deadlineMs: number
}

async function race(tx: Transaction): Promise<CommitOutcome> {
  const commit = prepareCommit(tx)
  const facts = factsOf(tx)
  const progress: Progress = {
    readVersion: tx.snapshot?.version ?? -1,
    lastTimestampMs: tx.snapshot?.timestampMs ?? 0,
    pauseMs: FIRST_PAUSE_MS,
    deadlineMs: tx.clock.nowMs() + (tx.maxWaitMs ?? MAX_WAIT_MS),
  }
  if (tx.snapshot !== null) {
    const gone = await checkStillThere(tx, tx.snapshot.version)
    if (gone !== null) return gone
  }
  for (;;) {
    const attempt = await tryPut(commit, progress)
    if (attempt === 'written') return { kind: 'committed', version: progress.readVersion + 1 }
    const lost = attempt === 'exists' ? null : attempt
    // Waiting comes before catching up, so that the next attempt builds on what is newest then.
    if (lost === null) await backOff(tx, progress, LONGEST_TURN_MS)
    const settled = await patiently(tx, progress, () => passWinners(commit, facts, progress))
    if (settled !== null) return settled
    if (lost !== null) await pause(tx, progress, lost)
    else if (tx.clock.nowMs() >= progress.deadlineMs) throw contended(tx, progress)
  }
}

/** An error here may hide a write that happened: the entry itself tells. */
async function tryPut(commit: PreparedCommit, progress: Progress): Promise<'written' | 'exists' | SluiceError> {
  const { store, clock } = commit.tx
  const timestampMs = Math.max(clock.nowMs(), progress.lastTimestampMs)
  const bytes = stageEntry(commit, { readVersion: progress.readVersion, timestampMs })
  try {
    return await store.putIfAbsent(entryPath(progress.readVersion + 1), bytes)
  } catch (error) {
    return classifyError(error)
  }
}

/** Reads every entry from the wanted version on. Null: all were passed, and the version after them is free. */
async function passWinners(
  commit: PreparedCommit,
  facts: CommitFacts,
  progress: Progress,
): Promise<CommitOutcome | null> {
  for (;;) {
    const version = progress.readVersion + 1
    const entry = await readEntry(commit.tx.store, version)
    if (entry === null) return null
    if (isOwnEntry(commit, entry.actions)) return { kind: 'committed', version }
    warnOfEngine(commit.tx, entry)
    const reason = checkConflict(facts, entry.actions)
    if (reason !== null) return { kind: 'conflicted', version, reason }
    progress.readVersion = version
    progress.lastTimestampMs = Math.max(progress.lastTimestampMs, entry.timestampMs)
  }
}

/** Who takes part in a race for a version must leave an entry alone that is there. */
function warnOfEngine({ store, onEvent }: Transaction, { version, actions }: LogEntry): void {
  const engine = engineOf(actions)
  if (engine === null || !canOverwrite(engine)) return
  const message = `${engine} wrote version ${version} of ${store.uri} at the same time as Sluice: it does not put log entries if absent, and can overwrite one of ours (docs/interoperability.md)`
  onEvent?.({ type: 'warning', message, where: { table: store.uri, version } })
}

/** Goes on while the store does not answer, within the time that the commit has. */
async function patiently<T>(tx: Transaction, progress: Progress, act: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await act()
    } catch (error) {
      await pause(tx, progress, classifyError(error))
    }
  }
}

async function pause(tx: Transaction, progress: Progress, lost: SluiceError): Promise<void> {
  const retryable = lost.code !== 'DISK_FULL' && lost.row.retry === 'transient'
  if (!retryable || tx.clock.nowMs() >= progress.deadlineMs) throw lost
  await backOff(tx, progress, LONGEST_PAUSE_MS)
}

async function backOff({ clock }: Transaction, progress: Progress, longestMs: number): Promise<void> {
  await clock.sleep(Math.min(progress.pauseMs, longestMs) * clock.random())
  progress.pauseMs = Math.min(progress.pauseMs * 2, LONGEST_PAUSE_MS)
}

function contended({ store }: Transaction, { readVersion }: Progress): SluiceError {
  return new SluiceError(
    'COMMIT_CONTENDED',
    `other writers of ${store.uri} won every attempt up to version ${readVersion}`,
    { where: { table: store.uri, version: readVersion } },
  )
}

/**
 * A put into a table that was removed, or whose log was cut off past the snapshot, would make a log with a hole: so the
 * entry that this commit builds on must still be there.
 */
async function checkStillThere(tx: Transaction, version: number): Promise<CommitOutcome | null> {
  const { store } = tx
  if ((await store.stat(entryPath(version))) !== null) return null
  const now = await openSnapshot(store)
  if (now === null) {
    throw new SluiceError('TABLE_MISSING', `${store.uri} held version ${version} and holds no table now`, {
      where: { table: store.uri, version },
    })
  }
  if (now.version === version) return null
  return { kind: 'conflicted', version: now.version, reason: `the log no longer reaches back to version ${version}` }
}

function checkTransaction(tx: Transaction): void {
  if ((tx.snapshot === null) !== (tx.create !== undefined)) {
    throw new SluiceError('BUG', 'a transaction makes a table exactly where it has no snapshot')
  }
  if (tx.snapshot !== null) {
    const { protocol, metadata } = tx.snapshot
    const removesRows = tx.dataChange && tx.removes.length > 0
    checkWritable(protocol, metadata.action, { uri: tx.store.uri, removesRows })
  }
}

function checkAgainst(tx: Transaction, { txns, files }: NonNullable<Transaction['snapshot']>): string | null {
  const gone = tx.removes.find((file) => {
    const standing = files.get(file.path)
    return standing === undefined || logicalKey(standing) !== logicalKey(file)
  })
  if (gone !== undefined) return `${gone.path} is not in the table`
  return checkExpectations(tx.expectTxns, txns)
}

function missingTxn(tx: Transaction): string | null {
  return checkExpectations(tx.expectTxns, new Map())
}

function factsOf(tx: Transaction): CommitFacts {
  return {
    creates: tx.snapshot === null,
    reads: tx.reads,
    table: tx.snapshot?.metadata ?? { fields: [], partitionColumns: [] },
    removes: new Set(tx.removes.map((file) => fileKey(file.path))),
    expectTxns: tx.expectTxns,
    txns: tx.txns,
  }
}
