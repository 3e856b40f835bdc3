import { readSchemaId } from '../../contract/wire.ts'
import { classifyError, SluiceError } from '../../domain/errors.ts'
import { partitionKey } from '../../domain/position.ts'
import { recordOffset, recordValue } from '../../domain/record-batch.ts'
import type { BronzeTableSettings } from '../../domain/settings.ts'
import { checkLane, type LaneCheck } from '../../ingest/lane/check-lane.ts'
import { contractInForce } from '../../ingest/lane/contract-in-force.ts'
import { positionedPartitions, readPosition } from '../../ingest/lane/lane-position.ts'
import { findTable } from '../../ingest/lane/lane-table.ts'
import { outOfRange, sourceChanged } from '../../ingest/lane/read-lane.ts'
import type { Snapshot } from '../../lake/snapshot.ts'
import type { TopicDescription } from '../../ports/topic-log.ts'
import type { World } from '../../ports/world.ts'
import { judgePart, type PartStatus, type StatusNotes } from './part-status.ts'
import { pauseKey } from './pause-note.ts'
import { noteName } from './stop-note.ts'

/** One topic-partition on its way into one table. */
export interface LaneStatus extends PartStatus {
  readonly topic: string
  /** Null while there is no such topic. */
  readonly partition: number | null
  readonly table: string
  /** Null while nothing was committed. */
  readonly next: bigint | null
  readonly end: bigint | null
  /** Null where there is no such topic, or another one than was read: the offsets of one say nothing of the other. */
  readonly lag: bigint | null
}

export type LaneWorld = Pick<World, 'settings' | 'log' | 'lake' | 'registry' | 'assignment'>

/** Every lane into one table, from its positions and the log; never from what ingest remembers. */
export async function laneStatuses(
  world: LaneWorld,
  table: BronzeTableSettings,
  notes: StatusNotes,
): Promise<LaneStatus[]> {
  const name = `bronze.${table.table}`
  const { snapshot, broken } = await openTable(world, table.table)
  // After the table: one that another process moves meanwhile would stand past the log's end.
  const topic = await world.log.describe(table.topic)
  const stops = notes.stops.get(noteName({ kind: 'lane', name }))?.stops ?? []
  const paused = notes.pauses.get(pauseKey({ kind: 'lane', name })) ?? null
  const held = await world.assignment.held(`ingest/${table.table}`)
  const lastCommitMs = snapshot?.timestampMs ?? null
  const catchUp = `sluice ingest ${name}`
  if (topic === null) {
    const found = broken ?? goneTopic(table, snapshot)
    const facts = { found, noted: null, running: false, paused, lastCommitMs, catchUp: null }
    return [{ ...judgePart(facts), topic: table.topic, partition: null, table: name, next: null, end: null, lag: null }]
  }
  const lanes: LaneStatus[] = []
  for (const log of topic.partitions) {
    const { partition, end } = log
    const at = { topic: table.topic, partition }
    const position = snapshot === null ? null : readPosition(snapshot.txns, at)
    const check = checkLane({ position, source: topic.source, log })
    const from = check.kind === 'go' ? check.from : (position?.next ?? 0n)
    const unread = check.kind !== 'go' || from < end
    // Ingest passes over a lane that stands at its end; one that never committed it opens.
    const opens = unread || position === null
    const found = broken ?? (opens ? await findStop(world, { table, topic, partition, check }) : null)
    const noted = stops.find((stop) => stop.where.partition === undefined || stop.where.partition === partition) ?? null
    lanes.push({
      ...judgePart({
        found,
        noted: opens || broken !== null ? noted : null,
        running: held.has(partitionKey(at)),
        paused,
        lastCommitMs,
        catchUp: unread ? catchUp : null,
      }),
      topic: table.topic,
      partition,
      table: name,
      next: position?.next ?? null,
      end,
      lag: check.kind === 'source_changed' ? null : end > from ? end - from : 0n,
    })
  }
  return lanes
}

async function openTable(
  world: Pick<World, 'lake'>,
  table: string,
): Promise<{ readonly snapshot: Snapshot | null; readonly broken: SluiceError | null }> {
  try {
    return { snapshot: await findTable(world.lake, table), broken: null }
  } catch (error) {
    return { snapshot: null, broken: classifyError(error) }
  }
}

interface Sight {
  readonly table: BronzeTableSettings
  readonly topic: TopicDescription
  readonly partition: number
  readonly check: LaneCheck
}

/** What would stop the lane at its next record. */
async function findStop(world: LaneWorld, { table, topic, partition, check }: Sight): Promise<SluiceError | null> {
  const where = { topic: topic.topic, partition, table: `bronze.${table.table}` }
  const lane = `${topic.topic}/${partition}`
  if (check.kind === 'source_changed') return sourceChanged(where, check)
  if (check.kind === 'out_of_range') return outOfRange(where, check)
  try {
    await contractInForce(world.registry, table)
  } catch (error) {
    return classifyError(error)
  }
  const at = { topic: topic.topic, partition, from: check.from, maxBytes: 1, waitMs: 0 }
  const fetched = await world.log.fetch(at).catch((error: unknown) => {
    const known = classifyError(error)
    if (known.row.retry === 'operator') return known
    throw error
  })
  if (fetched instanceof SluiceError) return fetched
  const batch = fetched.kind === 'batches' ? fetched.batches[0] : undefined
  const value = batch === undefined || batch.count === 0 ? null : recordValue(batch, 0)
  const schemaId = value === null ? null : (readSchemaId(value)?.schemaId ?? null)
  if (batch === undefined || schemaId === null || (await world.registry.byId(schemaId)) !== null) return null
  const offset = String(recordOffset(batch, 0))
  const message = `${lane} offset ${offset} names schema id ${schemaId}, which the registry does not have`
  return new SluiceError('SCHEMA_ID_UNKNOWN', message, { where: { ...where, offset } })
}

function goneTopic({ table, topic }: BronzeTableSettings, snapshot: Snapshot | null): SluiceError | null {
  if (snapshot === null || positionedPartitions(snapshot.txns, topic).length === 0) return null
  return new SluiceError('SOURCE_CHANGED', `topic ${topic} of bronze.${table} is gone`, {
    where: { topic, table: `bronze.${table}` },
  })
}
