import { parseContract } from '../../contract/parse-contract.ts'
import type { Contract } from '../../domain/contract.ts'
import { hasPii } from '../../domain/contract.ts'
import { SluiceError } from '../../domain/errors.ts'
import type { Emit } from '../../domain/events.ts'
import type { ColumnBatch } from '../../domain/column-batch.ts'
import type { OffsetRange } from '../../domain/offset-range.ts'
import type { BronzeTableSettings } from '../../domain/settings.ts'
import { readSkips } from '../../error-lane/ledger.ts'
import { contractInForce } from '../../ingest/lane/contract-in-force.ts'
import { epochAppId, OPERATE_APP_ID, readPosition, sourceAppId } from '../../ingest/lane/lane-position.ts'
import { LaneJudge } from '../../ingest/lane/lane-judge.ts'
import { findTable } from '../../ingest/lane/lane-table.ts'
import { WriterCache } from '../../ingest/lane/resolve-writers.ts'
import { commitRows } from '../../ingest/rows/commit-rows.ts'
import { bronzeFields, planTable, type TablePlan } from '../../ingest/rows/plan-table.ts'
import { writeRows } from '../../ingest/rows/write-rows.ts'
import type { NewFile } from '../../lake/data-file.ts'
import type { Snapshot } from '../../lake/snapshot.ts'
import type { World } from '../../ports/world.ts'
import { findStaleSkips, retractSkips, type ReadAgain } from '../restore/retract-skips.ts'
import { requireTopic } from '../repair/find-partition.ts'
import type { RepairWorld } from '../repair/repair-world.ts'
import { withdrawRows } from '../repair/withdraw-rows.ts'
import { healReplayed, type ReplayedRange } from './heal-replayed.ts'
import { planReplay, type PartitionReplay } from './plan-replay.ts'
import { readRange } from './read-range.ts'

/** A bound by offset, or by the time of the log's records. */
export type ReplayBound =
  | { readonly kind: 'offset'; readonly offset: bigint }
  | { readonly kind: 'time'; readonly timeMs: number }

export interface ReplayRequest {
  readonly table: BronzeTableSettings
  /** Null for all partitions of the topic. */
  readonly partition: number | null
  readonly from: ReplayBound
  /** Exclusive; null for all up to the position. */
  readonly to: ReplayBound | null
}

/** What would be read again, for people to agree to. */
export interface PreparedReplay {
  readonly request: ReplayRequest
  /** Null where the table was never made. */
  readonly snapshot: Snapshot | null
  readonly ranges: readonly PartitionReplay[]
}

export interface ReplayReport {
  /** Rows that left the table, and those that took their place. */
  readonly withdrawn: number
  readonly landed: number
  readonly quarantined: number
  /** Letters whose record passes now. */
  readonly healed: number
  readonly version: number
}

/** Throws TOPIC_UNKNOWN, USAGE, SOURCE_CHANGED, and OFFSET_OUT_OF_RANGE where the log no longer holds a range. */
export async function prepareReplay(world: RepairWorld, request: ReplayRequest): Promise<PreparedReplay> {
  const { table } = request
  const topic = await requireTopic(world, table.topic)
  const snapshot = await findTable(world.lake, table.table)
  const ranges: PartitionReplay[] = []
  const all = topic.partitions.map(({ partition }) => partition)
  for (const partition of request.partition === null ? all : [request.partition]) {
    const at = { topic: topic.topic, partition }
    const from = await resolveBound(world, request.from, at)
    const to = request.to === null ? null : await resolveBound(world, request.to, at)
    const position = snapshot === null ? null : readPosition(snapshot.txns, at)
    const range = planReplay({ table: `bronze.${table.table}`, topic, partition, position, from, to })
    if (range !== null) ranges.push(range)
  }
  return { request, snapshot, ranges }
}

function resolveBound(
  { log }: Pick<World, 'log'>,
  bound: ReplayBound,
  at: { readonly topic: string; readonly partition: number },
): Promise<bigint> | bigint {
  return bound.kind === 'offset' ? bound.offset : log.offsetAtTime(at, bound.timeMs)
}

const MAX_ATTEMPTS = 5

/**
 * Replaces the rows of ranges by what their records give now, in one commit that moves no position (I16). Guarantee: of
 * an offset there is one row or none at any time; letters and healings are durable before the commit. Ingest may append
 * meanwhile; an operator's commit, a compaction of these rows or a new schema makes it begin again. Null where there is
 * nothing to replay.
 */
export async function replayLane(world: RepairWorld, prepared: PreparedReplay): Promise<ReplayReport | null> {
  const { table } = prepared.request
  let next = prepared
  let reason = ''
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    world.signal.throwIfAborted()
    if (next.ranges.length === 0 || next.snapshot === null) return null
    const outcome = await replayOnce(world, next.snapshot, next)
    if (typeof outcome !== 'string') return outcome
    reason = outcome
    next = await prepareReplay(world, next.request)
  }
  const name = `bronze.${table.table}`
  throw new SluiceError('COMMIT_CONTENDED', `${name}: other writers won ${MAX_ATTEMPTS} times: ${reason}`, {
    where: { table: name },
  })
}

