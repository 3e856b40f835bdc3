import { SluiceError } from '../../domain/errors.ts'
import type { Emit } from '../../domain/events.ts'
import { commitTransaction } from '../../lake/commit.ts'
import { logicalKey } from '../../lake/log/file-key.ts'
import { nameFact } from '../../lake/name-fact.ts'
import { refreshSnapshot, type AddFile, type Snapshot } from '../../lake/snapshot.ts'
import type { NamedTable } from '../look/resolve-table.ts'
import { sumOf } from './plan-rewrites.ts'
import type { OptimizeWorld, StagedRewrite } from './stage-rewrites.ts'

export interface CommitRequest {
  readonly world: OptimizeWorld
  readonly table: NamedTable
  readonly staged: readonly StagedRewrite[]
  readonly clusterBy: readonly string[]
  readonly emit: Emit
}

/** What became of a group of rewrites. */
export interface CommittedRewrites {
  readonly committed: readonly StagedRewrite[]
  /** Another writer changed their files meanwhile: what was written for them is a phantom. */
  readonly lost: readonly StagedRewrite[]
  /** The table as it stands after. */
  readonly snapshot: Snapshot
}

const MAX_ATTEMPTS = 5

/**
 * One commit that puts the new files in the place of the old, with dataChange=false and no position in it: appends pass
 * it and are passed by it. Where another writer took some of the old files away, the rewrites of the others are
 * committed all the same.
 */
export async function commitRewrites(request: CommitRequest): Promise<CommittedRewrites> {
  const { table } = request
  let snapshot = table.snapshot
  let pending = request.staged
  for (let attempt = 0; attempt < MAX_ATTEMPTS && pending.length > 0; attempt += 1) {
    const outcome = await commitOnce(request, snapshot, pending)
    const fresh = await refreshSnapshot(table.store, snapshot)
    if (fresh === null) {
      throw new SluiceError('TABLE_MISSING', `${table.text} vanished while it was optimized`, {
        where: { table: table.text },
      })
    }
    if (outcome.kind === 'committed') {
      const lost = request.staged.filter((each) => !pending.includes(each))
      return { committed: pending, lost, snapshot: fresh }
    }
    pending = stillStanding(pending, snapshot, fresh)
    snapshot = fresh
  }
  return { committed: [], lost: request.staged, snapshot }
}

/** The rewrites that may still be committed: all of their files are as they were, and so is the table's schema. Pure. */
export function stillStanding(
  staged: readonly StagedRewrite[],
  before: Snapshot,
  now: Snapshot,
): readonly StagedRewrite[] {
  const [old, young] = [before.metadata.action, now.metadata.action]
  const isSame =
    old.id === young.id &&
    old.schemaText === young.schemaText &&
    JSON.stringify(old.configuration) === JSON.stringify(young.configuration)
  if (!isSame) return []
  return staged.filter(({ rewrite }) =>
    rewrite.files.every((file) => {
      const found = now.files.get(file.path)
      return found !== undefined && logicalKey(found) === logicalKey(file)
    }),
  )
}

function commitOnce(
  { world, table, clusterBy, emit }: CommitRequest,
  snapshot: Snapshot,
  staged: readonly StagedRewrite[],
) {
  const removes = staged.flatMap(({ rewrite }) => rewrite.files)
  const adds = staged.flatMap((each) => each.adds)
  return commitTransaction({
    store: table.store,
    snapshot,
    adds,
    removes,
    txns: new Map(),
    expectTxns: new Map(),
    reads: 'removed-files',
    dataChange: false,
    operation: {
      name: 'OPTIMIZE',
      parameters: { predicate: '[]', zOrderBy: JSON.stringify(clusterBy), auto: 'false', runId: world.runId },
      metrics: fileMetrics(removes, adds),
    },
    clock: world.clock,
    onEvent: (fact) => emit(nameFact(fact, table.text)),
  })
}

interface Sized {
  readonly bytes: number
  readonly deletionVector?: AddFile['deletionVector']
}

/** Named as Spark names them. Pure. */
export function fileMetrics(removes: readonly Sized[], adds: readonly Sized[]): Readonly<Record<string, string>> {
  const sizes = adds.map(({ bytes }) => bytes).sort((a, b) => a - b)
  const at = (share: number): number => sizes[Math.round((sizes.length - 1) * share)] ?? 0
  const metrics = {
    numRemovedFiles: removes.length,
    numRemovedBytes: sumOf(removes),
    numDeletionVectorsRemoved: removes.filter(({ deletionVector }) => (deletionVector ?? null) !== null).length,
    numAddedFiles: adds.length,
    numAddedBytes: sumOf(adds),
    minFileSize: at(0),
    p25FileSize: at(0.25),
    p50FileSize: at(0.5),
    p75FileSize: at(0.75),
    maxFileSize: at(1),
  }
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, String(value)]))
}
