import { SluiceError } from '../../domain/errors.ts'
import type { Happening } from '../../domain/events.ts'
import { formatTableName } from '../../domain/identifier.ts'
import type { OffsetRange } from '../../domain/offset-range.ts'
import { readSkips } from '../../error-lane/ledger.ts'
import { OPERATE_APP_ID, type PositionMove } from '../../ingest/lane/lane-position.ts'
import { commitTransaction } from '../../lake/commit.ts'
import { storePaths } from '../../lake/log/file-key.ts'
import { nameFact } from '../../lake/name-fact.ts'
import { openSnapshot } from '../../lake/snapshot.ts'
import type { Snapshot, SnapshotAt } from '../../lake/snapshot.ts'
import type { World } from '../../ports/world.ts'
import { readLandedOffsets } from '../landed-offsets.ts'
import { resolveTable, type NamedTable } from '../look/resolve-table.ts'
import { changesNothing, planBronzeRestore, planModelRestore, type RestorePlan } from './plan-restore.ts'
import { expectNoVacuum } from '../vacuum/vacuum-mark.ts'
import { findStaleSkips, retractSkips, type ReadAgain, type StaleSkips } from './retract-skips.ts'

export type RestoreWorld = Pick<World, 'lake' | 'log' | 'engine' | 'clock' | 'events' | 'runId' | 'traceId' | 'signal'>

export interface PositionReport {
  readonly topic: string
  readonly partition: number
  readonly from: bigint
  readonly to: bigint
  /** Offsets that the log no longer holds: they cannot be read again, and the lane stops before them. */
  readonly gone: OffsetRange | null
}

/** What a restore would do, for people to agree to. */
export interface PreparedRestore {
  readonly table: NamedTable
  readonly old: Snapshot
  readonly plan: RestorePlan
  readonly positions: readonly PositionReport[]
  /** Offsets that will be read again, or whose rows come back. */
  readonly covered: readonly ReadAgain[]
  /** Skips past the positions, and over rows that come back: they would stand against them (I17). */
  readonly stale: StaleSkips
  readonly isSame: boolean
}

/** Throws TABLE_UNKNOWN, VERSION_UNKNOWN, SOURCE_CHANGED, or naming files that are gone VERSION_VACUUMED or TABLE_FILES_MISSING. */
export async function prepareRestore(world: RestoreWorld, text: string, at: SnapshotAt): Promise<PreparedRestore> {
  const table = await resolveTable(world.lake, text)
  const old = await openSnapshot(table.store, at)
  if (old === null) throw new SluiceError('BUG', `${table.text} vanished`)
  await checkFiles(table, old)
  const isBronze = table.name.layer === 'bronze'
  const plan = isBronze
    ? planBronzeRestore({ table: table.text, now: table.snapshot, old, startOf: await startsOf(world, table) })
    : planModelRestore({ now: table.snapshot, old })
  const positions: PositionReport[] = []
  for (const move of plan.moves) positions.push(await reportMove(world, move))
  const covered = isBronze ? [...readAgain(plan.moves), ...(await offsetsBack(world, { table, old, plan }))] : []
  const stale = await findStaleSkips(world.lake, table.name.table, covered)
  return { table, old, plan, positions, covered, stale, isSame: changesNothing(plan) }
}

const MAX_ATTEMPTS = 5

/**
 * A new version with the files, the schema and the positions (bronze) or input versions (silver, gold) of an older one.
 * Guarantee: all of it stands in one commit or none does; a commit that comes in between makes it plan again from what
 * stands then, so nothing that the older version lacks is left over. Returns the new version.
 */
export async function restoreTable(world: RestoreWorld, prepared: PreparedRestore): Promise<number> {
  const { text } = prepared.table
  const at = { version: prepared.old.version }
  let next = prepared
  let reason = ''
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    world.signal.throwIfAborted()
    const outcome = await commitRestore(world, next)
    if (outcome.kind === 'committed') {
      await retractSkips(world, next.table.name.table, { again: next.covered, stale: next.stale })
      return outcome.version
    }
    reason = outcome.reason
    next = await prepareRestore(world, text, at)
    if (next.isSame) return next.table.snapshot.version
  }
  throw new SluiceError('COMMIT_CONTENDED', `${text}: other writers won ${MAX_ATTEMPTS} times: ${reason}`, {
    where: { table: text },
    hint: 'Pause what writes to it, and restore again.',
  })
}

