import { classifyError, SluiceError } from '../domain/errors.ts'
import type { Emit, JobEnd } from '../domain/events.ts'
import { partitionKey } from '../domain/position.ts'
import type { BronzeTableSettings } from '../domain/settings.ts'
import type { World } from '../ports/world.ts'
import { withHeartbeat } from './lane/heartbeat.ts'
import { positionedPartitions, readPosition } from './lane/lane-position.ts'
import { findTable } from './lane/lane-table.ts'
import { KnownTopic } from './lane/known-topic.ts'
import { LostPositions } from './lane/ledger/lost-positions.ts'
import { WriterCache } from './lane/resolve-writers.ts'
import { emptyLaneResult, runLane, type LaneWorld } from './run-lane.ts'

export type IngestWorld = LaneWorld & Pick<World, 'assignment' | 'events' | 'traceId'>

/** What a pass did to one table. `read` = landed + quarantined + skipped. */
export interface TableReport {
  readonly table: string
  readonly read: number
  readonly landed: number
  readonly quarantined: number
  readonly skipped: number
  /** The version that the table has now; null while it has none. */
  readonly version: number | null
  /** Whether this pass committed anything. */
  readonly committed: boolean
  readonly errors: readonly SluiceError[]
}

const LEASE_POLL_MS = 200

/**
 * One pass over the given tables: every partition ends at or past the log end seen when the pass began, whoever read
 * it, or is named as stopped. Partitions that another live process holds are waited for; those of a dead one are taken.
 */
export async function runIngest(world: IngestWorld, tables: readonly BronzeTableSettings[]): Promise<TableReport[]> {
  const reports: TableReport[] = []
  for (const table of tables) reports.push(await ingestTable(world, table))
  return reports
}

async function ingestTable(world: IngestWorld, table: BronzeTableSettings): Promise<TableReport> {
  const context = { runId: world.runId, traceId: world.traceId, jobName: `ingest:${table.table}` }
  const emit: Emit = (happening, batchId) =>
    world.events.emit({ ...context, ...(batchId === undefined ? {} : { batchId }), ...happening })
  const startedMs = world.clock.nowMs()
  emit({
    type: 'job.started',
    stage: 'ingest',
    inputs: [{ kind: 'topic', name: table.topic }],
    outputs: [{ kind: 'table', name: `bronze.${table.table}` }],
  })
  const total = { landed: 0, quarantined: 0, skipped: 0, committed: false }
  const errors: SluiceError[] = []
  const reportOf = async (): Promise<TableReport> => ({
    table: `bronze.${table.table}`,
    read: total.landed + total.quarantined + total.skipped,
    ...total,
    version: await versionOf(world, table),
    errors,
  })
  let interrupted = false
  try {
    await passTable({ world, table, emit, total, errors })
    interrupted = world.signal.aborted
  } catch (error) {
    interrupted = isInterruption(error, world.signal)
    if (interrupted) return reportOf()
    const known = classifyError(error)
    errors.push(known)
    emit({
      type: 'lane.stopped',
      lane: `${table.topic} → bronze.${table.table}`,
      code: known.code,
      message: known.message,
      where: known.where,
    })
  } finally {
    const [error] = errors
    const end: JobEnd =
      error === undefined
        ? { outcome: interrupted ? 'interrupted' : 'completed' }
        : { outcome: 'failed', code: error.code, message: error.message }
    const idle = !total.committed && error === undefined
    emit({ type: 'job.ended', stage: 'ingest', idle, ms: world.clock.nowMs() - startedMs, ...end })
  }
  return reportOf()
}

/** The process was asked to end; what was held and not committed is read again by the next pass. */
function isInterruption(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted && (error === signal.reason || (error instanceof Error && error.name === 'AbortError'))
}

interface Pass {
  readonly world: IngestWorld
  readonly table: BronzeTableSettings
  readonly emit: Emit
  readonly total: { landed: number; quarantined: number; skipped: number; committed: boolean }
  readonly errors: SluiceError[]
}

