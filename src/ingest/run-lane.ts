import { createJudge } from '../contract/judge.ts'
import { SluiceError } from '../domain/errors.ts'
import type { Happening } from '../domain/events.ts'
import { partitionKey } from '../domain/position.ts'
import type { RecordBatch } from '../domain/record-batch.ts'
import type { BronzeTableSettings } from '../domain/settings.ts'
import type { Snapshot } from '../lake/snapshot.ts'
import type { TopicDescription } from '../ports/topic-log.ts'
import type { World } from '../ports/world.ts'
import { Accumulator } from './accumulator.ts'
import { checkLane } from './check-lane.ts'
import { cutBatch } from './cut-batch.ts'
import { flush } from './flush.ts'
import { contractInForce } from './contract-in-force.ts'
import { decideFlush } from './flush-policy.ts'
import { judgeBatch, type JudgeContext } from './judge-batch.ts'
import { readPosition } from './lane-position.ts'
import { findTable } from './lane-table.ts'
import type { WriterCache } from './resolve-writers.ts'

export type LaneWorld = Pick<
  World,
  'settings' | 'clock' | 'lake' | 'log' | 'registry' | 'runId' | 'engine' | 'stagingFolder' | 'signal'
>

export interface LanePass {
  readonly world: LaneWorld
  readonly table: BronzeTableSettings
  /** Partition → where this pass ends: the log end seen when it began. */
  readonly targets: ReadonlyMap<number, bigint>
  readonly writers: WriterCache
  readonly emit: (happening: Happening) => void
}

export interface LaneResult {
  landed: number
  quarantined: number
  skipped: number
  /** The last version that this pass committed, or null. */
  version: number | null
  /** Partitions that stand at or past their target. */
  readonly caughtUp: Set<number>
  /** Partitions that stopped until a person acts, and why. */
  readonly stopped: Map<number, SluiceError>
}

/**
 * Reads the given partitions up to their targets and commits what they hold. Start positions come from the table alone
 * (I1). A partition that cannot go on stops; the others go on (I8). Memory is bounded by bytes held (I12).
 */
export async function runLane(pass: LanePass): Promise<LaneResult> {
  const result: LaneResult = {
    landed: 0,
    quarantined: 0,
    skipped: 0,
    version: null,
    caughtUp: new Set(),
    stopped: new Map(),
  }
  while (!pass.world.signal.aborted && result.caughtUp.size + result.stopped.size < pass.targets.size) {
    await runFlush(pass, result)
  }
  return result
}

/** One flush: from the table's positions to one commit, or to a conflict after which nothing of it is kept. */
async function runFlush(pass: LanePass, result: LaneResult): Promise<void> {
  const { world, table, emit } = pass
  const snapshot = await findTable(world.lake, table.table)
  const schema = await contractInForce(world.registry, table)
  const topic = await describe(pass)
  const judge = createJudge({ schema, mode: table.onUnknownField, keyColumns: table.key })
  const batchId = world.clock.newId()
  const held = new Accumulator()
  const open = beginPartitions({ pass, result, snapshot, topic, held })
  const context = (epoch: number): JudgeContext => ({
    table: table.table,
    judge,
    writers: pass.writers.known,
    epoch,
    runId: world.runId,
    batchId,
    nowMs: world.clock.nowMs(),
  })
  const { flushBytes, flushAgeMs, memoryLimitBytes, fetchBytes } = world.settings.ingest
  for (;;) {
    for (const [partition, lane] of open) {
      const from = held.next({ topic: table.topic, partition })!
      const fetched = await world.log.fetch({
        topic: table.topic,
        partition,
        from,
        maxBytes: fetchBytes,
        waitMs: 0,
        signal: world.signal,
      })
      if (fetched.kind === 'out_of_range' || fetched.kind === 'no_topic') {
        stopPartition(pass, result, partition, outOfRange(table.topic, partition, from, fetched))
        open.delete(partition)
        continue
      }
      if (fetched.kind === 'empty') {
        open.delete(partition)
        continue
      }
      for (const batch of fetched.batches) {
        emit({
          type: 'fetch.done',
          topic: batch.topic,
          partition,
          first: batch.first,
          next: batch.next,
          records: batch.count,
        })
        const cut = await resolvable(pass, batch)
        held.add(judgeBatch(cut.batch, context(lane.epoch)), world.clock.nowMs())
        if (cut.error !== null) {
          stopPartition(pass, result, partition, cut.error)
          open.delete(partition)
          break
        }
        if (batch.next >= pass.targets.get(partition)!) open.delete(partition)
      }
    }
    const ended = open.size === 0 || world.signal.aborted
    const ageMs = held.openedMs === null ? 0 : world.clock.nowMs() - held.openedMs
    if (
      decideFlush(
        { heldBytes: held.heldBytes, heldRecords: held.heldRecords, ageMs, ended },
        { flushBytes, flushAgeMs, memoryLimitBytes },
      ) === 'flush'
    )
      break
    if (ended) return settle(pass, result, held)
  }
  const outcome = await flush({ world, table, contract: judge.contract, batchId, held, snapshot, emit })
  if (outcome.kind === 'conflicted') return
  result.landed += held.landed
  result.quarantined += held.letters.length
  result.skipped += Number(held.skipped)
  result.version = outcome.version
  settle(pass, result, held)
}