function commitRestore(world: RestoreWorld, { table, old, plan }: PreparedRestore) {
  const emit = (happening: Happening): void =>
    world.events.emit({ runId: world.runId, traceId: world.traceId, jobName: `restore:${table.text}`, ...happening })
  const { fields, configuration } = old.metadata
  const untouched = plan.adds.length === 0 ? [] : expectNoVacuum(table.text, table.snapshot.txns, world.clock.nowMs())
  return commitTransaction({
    store: table.store,
    snapshot: table.snapshot,
    ...(plan.metadataChanges ? { metadata: { fields, configuration } } : {}),
    adds: plan.adds,
    removes: plan.removes,
    txns: plan.txns,
    expectTxns: new Map([...plan.expectTxns, ...untouched]),
    reads: 'table',
    dataChange: true,
    operation: {
      name: 'RESTORE',
      parameters: { version: String(old.version), runId: world.runId },
      metrics: {
        tableSizeAfterRestore: String([...old.files.values()].reduce((sum, file) => sum + file.bytes, 0)),
        numOfFilesAfterRestore: String(old.files.size),
      },
    },
    clock: world.clock,
    onEvent: (fact) => emit(nameFact(fact, formatTableName(table.name))),
  })
}

const NAMED_FILES = 5

/** Every file of the older version, those that it shares with the newest too. */
async function checkFiles({ store, text, snapshot }: NamedTable, { version, files }: Snapshot): Promise<void> {
  const missing: string[] = []
  for (const file of files.values()) {
    for (const path of storePaths(file, store.uri)) if ((await store.stat(path)) === null) missing.push(path)
  }
  if (missing.length === 0) return
  const more = missing.length > NAMED_FILES ? ` and ${missing.length - NAMED_FILES} more` : ''
  throw new SluiceError(
    missing.some((path) => snapshot.files.has(path)) ? 'TABLE_FILES_MISSING' : 'VERSION_VACUUMED',
    `${text} cannot become version ${version} again: ${missing.length} of its ${files.size} files are gone: ${missing.slice(0, NAMED_FILES).join(', ')}${more}`,
    {
      where: { table: text, version, file: missing[0]! },
      hint: `Vacuum removes files that newer versions no longer hold: choose a newer version (\`sluice table history ${text}\`), or put the files back.`,
    },
  )
}

async function startsOf(
  { lake }: RestoreWorld,
  { name }: NamedTable,
): Promise<(at: { readonly topic: string; readonly partition: number; readonly epoch: number }) => bigint> {
  const starts = new Map<string, bigint>()
  for await (const { topic, partition, epoch, first, next, reason } of readSkips(lake.at('_errors'), name)) {
    if (reason === 'start' && first === 0n) starts.set(`${topic}/${partition}/${epoch}`, next)
  }
  return ({ topic, partition, epoch }) => starts.get(`${topic}/${partition}/${epoch}`) ?? 0n
}

/**
 * What the rows of the files that come back hold. None where no operator has committed since: what ingest and compaction
 * did meanwhile took no row away, and the files need not be read.
 */
async function offsetsBack(
  world: RestoreWorld,
  { table, old, plan }: Pick<PreparedRestore, 'table' | 'old' | 'plan'>,
): Promise<ReadAgain[]> {
  if (plan.adds.length === 0) return []
  if (old.txns.get(OPERATE_APP_ID) === table.snapshot.txns.get(OPERATE_APP_ID)) return []
  const landed = await readLandedOffsets(await world.engine(), table.store, old, plan.adds)
  return landed.flatMap(({ landed: ranges, topic, partition, epoch }) =>
    ranges.map((range): ReadAgain => ({ topic, partition, epoch, ...range, landed: true })),
  )
}

/** What comes after the positions. */
function readAgain(moves: readonly PositionMove[]): ReadAgain[] {
  return moves.map(({ topic, partition, to }) => ({ topic, partition, epoch: to.epoch, first: to.next, next: null }))
}

async function reportMove(
  { log }: RestoreWorld,
  { topic, partition, from, to }: PositionMove,
): Promise<PositionReport> {
  const description = await log.describe(topic)
  const start = description?.partitions.find((each) => each.partition === partition)?.start ?? from!.next
  const gone = start > to.next && to.next < from!.next ? { first: to.next, next: start } : null
  return { topic, partition, from: from!.next, to: to.next, gone }
}
