import { SluiceError } from '../../domain/errors.ts'
import type { Emit } from '../../domain/events.ts'
import type { BronzeTableSettings } from '../../domain/settings.ts'
import { parseContract } from '../../contract/parse-contract.ts'
import { writeSkips } from '../../error-lane/write-skips.ts'
import { KnownTopic } from '../../ingest/lane/known-topic.ts'
import { LostPositions } from '../../ingest/lane/ledger/lost-positions.ts'
import { contractInForce } from '../../ingest/lane/contract-in-force.ts'
import { movePositions, OPERATE_APP_ID, readPosition } from '../../ingest/lane/lane-position.ts'
import { findTable } from '../../ingest/lane/lane-table.ts'
import { commitRows } from '../../ingest/rows/commit-rows.ts'
import { bronzeFields, planTable } from '../../ingest/rows/plan-table.ts'
import type { Snapshot } from '../../lake/snapshot.ts'
import type { TopicDescription } from '../../ports/topic-log.ts'
import type { World } from '../../ports/world.ts'
import { findStaleSkips, retractSkips, type ReadAgain, type StaleSkips } from '../restore/retract-skips.ts'
import { clearStops } from '../status/stop-note.ts'
import { requireTopic } from '../repair/find-partition.ts'
import type { RepairWorld } from '../repair/repair-world.ts'
import { NO_WITHDRAWAL, withdrawRows, type RowRange } from '../repair/withdraw-rows.ts'
import { planReset, type PartitionReset } from './plan-reset.ts'

/** Where positions are to stand. A time is that of the log's records; `accept` alone begins where the new topic does. */
export type ResetTarget =
  | { readonly kind: 'offset'; readonly offset: bigint }
  | { readonly kind: 'time'; readonly timeMs: number }
  | { readonly kind: 'earliest' }
  | { readonly kind: 'latest' }

export interface ResetRequest {
  readonly table: BronzeTableSettings
  /** Null for all partitions of the topic. */
  readonly partition: number | null
  /** Null only with `accept`. */
  readonly target: ResetTarget | null
  readonly accept: boolean
}

/** What a reset would do to one table, for people to agree to. */
export interface PreparedReset {
  readonly request: ResetRequest
  readonly snapshot: Snapshot | null
  readonly resets: readonly PartitionReset[]
  /** Skips that the reset takes back. */
  readonly stale: StaleSkips
}

/** Throws TOPIC_UNKNOWN, USAGE for what the log does not hold, SOURCE_CHANGED. */
export async function prepareReset(world: RepairWorld, request: ResetRequest): Promise<PreparedReset> {
  const { table } = request
  const topic = await requireTopic(world, table.topic)
  const snapshot = await findTable(world.lake, table.table)
  const partitions = topic.partitions.map((each) => each.partition)
  const strangers = await new KnownTopic().strangers({ world, table, topic, snapshot, partitions })
  const recovered = await new LostPositions().find({ world, table, topic, snapshot, partitions })
  const chosen = choosePartitions(request, { topic, snapshot, strangers })
  const resets: PartitionReset[] = []
  for (const partition of chosen) {
    const wanted = await resolveTarget(world, request.target, { topic, partition })
    const position = snapshot === null ? null : readPosition(snapshot.txns, { topic: topic.topic, partition })
    const stranger = strangers.has(partition)
    const { accept } = request
    const reset = planReset({
      table: `bronze.${table.table}`,
      topic,
      partition,
      position,
      wanted,
      accept,
      stranger,
      recovered: recovered.get(partition) ?? null,
    })
    if (reset !== null) resets.push(reset)
  }
  return { request, snapshot, resets, stale: await findStaleSkips(world.lake, table.table, resets.map(readAgain)) }
}

/** From the old position or the new one on, whichever comes first: a skip there is of a reset that never came about. */
function readAgain({ move: { topic, partition, to, ...move }, recovered }: PartitionReset): ReadAgain {
  const from = recovered ?? move.from
  const begins = from === null || from.epoch !== to.epoch ? 0n : from.next
  return { topic, partition, epoch: to.epoch, first: begins < to.next ? begins : to.next, next: null }
}

interface LaneSight {
  readonly topic: TopicDescription
  readonly snapshot: Snapshot | null
  readonly strangers: ReadonlyMap<number, SluiceError>
}

/** With `accept`, and no partition named, those whose topic is another one now. */
function choosePartitions(
  { partition, accept }: ResetRequest,
  { topic, snapshot, strangers }: LaneSight,
): readonly number[] {
  if (partition !== null) return [partition]
  const all = topic.partitions.map((each) => each.partition)
  if (!accept) return all
  const strange = topic.partitions.filter((each) => {
    const position = snapshot === null ? null : readPosition(snapshot.txns, { topic: topic.topic, ...each })
    if (position === null) return false
    if (strangers.has(each.partition)) return true
    return (position.source !== null && position.source !== topic.source) || position.next > each.limit
  })
  return strange.length === 0 ? all.slice(0, 1) : strange.map((each) => each.partition)
}

