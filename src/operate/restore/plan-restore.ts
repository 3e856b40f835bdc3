import { SluiceError } from '../../domain/errors.ts'
import type { PartitionPosition, TopicPartition } from '../../domain/position.ts'
import { movePositions, OPERATE_APP_ID, readPosition, type PositionMove } from '../../ingest/lane/lane-position.ts'
import { logicalKey } from '../../lake/log/file-key.ts'
import type { AddFile, Snapshot } from '../../lake/snapshot.ts'
import { DEFINITION_APP, RESTORED_DEFINITION } from '../../transform/definition.ts'

/** What makes a table what an older version was. Pure. */
export interface RestorePlan {
  readonly adds: readonly AddFile[]
  readonly removes: readonly AddFile[]
  readonly txns: ReadonlyMap<string, bigint>
  readonly expectTxns: ReadonlyMap<string, bigint | null>
  /** The schema or the properties of the older version differ. */
  readonly metadataChanges: boolean
  /** Positions that move: bronze only. */
  readonly moves: readonly PositionMove[]
}

export interface RestoreFacts {
  readonly table: string
  readonly now: Snapshot
  readonly old: Snapshot
  /** Where a partition's first commit began: the end of its skip (start), else 0. */
  readonly startOf: (at: TopicPartition & { readonly epoch: number }) => bigint
}

/**
 * Bronze: positions go to where the older version had them, so that what came after is read again (I1). A partition
 * that it did not know yet goes to its start: a `txn` can be set, never taken away.
 */
export function planBronzeRestore(facts: RestoreFacts): RestorePlan {
  const { table, now, old } = facts
  const moves: PositionMove[] = []
  for (const at of positionedEverywhere(now.txns)) {
    const from = readPosition(now.txns, at)!
    const to = readPosition(old.txns, at) ?? { ...from, epoch: 0, next: facts.startOf({ ...at, epoch: 0 }) }
    checkSameTopic(table, { at, from, to, version: old.version })
    if (to.next !== from.next) moves.push({ ...at, from, to })
  }
  const files = fileChanges(now, old)
  if (isSame(files, moves)) return { ...files, moves, txns: new Map(), expectTxns: new Map() }
  const operate = now.txns.get(OPERATE_APP_ID) ?? null
  const positions = movePositions(moves)
  return {
    ...files,
    moves,
    txns: new Map([...positions.txns, [OPERATE_APP_ID, (operate ?? 0n) + 1n]]),
    expectTxns: new Map([...positions.expectTxns, [OPERATE_APP_ID, operate]]),
  }
}

/**
 * Silver and gold: the versions of the inputs go back too, so that the next build catches up from there. Where the
 * older version was built from other tables or says nothing of its inputs, the next build works from the whole input.
 */
export function planModelRestore({ now, old }: Pick<RestoreFacts, 'now' | 'old'>): RestorePlan {
  const files = fileChanges(now, old)
  const txns = new Map<string, bigint>()
  let known = true
  for (const [app, version] of now.txns) {
    if (!app.startsWith('sluice/input/') && app !== DEFINITION_APP) continue
    const before = old.txns.get(app)
    if (before === undefined) known = false
    else if (before !== version) txns.set(app, before)
  }
  if (!known) txns.set(DEFINITION_APP, RESTORED_DEFINITION)
  if (isSame(files, [])) txns.clear()
  return {
    ...files,
    moves: [],
    txns,
    expectTxns: new Map([...txns.keys()].map((app) => [app, now.txns.get(app) ?? null])),
  }
}

export function changesNothing(plan: RestorePlan): boolean {
  return isSame(plan, plan.moves)
}

type FileChanges = Pick<RestorePlan, 'adds' | 'removes' | 'metadataChanges'>

function fileChanges(now: Snapshot, old: Snapshot): FileChanges {
  const before = old.metadata
  const after = now.metadata
  return {
    adds: [...old.files.values()].filter((file) => !holds(now, file)),
    removes: [...now.files.values()].filter((file) => !holds(old, file)),
    metadataChanges:
      before.action.schemaText !== after.action.schemaText ||
      JSON.stringify(before.configuration) !== JSON.stringify(after.configuration),
  }
}

/** The file with the same rows gone: a delete since may have left it a deletion vector. */
function holds({ files }: Snapshot, file: AddFile): boolean {
  const standing = files.get(file.path)
  return standing !== undefined && logicalKey(standing) === logicalKey(file)
}

function isSame({ adds, removes, metadataChanges }: FileChanges, moves: readonly PositionMove[]): boolean {
  return adds.length === 0 && removes.length === 0 && !metadataChanges && moves.length === 0
}

function positionedEverywhere(txns: ReadonlyMap<string, bigint>): readonly TopicPartition[] {
  const found: TopicPartition[] = []
  for (const app of txns.keys()) {
    const match = /^sluice\/([^/]+)\/(\d+)$/.exec(app)
    if (match !== null) found.push({ topic: match[1]!, partition: Number(match[2]) })
  }
  return found.sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1))
}

interface PositionChange {
  readonly at: TopicPartition
  readonly from: PartitionPosition
  readonly to: PartitionPosition
  readonly version: number
}

/** What a topic held before it was made anew is in no log any more: going back there would lose it. */
function checkSameTopic(table: string, { at, from, to, version }: PositionChange): void {
  const sameSource = from.source === null || to.source === null || from.source === to.source
  if (from.epoch === to.epoch && sameSource) return
  throw new SluiceError(
    'SOURCE_CHANGED',
    `${table} at version ${version} read ${at.topic}/${at.partition} before that topic was made anew; no log could give back what came after`,
    {
      where: { table, topic: at.topic, partition: at.partition, version },
      hint: 'Choose a version from after the new topic was accepted; see `sluice table history`.',
    },
  )
}
