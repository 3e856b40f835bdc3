import { SluiceError } from '../../domain/errors.ts'
import type { Happening } from '../../domain/events.ts'
import type { CommitOutcome } from '../../domain/outcome.ts'
import { withHeartbeat } from '../../ingest/lane/heartbeat.ts'
import { commitTransaction } from '../../lake/commit.ts'
import { nameFact } from '../../lake/name-fact.ts'
import { openSnapshot } from '../../lake/snapshot.ts'
import type { Transaction } from '../../lake/transaction.ts'
import type { World } from '../../ports/world.ts'
import { LEAST_RETENTION_MS, sumFiles, UNCOMMITTED_MS, type FileSum, type PlannedFile } from './plan-vacuum.ts'
import { planFor, type PreparedVacuum } from './prepare-vacuum.ts'
import { VACUUM_END, VACUUM_LIMIT_MS, VACUUM_START } from './vacuum-mark.ts'

export type VacuumWorld = Pick<World, 'lake' | 'clock' | 'events' | 'runId' | 'traceId' | 'signal' | 'assignment'>

export interface VacuumBudget {
  readonly ms?: number
  readonly bytes?: number
  /** Held before each batch: resolves when files may go. */
  readonly turn?: () => Promise<void>
}

export interface VacuumEnd {
  /** `partial`: a budget, or the end of the process, came first; the next goes on. */
  readonly outcome: 'vacuumed' | 'unchanged' | 'partial'
  readonly gone: FileSum
  /** The newest version that this vacuum left. */
  readonly version: number
}

const VACUUM_GROUP = 'vacuum'
/** Of files that are removed together; the store removes those of a batch side by side. */
const BATCH_FILES = 4_000

/**
 * Removes what the plan names, as the table stands once all can see that a vacuum has begun. A death anywhere leaves a
 * table that is whole: only files that nobody needs may be gone, and the next vacuum goes on. Two at once harm nothing;
 * the second is refused as a courtesy. Throws COMMIT_CONTENDED.
 */
export async function vacuumTable(
  world: VacuumWorld,
  prepared: PreparedVacuum,
  budget: VacuumBudget = {},
): Promise<VacuumEnd> {
  const { text, snapshot } = prepared.table
  // Half-written files of writers that died: no list shows them, and nothing in the log tells of them.
  await prepared.table.store.sweepTemporary('', world.clock.nowMs() - UNCOMMITTED_MS)
  const standing = snapshot.txns.get(VACUUM_START) ?? null
  const isOver = standing === (snapshot.txns.get(VACUUM_END) ?? null)
  if (prepared.plan.goes.length === 0 && isOver) {
    return { outcome: 'unchanged', gone: sumFiles([]), version: snapshot.version }
  }
  const membership = await world.assignment.join(VACUUM_GROUP, [text])
  try {
    if (!(await membership.poll()).has(text)) throw contended(text, 'another process vacuums it now')
    return await withHeartbeat(membership, () => vacuum(world, prepared, budget))
  } finally {
    await membership.leave().catch(() => undefined)
  }
}

