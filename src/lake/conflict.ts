import type { Action } from './log/action.ts'
import { fileKey } from './log/file-key.ts'

/** What a commit read: how much another writer may change under it. */
export type CommitReads =
  /** Nothing: a blind append. */
  | 'nothing'
  /** The files that it removes. */
  | 'removed-files'
  /** All rows of the table. */
  | 'table'

/** What a commit depends on, and what it does. */
export interface CommitFacts {
  /** It makes the table. */
  readonly creates: boolean
  readonly reads: CommitReads
  /** `fileKey` of the files that it removes. */
  readonly removes: ReadonlySet<string>
  /** `appId` → version that must stand when it commits; null for none (I3). */
  readonly expectTxns: ReadonlyMap<string, bigint | null>
  /** What it sets. */
  readonly txns: ReadonlyMap<string, bigint>
}

/**
 * Whether a commit still holds after another writer's, which took the version it wanted. The reason why not, or null.
 * Pure. Appends never conflict with appends, nor with compactions.
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
      return facts.reads === 'table' && action.remove.dataChange ? 'another writer removed rows' : null
    case 'add':
      // A file that is added anew may stand for other rows than when it was read (a deletion vector, a restore).
      if (facts.removes.has(fileKey(action.add.path))) return `another writer replaced ${action.add.path}`
      return facts.reads === 'table' && action.add.dataChange ? 'another writer added rows' : null
    case 'commitInfo':
    case 'sidecar':
    case 'other':
      return null
  }
}

function checkTxn(facts: CommitFacts, appId: string, version: bigint): string | null {
  const expected = facts.expectTxns.get(appId)
  if (expected !== undefined) return version === expected ? null : differs(appId, version, expected)
  return facts.txns.has(appId) ? `another writer moved ${appId} to ${version}` : null
}

function differs(appId: string, found: bigint | null, expected: bigint | null): string {
  return `${appId} stands at ${found ?? 'nothing'}, not at ${expected ?? 'nothing'}`
}