type CommitPlan = Exclude<TablePlan, { kind: 'conflicted' }>

/** The report, or why it must begin again. */
async function replayOnce(
  world: RepairWorld,
  snapshot: Snapshot,
  { request: { table }, ranges }: PreparedReplay,
): Promise<ReplayReport | string> {
  const batchId = world.clock.newId()
  const { runId, traceId } = world
  const emit: Emit = (happening) =>
    world.events.emit({ runId, traceId, batchId, jobName: `replay:${table.table}`, ...happening })
  const schema = await contractInForce(world.registry, table)
  const contract = parseContract(schema)
  checkSealKey(world, table, contract)
  const judge = new LaneJudge({ schema, table, snapshot, hashKey: world.settings.privacy.hashKey })
  const writers = new WriterCache(world.registry)
  const rows = { world, table, contract, emit }
  let plan: CommitPlan = { kind: 'same', fields: snapshot.metadata.fields, snapshot }
  const adds: NewFile[] = []
  const land = async (batches: readonly ColumnBatch[]): Promise<string | null> => {
    const planned = { ...snapshot, metadata: { ...snapshot.metadata, fields: plan.fields } }
    const wider = await planTable({ ...rows, snapshot: planned }, bronzeFields(contract, batches))
    if (wider.kind === 'conflicted') return 'another writer made columns of the table wider'
    if (wider.kind === 'widened') return 'columns of the table became wider'
    if (wider.kind === 'add') plan = { ...wider, snapshot }
    adds.push(await writeRows(rows, { fields: plan.fields, rows: batches, nowMs: world.clock.nowMs() }))
    return null
  }
  const reads: ReplayedRange[] = []
  for (const range of ranges) {
    const found = await readRange({
      world,
      table,
      judge,
      writers,
      batchId,
      replay: range,
      erased: await erasedOffsets(world, table.table, range),
      emit,
      land,
    })
    if (typeof found === 'string') return found
    reads.push({ range, found })
  }
  const again = reads.flatMap(({ range, found }) => found.read.map((each): ReadAgain => ({ ...range, ...each })))
  const store = world.lake.at(`bronze/${table.table}`)
  const withdrawal = await withdrawRows({ world, store, snapshot, ranges: again })
  const stale = await findStaleSkips(world.lake, table.table, again)
  const healed = await healReplayed(world, { table: table.table, version: snapshot.version + 1, reads, emit })
  const operate = snapshot.txns.get(OPERATE_APP_ID) ?? null
  const outcome = await commitRows(rows, {
    plan,
    adds: [...withdrawal.adds, ...adds],
    removes: withdrawal.removes,
    positions: {
      txns: new Map([[OPERATE_APP_ID, (operate ?? 0n) + 1n]]),
      expectTxns: new Map([...sameTopic(snapshot, ranges), [OPERATE_APP_ID, operate]]),
    },
    operation: {
      name: 'REPLAY',
      parameters: { runId, batchId, ranges: describeRanges(ranges), contract: String(contract.id) },
      metrics: { withdrawn: String(withdrawal.rows), healed: String(healed) },
    },
  })
  if (outcome.kind === 'conflicted') return outcome.reason
  await retractSkips(world, table.table, { again, stale })
  return {
    withdrawn: withdrawal.rows,
    landed: reads.reduce((sum, { found }) => sum + found.rows, 0),
    quarantined: reads.reduce((sum, { found }) => sum + found.letters, 0),
    healed,
    version: outcome.version,
  }
}

/** Its offsets are those of one topic, as long as no operator has accepted another. */
function sameTopic({ txns }: Snapshot, ranges: readonly PartitionReplay[]): [string, bigint | null][] {
  return ranges.flatMap((range) =>
    [sourceAppId(range), epochAppId(range)].map((app): [string, bigint | null] => [app, txns.get(app) ?? null]),
  )
}

async function erasedOffsets(
  { lake }: Pick<World, 'lake'>,
  table: string,
  { topic, partition, epoch }: PartitionReplay,
): Promise<OffsetRange[]> {
  const erased: OffsetRange[] = []
  for await (const skip of readSkips(lake.at('_errors'), { layer: 'bronze', table })) {
    const same = skip.topic === topic && skip.partition === partition && skip.epoch === epoch
    if (same && skip.reason === 'erased') erased.push(skip)
  }
  return erased
}

function checkSealKey({ settings }: RepairWorld, { table }: BronzeTableSettings, contract: Contract): void {
  if (!hasPii(contract) || settings.errors.sealKey !== null) return
  throw new SluiceError(
    'SEAL_KEY_MISSING',
    `contract ${contract.subject} tags fields as PII, so letters of bronze.${table} must be sealed`,
    { where: { table: `bronze.${table}`, key: 'errors.seal_key' } },
  )
}

function describeRanges(ranges: readonly PartitionReplay[]): string {
  return ranges.map(({ topic, partition, first, next }) => `${topic}/${partition}: [${first},${next})`).join(', ')
}