interface Begin {
  readonly pass: LanePass
  readonly result: LaneResult
  readonly snapshot: Snapshot | null
  readonly topic: TopicDescription
  readonly held: Accumulator
}

/** Checks where each partition stands and opens those that have something to read. */
function beginPartitions({ pass, result, snapshot, topic, held }: Begin): Map<number, { readonly epoch: number }> {
  const open = new Map<number, { readonly epoch: number }>()
  for (const [partition, target] of pass.targets) {
    if (result.stopped.has(partition)) continue
    const at = { topic: topic.topic, partition }
    const log = topic.partitions[partition]
    const position = snapshot === null ? null : readPosition(snapshot.txns, at)
    const check =
      log === undefined ? ({ kind: 'source_changed' } as const) : checkLane({ position, source: topic.source, log })
    if (check.kind === 'source_changed') {
      const message = `${partitionKey(at)} is not the topic that bronze.${pass.table.table} read before: it was made again, or the broker is another one`
      stopPartition(
        pass,
        result,
        partition,
        new SluiceError('SOURCE_CHANGED', message, {
          where: { topic: at.topic, partition, table: `bronze.${pass.table.table}` },
        }),
      )
    } else if (check.kind === 'out_of_range') {
      stopPartition(pass, result, partition, outOfRange(at.topic, partition, check.next, check))
    } else if (check.from >= target && check.startSkip === null) {
      result.caughtUp.add(partition)
    } else {
      const epoch = position?.epoch ?? 0
      const startSkip =
        check.startSkip === null ? null : ({ ...at, epoch, ...check.startSkip, reason: 'start' } as const)
      held.begin(at, { from: position, at: { next: check.from, epoch, source: topic.source }, startSkip })
      if (check.from < target) open.set(partition, { epoch })
    }
  }
  return open
}

/** Notes the partitions that stand at their target now that what was held is committed, or was nothing. */
function settle(pass: LanePass, result: LaneResult, held: Accumulator): void {
  for (const [partition, target] of pass.targets) {
    const next = held.next({ topic: pass.table.topic, partition })
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

/** The batch up to its first record whose schema the registry does not have. */
async function resolvable(
  pass: LanePass,
  batch: RecordBatch,
): Promise<{ readonly batch: RecordBatch; readonly error: SluiceError | null }> {
  const unknown = await pass.writers.resolve(batch)
  if (unknown === null) return { batch, error: null }
  const cut = cutBatch(batch, unknown.index)
  const where = {
    topic: batch.topic,
    partition: batch.partition,
    offset: String(cut.next),
    table: `bronze.${pass.table.table}`,
  }
  return {
    batch: cut,
    error: new SluiceError(
      'SCHEMA_ID_UNKNOWN',
      `${batch.topic}/${batch.partition} offset ${cut.next} names schema id ${unknown.schemaId}, which the registry does not have`,
      { where },
    ),
  }
}

function outOfRange(
  topic: string,
  partition: number,
  next: bigint,
  log: { kind: string; start?: bigint; end?: bigint },
): SluiceError {
  if (log.start === undefined || log.end === undefined) {
    return new SluiceError('SOURCE_CHANGED', `topic ${topic} is gone`, { where: { topic, partition } })
  }
  const gap =
    next < log.start
      ? `${log.start - next} records were removed before they were read`
      : `the log ends ${next - log.end} records before it`
  return new SluiceError(
    'OFFSET_OUT_OF_RANGE',
    `${topic}/${partition} stands at offset ${next}, the log holds [${log.start},${log.end}): ${gap}`,
    {
      where: { topic, partition, offset: String(next) },
    },
  )
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