async function resolveTarget(
  { log }: Pick<World, 'log'>,
  target: ResetTarget | null,
  { topic, partition }: { readonly topic: TopicDescription; readonly partition: number },
): Promise<bigint | null> {
  const held = topic.partitions[partition]
  if (target === null || held === undefined) return null
  switch (target.kind) {
    case 'offset':
      return target.offset
    case 'time':
      return log.offsetAtTime({ topic: topic.topic, partition }, target.timeMs)
    case 'earliest':
      return held.start
    case 'latest':
      return held.limit
  }
}

const MAX_ATTEMPTS = 5

/**
 * Moves the positions of one table, in one commit with the rows that leave it. Guarantee: compare-and-set on every
 * position that moves; what another writer commits in between makes it plan again. Skips are durable first. A death
 * between them and the commit leaves a skip at the position: the same reset takes it back, and where ingest goes on
 * instead, `verify` names the rows that it landed there until a replay of them does. Returns the version, or null where
 * nothing had to move.
 */
export async function resetLane(world: RepairWorld, prepared: PreparedReset): Promise<number | null> {
  const { table } = prepared.request
  let next = prepared
  let reason = ''
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    world.signal.throwIfAborted()
    if (next.resets.length === 0) return null
    const outcome = await commitReset(world, next)
    if (outcome.kind === 'committed') {
      await retractSkips(world, table.table, { again: next.resets.map(readAgain), stale: next.stale })
      await clearStops(world, { kind: 'lane', name: `bronze.${table.table}` })
      return outcome.version
    }
    reason = outcome.reason
    next = await prepareReset(world, prepared.request)
  }
  const name = `bronze.${table.table}`
  throw new SluiceError('COMMIT_CONTENDED', `${name}: other writers won ${MAX_ATTEMPTS} times: ${reason}`, {
    where: { table: name },
    hint: `Pause the lane (\`sluice pause ${name} --reason TEXT\`), and reset again.`,
  })
}

async function commitReset(world: RepairWorld, { request, snapshot, resets }: PreparedReset) {
  const { table } = request
  const emit: Emit = (happening) =>
    world.events.emit({ runId: world.runId, traceId: world.traceId, jobName: `reset:${table.table}`, ...happening })
  const store = world.lake.at('_errors')
  const skips = resets.flatMap((reset) => reset.skips)
  const newId = (): string => world.clock.newId()
  const lane = { layer: 'bronze', table: table.table } as const
  const written = await writeSkips({ store, ...lane, runId: world.runId, skips, newId })
  if (written !== null) emit({ type: 'skips.written', table: table.table, skips: written.skips, path: written.path })
  const ranges = resets.flatMap(({ withdraw }): RowRange[] => (withdraw === null ? [] : [withdraw]))
  const withdrawal =
    snapshot === null || ranges.length === 0
      ? NO_WITHDRAWAL
      : await withdrawRows({ world, store: world.lake.at(`bronze/${table.table}`), snapshot, ranges })
  const contract = parseContract(await contractInForce(world.registry, table))
  const wanted = snapshot === null ? bronzeFields(contract, []) : []
  const plan = await planTable({ world, table, contract, snapshot, emit }, wanted)
  if (plan.kind === 'conflicted') throw new SluiceError('BUG', 'a reset brings no columns')
  const operate = snapshot?.txns.get(OPERATE_APP_ID) ?? null
  const positions = movePositions(resets.map(({ move }) => move))
  const outcome = await commitRows(
    { world, table, emit },
    {
      plan,
      adds: withdrawal.adds,
      removes: withdrawal.removes,
      positions: {
        txns: new Map([...positions.txns, [OPERATE_APP_ID, (operate ?? 0n) + 1n]]),
        expectTxns: new Map([...positions.expectTxns, [OPERATE_APP_ID, operate]]),
      },
      operation: {
        name: 'RESET',
        parameters: { runId: world.runId, positions: describeMoves(resets) },
        metrics: { withdrawn: String(withdrawal.rows) },
      },
    },
  )
  // Positions have moved, so what these skips say is not true any more.
  if (outcome.kind === 'conflicted' && written !== null) await store.delete([written.path])
  return outcome
}

function describeMoves(resets: readonly PartitionReset[]): string {
  return resets
    .map(({ move: { topic, partition, from, to } }) => {
      const epoch = to.epoch === (from?.epoch ?? 0) ? '' : ` (epoch ${to.epoch})`
      return `${topic}/${partition}: ${from?.next ?? 'none'} → ${to.next}${epoch}`
    })
    .join(', ')
}
