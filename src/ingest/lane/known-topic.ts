import { SluiceError } from '../../domain/errors.ts'
import { partitionKey, type PartitionPosition } from '../../domain/position.ts'
import type { BronzeTableSettings } from '../../domain/settings.ts'
import type { Snapshot } from '../../lake/snapshot.ts'
import type { TopicDescription } from '../../ports/topic-log.ts'
import type { World } from '../../ports/world.ts'
import { knownRecord, type KnownRecord, type ReachedPartition } from './ledger/known-record.ts'
import { readPosition } from './lane-position.ts'
import { readLastLanded } from './last-landed.ts'

export interface TopicSight {
  readonly world: Pick<World, 'lake' | 'log'>
  readonly table: BronzeTableSettings
  readonly topic: TopicDescription
  readonly snapshot: Snapshot | null
  /** Those that are to be read. */
  readonly partitions: Iterable<number>
}

/**
 * Whether the log is still the one that a table read (I18): the last record that landed must stand at its offset with the
 * same time. So a log that was put back from a copy, or that lost its end and grew again, stops the lane, though the
 * topic's identity is the same. Asked once a partition for the life of a lane. Where the table stands as this lane left
 * it, the last record that the lane read stands for the one that landed, and no data file is read. Non-guarantee: a record
 * that retention or compaction removed since tells nothing, nor does one that is damaged now, or in an old file.
 */
export class KnownTopic {
  readonly #asked = new Set<string>()
  readonly #reached = new Map<number, ReachedPartition>()

  /** States what this lane committed. */
  reach(partitions: readonly ReachedPartition[]): void {
    for (const reached of partitions) this.#reached.set(reached.partition, reached)
  }

  /** By partition, why it must not be read on. */
  async strangers({
    world,
    table,
    topic,
    snapshot,
    partitions,
  }: TopicSight): Promise<ReadonlyMap<number, SluiceError>> {
    const strangers = new Map<number, SluiceError>()
    if (snapshot === null) return strangers
    const positions = new Map<number, PartitionPosition>()
    for (const partition of partitions) {
      const position = readPosition(snapshot.txns, { topic: topic.topic, partition })
      // A source that is not stated may be one that another engine dropped: then the records alone can tell.
      const named = position !== null && (position.source === null || position.source === topic.source)
      if (!named || this.#asked.has(keyOf(partition, position))) continue
      positions.set(partition, position)
    }
    if (positions.size === 0) return strangers
    const read = this.#readOf(positions)
    const unread = new Map([...positions].filter(([partition]) => !read.has(partition)))
    const store = world.lake.at(`bronze/${table.table}`)
    const landed =
      unread.size === 0 ? read : await readLastLanded({ store, snapshot, topic: topic.topic, positions: unread })
    for (const [partition, position] of positions) {
      const last = read.get(partition) ?? landed.get(partition)
      const other = last === undefined ? null : await findOther(world, topic, { partition, last })
      if (other === null) this.#asked.add(keyOf(partition, position))
      else strangers.set(partition, strangerError({ table, topic, partition }, other))
    }
    return strangers
  }

  /** Of the partitions that stand where this lane left them. */
  #readOf(positions: ReadonlyMap<number, PartitionPosition>): ReadonlyMap<number, KnownRecord> {
    const read = new Map<number, KnownRecord>()
    for (const [partition, position] of positions) {
      const reached = this.#reached.get(partition)
      if (reached !== undefined && isSame(reached.position, position)) read.set(partition, reached.last)
    }
    return read
  }
}

function isSame(a: PartitionPosition, b: PartitionPosition): boolean {
  return a.next === b.next && a.epoch === b.epoch && a.source === b.source
}

function keyOf(partition: number, { epoch, source }: PartitionPosition): string {
  return `${partition}/${epoch}/${source ?? ''}`
}

interface OtherRecord {
  readonly last: KnownRecord
  /** What stands at its offset now: another time, or no record. */
  readonly foundTs: bigint | null
}

/** Null where the log says the same, or nothing. */
async function findOther(
  { log }: Pick<World, 'log'>,
  topic: TopicDescription,
  { partition, last }: { readonly partition: number; readonly last: KnownRecord },
): Promise<OtherRecord | null> {
  const at = { topic: topic.topic, partition, from: last.offset, source: topic.source, maxBytes: 1, waitMs: 0 }
  const fetched = await log.fetch(at).catch((error: unknown) => {
    // It landed while it could still be read; what comes after it may be good.
    if (error instanceof SluiceError && error.code === 'LOG_CORRUPT') return null
    throw error
  })
  if (fetched?.kind !== 'batches') return null
  const [batch] = fetched.batches
  if (batch === undefined) return null
  for (let index = 0; index < batch.count; index += 1) {
    const found = knownRecord(batch, index)
    if (found.offset !== last.offset) continue
    return found.recordTs === last.recordTs ? null : { last, foundTs: found.recordTs }
  }
  const passed = batch.skips.some(({ first, next }) => first <= last.offset && last.offset < next)
  return passed ? null : { last, foundTs: null }
}

function strangerError(
  {
    table,
    topic,
    partition,
  }: { readonly table: BronzeTableSettings; readonly topic: TopicDescription; readonly partition: number },
  { last, foundTs }: OtherRecord,
): SluiceError {
  const at = { topic: topic.topic, partition }
  const found = foundTs === null ? 'holds no record there' : `holds a record of ${isoTime(foundTs)} there`
  return new SluiceError(
    'SOURCE_CHANGED',
    `bronze.${table.table} read ${partitionKey(at)} offset ${last.offset} with time ${isoTime(last.recordTs)}, and the log ${found}: it is not the log that was read`,
    { where: { ...at, offset: String(last.offset), table: `bronze.${table.table}` } },
  )
}

function isoTime(micros: bigint): string {
  return new Date(Number(micros / 1000n)).toISOString()
}