async function vacuum(world: VacuumWorld, prepared: PreparedVacuum, budget: VacuumBudget): Promise<VacuumEnd> {
  const { table, retentionMs } = prepared
  const standing = table.snapshot.txns.get(VACUUM_START) ?? null
  const startedMs = world.clock.nowMs()
  const start = BigInt(Math.max(startedMs, Number(standing ?? 0n) + 1))
  const planned = sumFiles(prepared.plan.goes)
  const begun = await commitMark(world, prepared, {
    txns: new Map([[VACUUM_START, start]]),
    expectTxns: new Map([[VACUUM_START, standing]]),
    operation: {
      name: 'VACUUM START',
      parameters: {
        retentionCheckEnabled: retentionMs >= LEAST_RETENTION_MS,
        specifiedRetentionMillis: retentionMs,
        defaultRetentionMillis: LEAST_RETENTION_MS,
        runId: world.runId,
      },
      metrics: { numFilesToDelete: planned.files, sizeOfDataToDelete: planned.bytes },
    },
  })
  if (begun.kind === 'conflicted') throw contended(table.text, begun.reason)
  const snapshot = await openSnapshot(table.store)
  if (snapshot === null)
    throw new SluiceError('TABLE_MISSING', `${table.text} vanished`, { where: { table: table.text } })
  const plan = await planFor(world, { ...prepared, table: { ...table, snapshot } })
  const { gone, isWhole } = await removeFiles(world, { prepared, goes: plan.goes, budget, startedMs })
  const ended = await commitMark(
    world,
    { ...prepared, table: { ...table, snapshot } },
    {
      txns: new Map([[VACUUM_END, start]]),
      expectTxns: new Map([[VACUUM_START, start]]),
      operation: {
        name: 'VACUUM END',
        parameters: { status: isWhole ? 'COMPLETED' : 'PARTIAL', runId: world.runId },
        metrics: { numDeletedFiles: gone.files, sizeOfDataDeleted: gone.bytes },
      },
    },
  )
  // Where another vacuum has begun since, that one's end counts.
  const version = ended.kind === 'committed' ? ended.version : begun.version
  tell(world, prepared, {
    type: 'vacuum.done',
    table: table.text,
    files: gone.files,
    bytes: gone.bytes,
    whole: isWhole,
    ms: world.clock.nowMs() - startedMs,
  })
  return { outcome: isWhole ? 'vacuumed' : 'partial', gone, version }
}

interface Removal {
  readonly prepared: PreparedVacuum
  readonly goes: readonly PlannedFile[]
  readonly budget: VacuumBudget
  readonly startedMs: number
}

async function removeFiles(
  world: VacuumWorld,
  { prepared, goes, budget, startedMs }: Removal,
): Promise<{ readonly gone: FileSum; readonly isWhole: boolean }> {
  const { store, text } = prepared.table
  const lastMs = startedMs + Math.min(budget.ms ?? VACUUM_LIMIT_MS, VACUUM_LIMIT_MS)
  let gone = sumFiles([])
  for (let at = 0; at < goes.length;) {
    await budget.turn?.()
    if (world.signal.aborted || world.clock.nowMs() >= lastMs) return { gone, isWhole: false }
    const left = (budget.bytes ?? Infinity) - gone.bytes
    const batch = affordable(goes.slice(at, at + BATCH_FILES), left, at === 0)
    if (batch.length === 0) return { gone, isWhole: false }
    await store.delete(batch.map(({ path }) => path))
    at += batch.length
    const sum = sumFiles(batch)
    gone = { files: gone.files + sum.files, bytes: gone.bytes + sum.bytes }
    tell(world, prepared, { type: 'files.removed', table: text, ...sum })
  }
  return { gone, isWhole: true }
}

/** As many as the bytes allow; the very first goes in any case, or one that is large would stay for ever. */
function affordable(batch: readonly PlannedFile[], bytes: number, isFirst: boolean): readonly PlannedFile[] {
  let sum = 0
  const over = batch.findIndex((file) => (sum += file.bytes) > bytes)
  return over < 0 ? batch : batch.slice(0, isFirst ? Math.max(1, over) : over)
}

type Mark = Pick<Transaction, 'txns' | 'expectTxns' | 'operation'>

/** A version without a change of the table, which tells others what is going on. */
function commitMark(world: VacuumWorld, prepared: PreparedVacuum, mark: Mark): Promise<CommitOutcome> {
  const { store, snapshot, text } = prepared.table
  return commitTransaction({
    store,
    snapshot,
    adds: [],
    removes: [],
    reads: 'nothing',
    dataChange: false,
    ...mark,
    clock: world.clock,
    onEvent: (fact) => tell(world, prepared, nameFact(fact, text)),
  })
}

function tell({ events, runId, traceId }: VacuumWorld, { table }: PreparedVacuum, happening: Happening): void {
  events.emit({ runId, traceId, jobName: `vacuum:${table.text}`, ...happening })
}

function contended(table: string, reason: string): SluiceError {
  return new SluiceError('COMMIT_CONTENDED', `${table} was not vacuumed: ${reason}`, { where: { table } })
}
