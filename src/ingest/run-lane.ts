import type { ColumnField } from '../domain/column-batch.ts'
import { SluiceError } from '../domain/errors.ts'
import type { Emit } from '../domain/events.ts'
import type { BronzeTableSettings } from '../domain/settings.ts'
import type { Snapshot } from '../lake/snapshot.ts'
import type { TopicDescription } from '../ports/topic-log.ts'
import type { World } from '../ports/world.ts'
import type { OpenStart } from './ahead/may-adopt.ts'
import { NextFlush } from './ahead/next-flush.ts'
import { Accumulator } from './accumulator.ts'
import { flush } from './flush.ts'
import { parseContract } from '../contract/parse-contract.ts'
import { openFlush } from './decode/open-flush.ts'
import { WorkerDeaths } from './decode/worker-deaths.ts'
import { contractInForce } from './lane/contract-in-force.ts'
import { decideFlush, type FlushState } from './flush-policy.ts'
import { readPosition } from './lane/lane-position.ts'
import { findTable } from './lane/lane-table.ts'
import type { KnownTopic } from './lane/known-topic.ts'
import { keepTxns } from './lane/ledger/keep-txns.ts'
import type { LostPositions } from './lane/ledger/lost-positions.ts'
import type { WriterCache } from './lane/resolve-writers.ts'
import { startPartition } from './lane/start-partition.ts'
import { takeBatches, type OpenPartition } from './lane/take-batches.ts'

export type LaneWorld = Pick<
  World,
  'settings' | 'clock' | 'lake' | 'log' | 'registry' | 'runId' | 'engine' | 'stagingFolder' | 'signal' | 'decodePool'
>

export interface LanePass {
  readonly world: LaneWorld
  readonly table: BronzeTableSettings
  /** Partition → where this pass ends: the log end seen when it began. */
  readonly targets: ReadonlyMap<number, bigint>
  readonly writers: WriterCache
  readonly known: KnownTopic
  readonly lost: LostPositions
  readonly emit: Emit
  /** Whether this process should still read a partition; asked before each flush. */
  readonly holds: (partition: number) => boolean
}

/** Kept while the pass goes on, so that it tells the truth also where the pass ends in a throw. */
export interface LaneResult {
  landed: number
  quarantined: number
  skipped: number
  /** The last version that this pass committed, or null. */
  version: number | null
  /** Partition → where its table stands, of those that were read. */
  readonly stands: Map<number, bigint>
  /** Partitions that stand at or past their target. */
  readonly caughtUp: Set<number>
  /** Partitions that stopped until a person acts, and why. */
  readonly stopped: Map<number, SluiceError>
  /** Partitions that were given to another process before they were caught up. */
  readonly given: Set<number>
}

export function emptyLaneResult(): LaneResult {
  return {
    landed: 0,
    quarantined: 0,
    skipped: 0,
    version: null,
    stands: new Map(),
    caughtUp: new Set(),
    stopped: new Map(),
    given: new Set(),
  }
}

/** Between two looks at a log that says it has more and gives nothing. */
const IDLE_MS = 200

/**
 * Reads the given partitions up to their targets and commits what they hold. Start positions come from the table alone
 * (I1). A partition that cannot go on stops; the others go on (I8). Memory is bounded by bytes held (I12).
 */
export async function runLane(pass: LanePass, result: LaneResult): Promise<void> {
  const { world, targets } = pass
  const { caughtUp, stopped, given } = result
  const deaths = new WorkerDeaths()
  const next = new NextFlush()
  try {
    while (!world.signal.aborted && caughtUp.size + stopped.size + given.size < targets.size) {
      // A record that kills its worker must not take with it, again and again, the flush before its own.
      next.mayBegin = world.decodePool.worksBeside && !deaths.isInRow
      const turn = await deaths.orAgain(() => runFlush(pass, result, next), 'moved')
      if (turn === 'idle') await world.clock.sleep(IDLE_MS, world.signal).catch(() => undefined)
    }
  } finally {
    await next.abandon()
  }
}