async function passTable({ world, table, emit, total, errors }: Pass): Promise<void> {
  const topic = await world.log.describe(table.topic)
  const snapshot = await findTable(world.lake, table.table)
  if (topic === null) {
    if (snapshot === null || positionedPartitions(snapshot.txns, table.topic).length === 0) return
    throw new SluiceError('SOURCE_CHANGED', `topic ${table.topic}, which bronze.${table.table} reads, is gone`, {
      where: { topic: table.topic, table: `bronze.${table.table}` },
    })
  }
  const left = new Map(topic.partitions.map(({ partition, end }) => [partition, end]))
  const atEnd = new Map<number, bigint>()
  for (const { partition, end, limit } of topic.partitions) {
    const position = snapshot === null ? null : readPosition(snapshot.txns, { topic: table.topic, partition })
    if (position === null || position.source !== topic.source) continue
    if (position.next < end || position.next > limit) continue
    left.delete(partition)
    atEnd.set(partition, position.next)
  }
  const resource = (partition: number): string => partitionKey({ topic: table.topic, partition })
  const group = `ingest/${table.table}`
  // With these there is nothing to read; they are gone through for the telling alone.
  for (const [partition, next] of await untold(world, { group, atEnd, resource })) left.set(partition, next)
  if (left.size === 0) return
  world.decodePool.expect(left.size)
  const membership = await world.assignment.join(group, [...left.keys()].map(resource))
  const writers = new WriterCache(world.registry)
  const known = new KnownTopic()
  const lost = new LostPositions()
  try {
    while (left.size > 0 && !world.signal.aborted) {
      const assigned = await membership.poll()
      const targets = new Map([...left].filter(([partition]) => assigned.has(resource(partition))))
      if (targets.size === 0) {
        await dropPassed({ world, table, left, source: topic.source })
        if (left.size > 0) await world.clock.sleep(LEASE_POLL_MS, world.signal).catch(() => undefined)
        continue
      }
      const result = emptyLaneResult()
      try {
        await withHeartbeat(membership, (held) => {
          const holds = (partition: number): boolean => held()?.has(resource(partition)) ?? true
          return runLane({ world, table, targets, writers, known, lost, emit, holds }, result)
        })
      } finally {
        total.landed += result.landed
        total.quarantined += result.quarantined
        total.skipped += result.skipped
        total.committed ||= result.version !== null
        errors.push(...result.stopped.values())
      }
      const told = [...result.stands].map(([partition, next]) => [resource(partition), next] as const)
      await membership.tell(new Map(told)).catch(() => undefined)
      const done = [...result.caughtUp, ...result.stopped.keys()]
      for (const partition of done) left.delete(partition)
      await membership.release(done.map(resource))
    }
  } finally {
    await membership.leave()
  }
}

interface Told {
  readonly group: string
  /** Partition → position, of those with nothing to read. */
  readonly atEnd: ReadonlyMap<number, bigint>
  readonly resource: (partition: number) => string
}

/** Those of which lag tools hear less than the table has, such as after a process that was killed between the two. */
async function untold({ assignment }: IngestWorld, { group, atEnd, resource }: Told): Promise<[number, bigint][]> {
  if (atEnd.size === 0) return []
  const told = await assignment.told(group, [...atEnd.keys()].map(resource)).catch(() => null)
  if (told === null) return []
  return [...atEnd].filter(([partition, next]) => (told.get(resource(partition)) ?? -1n) < next)
}

interface Waiting {
  readonly world: IngestWorld
  readonly table: BronzeTableSettings
  readonly left: Map<number, bigint>
  readonly source: bigint
}

/** Forgets the partitions that another process has brought past their target, in the same topic. */
async function dropPassed({ world, table, left, source }: Waiting): Promise<void> {
  const snapshot = await findTable(world.lake, table.table)
  if (snapshot === null) return
  for (const [partition, end] of left) {
    const position = readPosition(snapshot.txns, { topic: table.topic, partition })
    if (position !== null && position.source === source && position.next >= end) left.delete(partition)
  }
}

/** Null also where the table cannot be read: the pass has said why, or the next one will. */
async function versionOf(world: IngestWorld, table: BronzeTableSettings): Promise<number | null> {
  try {
    return (await findTable(world.lake, table.table))?.version ?? null
  } catch {
    return null
  }
}
