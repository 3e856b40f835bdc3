import { SluiceError } from '../domain/errors.ts'
import { formatTableName } from '../domain/identifier.ts'
import { partitionKey } from '../domain/position.ts'
import { readPosition } from '../ingest/lane/lane-position.ts'
import { lastChangeMs } from '../lake/last-change.ts'
import { openSnapshot } from '../lake/snapshot.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { TopicDescription } from '../ports/topic-log.ts'
import type { World } from '../ports/world.ts'
import { listTables } from './list-tables.ts'

export interface PartitionLag {
  readonly table: string
  readonly topic: string
  readonly partition: number
  /** One past the last readable record. */
  readonly end: bigint
  /** What the table reads next. */
  readonly next: bigint
  /** What was told last to the consumer group that lag tools watch; null where none is kept. Never read back (I1). */
  readonly group: bigint | null
  /** Records. */
  readonly lag: bigint
  /** Age of the oldest record that the table lacks; 0 where it lacks none, null where its time is not known. */
  readonly lagSeconds: number | null
}

export interface Lag {
  readonly partitions: readonly PartitionLag[]
  /** Seconds since rows of each table came or went last; null where none ever did. */
  readonly tables: readonly { readonly table: string; readonly freshnessSeconds: number | null }[]
}

/** The form of `lag --json`; the service answers with it too. */
export function lagForm({ partitions, tables }: Lag): object {
  return {
    partitions: partitions.map(({ topic, partition, end, next, lag, lagSeconds, table, group }) => ({
      topic,
      partition,
      end,
      next,
      lag: Number(lag),
      lag_seconds: lagSeconds,
      table,
      group_next: group,
    })),
    tables: tables.map(({ table, freshnessSeconds }) => ({ table, freshness_seconds: freshnessSeconds })),
  }
}

export type LagWorld = Pick<World, 'settings' | 'log' | 'assignment' | 'lake' | 'clock'>

/** How far every lane is behind its log, and how old every table is. */
export async function measureLag(world: LagWorld): Promise<Lag> {
  const nowMs = world.clock.nowMs()
  const partitions: PartitionLag[] = []
  for (const { table, topic } of world.settings.tables.values()) {
    // The table first: what is committed meanwhile never shows it past the log's end.
    const snapshot = await openSnapshot(world.lake.at(`bronze/${table}`))
    const description = await world.log.describe(topic)
    if (description === null) continue
    const told = await toldPositions(world, { table, topic: description })
    for (const { partition, start, end } of description.partitions) {
      const next = (snapshot === null ? null : readPosition(snapshot.txns, { topic, partition })?.next) ?? start
      const lag = end > next ? end - next : 0n
      const lagSeconds = lag === 0n ? 0 : await oldestSeconds(world, { topic, partition, next }, nowMs)
      const group = told.get(partitionKey({ topic, partition })) ?? null
      partitions.push({ table: `bronze.${table}`, topic, partition, end, next, group, lag, lagSeconds })
    }
  }
  const tables = []
  for (const name of await listTables(world.lake)) {
    const changedMs = await changedLast(world.lake.at(`${name.layer}/${name.table}`)).catch(() => null)
    tables.push({
      table: formatTableName(name),
      freshnessSeconds: changedMs === null ? null : Math.max(0, Math.round((nowMs - changedMs) / 1000)),
    })
  }
  return { partitions, tables }
}

async function changedLast(store: ObjectStore): Promise<number | null> {
  const snapshot = await openSnapshot(store)
  return snapshot === null ? null : lastChangeMs(store, snapshot.version)
}

/** A group that may not be looked at keeps nobody from seeing the lag. */
async function toldPositions(
  { assignment }: Pick<World, 'assignment'>,
  { table, topic }: { readonly table: string; readonly topic: TopicDescription },
): Promise<ReadonlyMap<string, bigint>> {
  const resources = topic.partitions.map(({ partition }) => partitionKey({ topic: topic.topic, partition }))
  return (await assignment.told(`ingest/${table}`, resources).catch(() => null)) ?? new Map()
}

async function oldestSeconds(
  world: Pick<World, 'log'>,
  at: { readonly topic: string; readonly partition: number; readonly next: bigint },
  nowMs: number,
): Promise<number | null> {
  const place = { topic: at.topic, partition: at.partition, from: at.next, maxBytes: 1, waitMs: 0 }
  const fetched = await world.log.fetch(place).catch((error: unknown) => {
    // What is damaged says no time; its records count all the same.
    if (error instanceof SluiceError && error.code === 'LOG_CORRUPT') return null
    throw error
  })
  if (fetched?.kind !== 'batches') return null
  const timestampMs = fetched.batches[0]?.timestampsMs[0]
  return timestampMs === undefined ? null : Math.max(0, Math.round((nowMs - timestampMs) / 1000))
}
