import { LoggedFile } from './files/add-file.ts'
import type { PrunedTable } from './files/prune.ts'
import { mayHoldRead } from './files/rows-read.ts'
import type { RowsRead } from './files/rows-read.ts'
import type { Action, AddAction, RemoveAction } from './log/action.ts'
import { fileKey } from './log/file-key.ts'

/** What a commit read: how much another writer may change under it. */
export type CommitReads =
  /** Nothing: a blind append. */
  | 'nothing'
  /** The files that it removes. */
  | 'removed-files'
  /** Rows of some partitions, or with some values: what changes elsewhere does not matter. */
  | RowsRead
  /** All rows of the table. */
  | 'table'

/** What a commit depends on, and what it does. */
export interface CommitFacts {
  /** It makes the table. */
  readonly creates: boolean
  readonly reads: CommitReads
  /** Columns of the table as the commit read it; none where it makes the table. */
  readonly table: PrunedTable
  /** `fileKey` of the files that it removes. */
  readonly removes: ReadonlySet<string>
  /** `appId` → version that must stand when it commits; null for none (I3). */
  readonly expectTxns: ReadonlyMap<string, bigint | null>
  /** What it sets. */
  readonly txns: ReadonlyMap<string, bigint>
}

/**
 * Whether a commit still holds after another writer's, which took the version it wanted. The reason why not, or null.
 * Pure. What it guarantees: where no conflict is found, the table is as if the two had come one after the other; a
 * commit that states the rows it read, as if it came after the other and had read again. So
 *
 * | this commit, after →         | append    | compaction    | merge, delete, overwrite        | schema, protocol |
 * | append (reads nothing)       | passes    | passes        | passes                          | conflicts        |
 * | compaction (removed files)   | passes    | of same files | of same files                   | conflicts        |
 * | merge (reads rows of some    | into them | of same files | that adds or removes such rows, | conflicts        |
 * |   partitions, or all)        |           |               |   or of same files              |                  |
 *
 * and a `txn` conflicts wherever it stands elsewhere than expected (I3). Appends never conflict with appends, nor with
 * compactions: ingest is held up by neither.
 */
export function checkConflict(facts: CommitFacts, winner: readonly Action[]): string | null {
  if (facts.creates) return 'another writer made the table'
  for (const action of winner) {
    const reason = checkAction(facts, action)
    if (reason !== null) return reason
  }
  return null
}

/** The same for the snapshot that a commit starts from. */
export function checkExpectations(
  expectTxns: ReadonlyMap<string, bigint | null>,
  standing: ReadonlyMap<string, bigint>,
): string | null {
  for (const [appId, expected] of expectTxns) {
    const found = standing.get(appId) ?? null
    if (found !== expected) return differs(appId, found, expected)
  }
  return null
}

function checkAction(facts: CommitFacts, action: Action): string | null {
  switch (action.kind) {
    case 'protocol':
      return 'another writer changed the protocol of the table'
    case 'metaData':
      return 'another writer changed the metadata of the table'
    case 'txn':
      return checkTxn(facts, action.txn.appId, action.txn.version)
    case 'remove':
      if (facts.removes.has(fileKey(action.remove.path))) return `another writer removed ${action.remove.path}`
      return action.remove.dataChange && hasRead(facts, action.remove)
        ? `another writer removed ${wasRead(facts)}`
        : null
    case 'add':
      // A file that is added anew may stand for other rows than when it was read (a deletion vector, a restore).
      if (facts.removes.has(fileKey(action.add.path))) return `another writer replaced ${action.add.path}`
      return action.add.dataChange && hasRead(facts, action.add) ? `another writer added ${wasRead(facts)}` : null
    case 'commitInfo':
    case 'sidecar':
    case 'other':
      return null
  }
}

/** Whether rows of the file count among those that the commit read, or would have read had they been there. */
function hasRead({ reads, table }: CommitFacts, file: AddAction | RemoveAction): boolean {
  if (reads === 'nothing' || reads === 'removed-files') return false
  if (reads === 'table') return true
  const { partitionValues, bytes } = file
  // Without its partition values nothing is known of a removed file.
  if (partitionValues === null) return true
  return mayHoldRead(
    new LoggedFile({ modificationTimeMs: 0, ...file, partitionValues, bytes: bytes ?? 0 }),
    table,
    reads,
  )
}

function wasRead({ reads }: CommitFacts): string {
  return reads === 'table' ? 'rows' : 'rows where this one read'
}

function checkTxn(facts: CommitFacts, appId: string, version: bigint): string | null {
  const expected = facts.expectTxns.get(appId)
  if (expected !== undefined) return version === expected ? null : differs(appId, version, expected)
  return facts.txns.has(appId) ? `another writer moved ${appId} to ${version}` : null
}

function differs(appId: string, found: bigint | null, expected: bigint | null): string {
  return `${appId} stands at ${found ?? 'nothing'}, not at ${expected ?? 'nothing'}`
}