/** One flush: from the table's positions to one commit, or to a conflict after which nothing of it is kept. */
async function runFlush(lane: LanePass, result: LaneResult, next: NextFlush): Promise<'moved' | 'idle'> {
  const { world, table } = lane
  const batchId = next.batchId ?? world.clock.newId()
  const emit: Emit = (happening) => lane.emit(happening, batchId)
  const pass = { ...lane, emit }
  const snapshot = await keepTxns(world, table, await findTable(world.lake, table.table), emit)
  const schema = await contractInForce(world.registry, table)
  const topic = await describe(pass)
  const done = (): number => result.caughtUp.size + result.stopped.size + result.given.size
  const before = done()
  await stopStrangers(pass, result, { snapshot, topic })
  const starts = startPartitions({ pass, result, snapshot, topic })
  const ground = { schema, tableFields: snapshot?.metadata.fields ?? null, starts }
  const begun = await next.take(ground, emit)
  const held = begun ?? new Accumulator(openFlush({ world, table, schema, snapshot, batchId, keepLetters: false }))
  try {
    const stops = new Map<number, SluiceError>()
    const open = openPartitions({ pass, topic, starts, held })
    const filled = await fillHeld({ pass, stops, open, held })
    if (filled === 'flush') {
      const onWriting = (tableFields: readonly ColumnField[]): void =>
        next.begin({ pass, schema, tableFields, open, held })
      const contract = parseContract(schema)
      const outcome = await flush({ world, table, contract, batchId, held, snapshot, emit, onWriting })
      // A partition that was to stop is read again too: what comes before its stop was dropped with the rest.
      if (outcome.kind === 'conflicted') return 'moved'
      pass.known.reach(held.reached())
      result.landed += outcome.landed
      result.quarantined += outcome.quarantined
      result.skipped += Number(held.skipped)
      result.version = outcome.version
    }
    for (const [partition, error] of stops) stopPartition(pass, result, partition, error)
    settle(pass, result, held)
    return filled === 'flush' || done() > before ? 'moved' : 'idle'
  } finally {
    await held.decoding.abandon()
  }
}

interface Filling {
  readonly pass: LanePass
  /** Takes the partitions that cannot go on past what is held. */
  readonly stops: Map<number, SluiceError>
  /** Partitions that have more to give; those that end or stop are removed. */
  readonly open: Map<number, OpenPartition>
  readonly held: Accumulator
}

/** Reads the open partitions in turn until the flush policy says to commit, or nothing is left to read. */
async function fillHeld({ pass, stops, open, held }: Filling): Promise<'flush' | 'nothing'> {
  const { world, table } = pass
  for (;;) {
    if (decideFlush(flushState(world, held, false), world.settings.ingest) === 'flush') return 'flush'
    for (const [partition, opened] of open) {
      if (world.signal.aborted) break
      const taken = await takeBatches({ ...pass, held }, { partition, ...opened })
      if (taken.stop !== null) stops.set(partition, taken.stop)
      const next = held.next({ topic: table.topic, partition })!
      if (taken.stop !== null || taken.batches === 0 || next >= pass.targets.get(partition)!) open.delete(partition)
      if (decideFlush(flushState(world, held, false), world.settings.ingest) === 'flush') return 'flush'
    }
    if (open.size > 0 && !world.signal.aborted) continue
    return decideFlush(flushState(world, held, true), world.settings.ingest) === 'flush' ? 'flush' : 'nothing'
  }
}

function flushState({ clock }: LaneWorld, held: Accumulator, ended: boolean): FlushState {
  const ageMs = held.openedMs === null ? 0 : clock.nowMs() - held.openedMs
  return { heldBytes: held.heldBytes, heldRecords: held.heldRecords, ageMs, ended }
}

