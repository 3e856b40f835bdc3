import type { World } from '../../ports/world.ts'
import { readPosition } from '../../ingest/lane/lane-position.ts'
import { openSnapshot } from '../../lake/snapshot.ts'

/** Where one lane stands in one partition, beside what the log holds. */
export interface LaneCheckpoint {
  readonly table: string
  readonly topic: string
  readonly partition: number
  readonly epoch: number
  /** Null where the lane has not begun. */
  readonly next: bigint | null
  /** Null where the log has no such partition. */
  readonly held: { readonly start: bigint; readonly end: bigint; readonly limit: bigint } | null
  /** `ok`: the lane reads on from there; else why it cannot. */
  readonly state: 'ok' | 'not_begun' | 'topic_changed' | 'out_of_range' | 'no_topic'
}

export interface SourceCheckpoint {
  readonly source: string
  readonly connector: string
  /** Appends so far. */
  readonly sequence: bigint
  readonly entries: ReadonlyMap<string, string>
}

export interface Checkpoints {
  readonly lanes: readonly LaneCheckpoint[]
  readonly sources: readonly SourceCheckpoint[]
}

export interface CheckpointFilter {
  readonly topic: string | null
  readonly partition: number | null
  readonly source: string | null
}

type ShowWorld = Pick<World, 'settings' | 'lake' | 'log'>

/** Positions from the tables (I1), progress of sources from the log (I9). */
export async function readCheckpoints(world: ShowWorld, filter: CheckpointFilter): Promise<Checkpoints> {
  const lanes: LaneCheckpoint[] = []
  const sources: SourceCheckpoint[] = []
  for (const { table, topic } of world.settings.tables.values()) {
    if (filter.source !== null || (filter.topic !== null && filter.topic !== topic)) continue
    lanes.push(...(await readLane(world, { table, topic })))
  }
  for (const { name, connector } of world.settings.sources.values()) {
    if (filter.topic !== null || (filter.source !== null && filter.source !== name)) continue
    const { sequence, entries } = await world.log.sourceState(name)
    sources.push({ source: name, connector, sequence, entries })
  }
  return { lanes: lanes.filter((lane) => filter.partition === null || lane.partition === filter.partition), sources }
}

async function readLane(
  { lake, log }: ShowWorld,
  { table, topic }: { readonly table: string; readonly topic: string },
): Promise<LaneCheckpoint[]> {
  const snapshot = await openSnapshot(lake.at(`bronze/${table}`))
  // After the table: one that another process moves meanwhile would stand past the log's end.
  const description = await log.describe(topic)
  const positioned = snapshot === null ? [] : [...snapshot.txns.keys()].flatMap((app) => partitionOf(app, topic))
  const count = Math.max(description?.partitions.length ?? 0, ...positioned.map((partition) => partition + 1))
  return Array.from({ length: count }, (_, partition): LaneCheckpoint => {
    const position = snapshot === null ? null : readPosition(snapshot.txns, { topic, partition })
    const held = description?.partitions[partition] ?? null
    const changed = position !== null && position.source !== null && position.source !== description?.source
    const outside = position !== null && held !== null && (position.next < held.start || position.next > held.limit)
    return {
      table: `bronze.${table}`,
      topic,
      partition,
      epoch: position?.epoch ?? 0,
      next: position?.next ?? null,
      held,
      state:
        held === null
          ? 'no_topic'
          : position === null
            ? 'not_begun'
            : changed
              ? 'topic_changed'
              : outside
                ? 'out_of_range'
                : 'ok',
    }
  })
}

function partitionOf(appId: string, topic: string): number[] {
  const prefix = `sluice/${topic}/`
  const rest = appId.startsWith(prefix) ? appId.slice(prefix.length) : ''
  return /^\d+$/.test(rest) ? [Number(rest)] : []
}