interface Starting {
  readonly pass: LanePass
  readonly result: LaneResult
  readonly snapshot: Snapshot | null
  readonly topic: TopicDescription
}

/**
 * Stops the partitions that have more to read from a log that is not the one that was read before (I18), and those of
 * which the table holds rows and has lost the position (I1).
 */
async function stopStrangers(
  pass: LanePass,
  result: LaneResult,
  { snapshot, topic }: Pick<Starting, 'snapshot' | 'topic'>,
): Promise<void> {
  const partitions = [...pass.targets].flatMap(([partition, target]) => {
    const next = snapshot === null ? null : readPosition(snapshot.txns, { topic: topic.topic, partition })?.next
    return next === undefined || next === null || next >= target || result.stopped.has(partition) ? [] : [partition]
  })
  const strangers = await pass.known.strangers({ ...pass, topic, snapshot, partitions })
  for (const [partition, error] of strangers) stopPartition(pass, result, partition, error)
  const unstopped = [...pass.targets.keys()].filter((partition) => !result.stopped.has(partition))
  const lost = await pass.lost.stops({ ...pass, topic, snapshot, partitions: unstopped })
  for (const [partition, error] of lost) stopPartition(pass, result, partition, error)
}

/** Checks where each partition stands; gives those that have something to commit. */
function startPartitions({ pass, result, snapshot, topic }: Starting): Map<number, OpenStart> {
  const starts = new Map<number, OpenStart>()
  for (const [partition, target] of pass.targets) {
    if (result.stopped.has(partition) || result.caughtUp.has(partition) || result.given.has(partition)) continue
    if (!pass.holds(partition)) {
      result.given.add(partition)
      continue
    }
    const start = startPartition({ table: pass.table.table, topic, partition, snapshot })
    if (start.kind === 'stop') {
      stopPartition(pass, result, partition, start.error)
      continue
    }
    const { at } = start
    if (at.next >= target && start.startSkip === null) {
      result.stands.set(partition, at.next)
      result.caughtUp.add(partition)
      continue
    }
    starts.set(partition, start)
  }
  return starts
}

interface Opening {
  readonly pass: LanePass
  readonly topic: TopicDescription
  readonly starts: ReadonlyMap<number, OpenStart>
  readonly held: Accumulator
}

/** Begins the partitions that are not begun and gives those that have more to read. */
function openPartitions({ pass, topic, starts, held }: Opening): Map<number, OpenPartition> {
  const open = new Map<number, OpenPartition>()
  for (const [partition, start] of starts) {
    const at = { topic: topic.topic, partition }
    if (held.next(at) === null) held.begin(at, start)
    if (held.next(at)! < pass.targets.get(partition)!) open.set(partition, { epoch: start.epoch, source: topic.source })
  }
  return open
}

/** Notes the partitions that stand at their target now that what was held is committed, or was nothing. */
function settle(pass: LanePass, result: LaneResult, held: Accumulator): void {
  for (const [partition, target] of pass.targets) {
    const next = held.next({ topic: pass.table.topic, partition })
    if (next !== null) result.stands.set(partition, next)
    if (next !== null && next >= target) result.caughtUp.add(partition)
  }
}

async function describe({ world, table }: LanePass): Promise<TopicDescription> {
  const topic = await world.log.describe(table.topic)
  if (topic !== null) return topic
  throw new SluiceError('SOURCE_CHANGED', `topic ${table.topic} of bronze.${table.table} is gone`, {
    where: { topic: table.topic, table: `bronze.${table.table}` },
  })
}

function stopPartition(pass: LanePass, result: LaneResult, partition: number, error: SluiceError): void {
  result.stopped.set(partition, error)
  pass.emit({
    type: 'lane.stopped',
    lane: `${pass.table.topic}/${partition} → bronze.${pass.table.table}`,
    code: error.code,
    message: error.message,
    where: error.where,
  })
}
